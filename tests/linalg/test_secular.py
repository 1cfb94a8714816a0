"""The weights of a projection onto a ball, against the optimality conditions and bisection."""

import numpy as np
import pytest
from scipy.optimize import brentq

from oco.linalg.secular import ball_multiplier, ball_weights, project_onto_ball


@pytest.mark.parametrize("seed", range(20))
def test_weights_solve_the_secular_equation(seed):
    rng = np.random.default_rng(seed)
    h = 10.0 ** rng.uniform(-6, 6, 8)
    y = rng.standard_normal(8) * 10.0 ** rng.uniform(-2, 3)
    radius = np.linalg.norm(y) * rng.uniform(0.01, 0.99)
    weights = ball_weights(h, y**2, radius)
    mu = brentq(
        lambda log_mu: np.linalg.norm(h / (h + np.exp(log_mu)) * y) / radius - 1,
        -80,
        80,
        xtol=1e-14,
    )
    np.testing.assert_allclose(weights, h / (h + np.exp(mu)), rtol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(weights * y), radius, rtol=1e-14)


@pytest.mark.parametrize("least", [0.1, 0.0])
@pytest.mark.parametrize("length", [0.5, 5.0])
def test_a_projection_in_place_is_by_the_weights(length, least):
    h, radius = np.array([2.0, 1.0, least]), 3.0
    y = length * radius * np.array([0.6, -0.64, 0.48])
    expected = ball_weights(h, y * y, radius) * y
    project_onto_ball(h, y, radius)
    np.testing.assert_allclose(y, expected, rtol=1e-13)


@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1e8, 1e200])
def test_weights_do_not_depend_on_the_units_of_the_metric(scale):
    h, squares = np.array([3.0, 2.0, 1.0]), np.array([4.0, 5.0, 6.0])
    np.testing.assert_allclose(
        ball_weights(h * scale, squares, 1.0), ball_weights(h, squares, 1.0), rtol=1e-12
    )


@pytest.mark.parametrize("radius", [1e-3, 0.5, 40.0])
@pytest.mark.parametrize("squares", [[4.0, 5.0, 6.0], [0.1, 0.2, 6.0], [0.1, 0.2, 0.3]])
def test_weights_do_not_depend_on_the_units_of_the_points(squares, radius):
    h, squares = np.array([3.0, 1.0, 0.0]), np.array(squares)
    np.testing.assert_allclose(
        ball_weights(h, squares * radius**2, radius), ball_weights(h, squares, 1.0), rtol=1e-13
    )


@pytest.mark.parametrize("far", [1e8, 1e60, 1e104, 1e153])
def test_a_point_however_far_away_comes_to_the_boundary(far):
    """To first order in 1/μ, x is H y scaled to length R."""
    h, y = np.array([2.0, 1.0, 0.5]), np.array([1.0, -2.0, 2.0])
    x = ball_weights(h, (far * y) ** 2, 1.0) * far * y
    np.testing.assert_allclose(x, h * y / np.linalg.norm(h * y), rtol=3 / far + 1e-14)


def test_a_point_inside_keeps_its_place():
    np.testing.assert_array_equal(
        ball_weights(np.array([2.0, 1.0]), np.array([0.3, 0.3]), 1.0), np.ones(2)
    )


def test_the_null_space_is_only_shortened_as_far_as_the_ball_asks():
    h, squares = np.array([1.0, 0.0]), np.array([0.36, 4.0])
    weights = ball_weights(h, squares, 1.0)
    assert weights[0] == 1.0
    np.testing.assert_allclose(weights[1] * 2.0, 0.8)
    outside = ball_weights(h, np.array([4.0, 4.0]), 1.0)
    np.testing.assert_allclose(outside, [0.5, 0.0])
    np.testing.assert_allclose(ball_weights(np.zeros(1), np.array([4.0]), 1.0), [0.5])


@pytest.mark.parametrize("small", [1e-8, 1e-100, 1e-300])
def test_an_eigenvalue_however_small_beside_a_component_however_long(small):
    """Its component, however long, is shortened to what the other leaves of the ball."""
    h, y = np.array([1.0, small]), np.array([0.6, 1e150])
    weights = ball_weights(h, y**2, 1.0)
    np.testing.assert_allclose(np.linalg.norm(weights * y), 1.0, rtol=1e-14)
    # To first order h y/μ of the long one, where the short one is h y/(h + μ).
    mu = small * (1 / weights[1])
    np.testing.assert_allclose(weights[0], 1 / (1 + mu), rtol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_not_searched_for(bad):
    h, squares = np.array([1.0, 2.0]), np.array([bad, 1.0])
    with np.errstate(all="ignore"):
        assert np.isnan(ball_multiplier(h, squares, 1.0))
        assert np.isnan(ball_weights(h, squares, 1.0)).all()
        assert np.isnan(ball_multiplier(squares, 2 * h, 1.0))


@pytest.mark.parametrize(
    "h, length", [([1e-300, 1e-140], 1e300), ([1e-310, 1e-309], 2.0), ([1e300, 1e300], 1e300)]
)
def test_where_the_search_overflows_it_says_so(h, length):
    """In the slope at the start, with the square or alone, and in the start itself."""
    with np.errstate(all="ignore"):
        assert np.isnan(ball_multiplier(np.array(h), np.array([length, length]), h[0]))


def test_eigenvalues_whose_inverse_overflows_in_the_unit_of_the_largest():
    weights = ball_weights(np.array([1e153, 1e-160]), np.array([0.36, 1.0]), 1.0)
    np.testing.assert_allclose(weights, [1.0, 0.8], rtol=1e-14)


def test_a_point_on_the_boundary_but_for_rounding_leaves_no_room():
    squares = np.array([1 + np.finfo(float).eps, 1.0])
    np.testing.assert_allclose(ball_weights(np.array([2.0, 0.0]), squares, 1.0), [1.0, 0.0])
