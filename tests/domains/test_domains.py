"""Projections against their variational inequality, support functions against sampling."""

import math
from fractions import Fraction

import numpy as np
import pytest

from oco.domains import (
    Ball,
    Box,
    Ellipsoid,
    Euclidean,
    L1Ball,
    OperatorBall,
    Simplex,
)
from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.operators import Dense, Diagonal, Scalar

# Rounding of products of numbers of order one.
EXACT = 1e-12


def metrics(seed, d=6):
    rng = np.random.default_rng(seed)
    rows = np.linalg.qr(rng.standard_normal((d, 3)))[0].T
    values = 10.0 ** rng.uniform(-3, 3, d)
    a = rng.standard_normal((d, d))
    return {
        "scalar": Scalar(2.0, d),
        "diagonal": Diagonal(values),
        "dense": Dense.of(a @ a.T),
        "sketch": LowRankPlusScalar.of(rows, values[:3] + 0.1, 0.1),
        "singular sketch": LowRankPlusScalar.of(rows, values[:3]),
        "singular diagonal": Diagonal(np.where(np.arange(d) < 3, values, 0.0)),
    }


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("kind", metrics(0))
def test_ball_projection_satisfies_its_variational_inequality(kind, seed):
    """(x − y)ᵀ H (u − x) ≥ 0 for every u in K characterises the projection."""
    rng = np.random.default_rng(seed)
    metric, domain = metrics(seed)[kind], Ball(1.5)
    h = metric.dense()
    y = 4 * rng.standard_normal(6)
    x = domain.project(y, metric)
    assert np.linalg.norm(x) <= 1.5 * (1 + 1e-15)
    gradient = h @ (x - y)
    scale = np.linalg.norm(h, 2) * np.linalg.norm(y)
    # The smallest value over the ball, not only over a sample.
    assert -1.5 * np.linalg.norm(gradient) - gradient @ x >= -EXACT * scale
    for u in rng.standard_normal((50, 6)):
        assert gradient @ (domain.nearest(u) - x) >= -EXACT * scale


def test_a_projection_that_ignored_the_metric_would_fail_the_inequality():
    metric, domain = Diagonal(np.array([100.0, 1.0])), Ball(1.0)
    y = np.array([2.0, 2.0])
    gradient = metric.dense() @ (domain.nearest(y) - y)
    assert -np.linalg.norm(gradient) - gradient @ domain.nearest(y) < -1.0


@pytest.mark.parametrize("kind", metrics(0))
def test_points_inside_stay(kind):
    y = 0.1 * np.ones(6)
    np.testing.assert_array_equal(Ball(1.0).project(y, metrics(1)[kind]), y)


def test_singular_metric_keeps_what_it_cannot_see():
    metric = Diagonal(np.array([4.0, 0.0]))
    x = Ball(1.0).project(np.array([0.6, 5.0]), metric)
    np.testing.assert_allclose(x, [0.6, 0.8], rtol=EXACT)


@pytest.mark.parametrize("metric", [Scalar(3.0, 4), Diagonal(np.array([1.0, 2.0, 3.0, 0.0]))])
def test_box_projection_clips(metric):
    domain = Box(-1.0, np.array([1.0, 2.0, 3.0, 4.0]))
    x = domain.project(np.array([-5.0, 1.5, 5.0, 9.0]), metric)
    np.testing.assert_array_equal(x, [-1.0, 1.5, 3.0, 4.0])


@pytest.mark.parametrize("domain", [Simplex(), L1Ball(1.0), OperatorBall((1, 2), 1.0)], ids=repr)
def test_a_metric_that_a_domain_does_not_take_is_refused(domain):
    asked = "a scalar metric" if domain.metrics == "scalar" else "a scalar or diagonal metric"
    with pytest.raises(ValueError, match=f"domain: {domain.name} needs a learner with {asked}"):
        domain.project(np.ones(2), Dense.of(np.eye(2)))


SHAPED = [
    Box(-1.0, 0.7),
    Box([-1, 0, 0, 0.5, -3, -2], [0.1, 0, 5, 0.6, 3, 2]),
    Simplex(),
    L1Ball(1.5),
    Ellipsoid(1.5),
    Ellipsoid([0.1, 1, 2, 0.5, 3, 0.7]),
    OperatorBall((2, 3), 0.8),
]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("domain", SHAPED, ids=repr)
@pytest.mark.parametrize("kind", metrics(0))
def test_projections_satisfy_their_variational_inequality(kind, domain, seed):
    """Over all of K, by its support function, and over a sample, in every metric that it takes."""
    rng = np.random.default_rng(seed)
    metric = metrics(seed)[kind]
    if domain.metrics != "any" and kind not in ("scalar", "diagonal", "singular diagonal"):
        return
    if domain.metrics == "scalar" and kind != "scalar":
        return
    h, y = metric.dense(), 10.0 ** rng.uniform(-1, 2) * rng.standard_normal(6)
    x = domain.project(y, metric)
    assert domain.distance(x) <= EXACT * domain.radius(6)
    gradient = h @ (x - y)
    scale = np.linalg.norm(h, 2) * np.linalg.norm(y) * domain.radius(6)
    least = -domain.support(-gradient) - gradient @ x
    assert least >= -1e-10 * scale
    for u in rng.standard_normal((20, 6)):
        assert gradient @ (domain.nearest(u) - x) >= -1e-10 * scale
    # What lies in K stays.
    np.testing.assert_allclose(domain.project(x, metric), x, rtol=0, atol=1e-9 * domain.radius(6))


@pytest.mark.parametrize("domain", SHAPED, ids=repr)
def test_points_are_moved_into_the_domain_exactly(domain):
    """In exact arithmetic, but for singular values, which are trusted to their last places."""
    rng = np.random.default_rng(5)
    for size in 10.0 ** rng.uniform(-3, 3, 40):
        x = domain.within(domain.nearest(size * rng.standard_normal(6)))
        exact = [Fraction(float(entry)) for entry in x]
        if isinstance(domain, Simplex):
            assert min(exact) >= 0 and sum(exact) == 1
        elif isinstance(domain, L1Ball):
            assert sum(map(abs, exact)) <= Fraction(domain.radius(6))
        elif isinstance(domain, Ellipsoid):
            axes = [Fraction(float(a)) for a in domain.axes(6)]
            assert sum((e / a) ** 2 for e, a in zip(exact, axes, strict=True)) <= 1
        elif isinstance(domain, OperatorBall):
            assert np.linalg.norm(x.reshape(domain.shape), 2) <= 0.8
        else:
            assert (x >= domain.lower).all() and (x <= domain.upper).all()
        np.testing.assert_allclose(domain.within(x), x, rtol=0, atol=1e-12 * domain.radius(6))


@pytest.mark.parametrize("d", [1, 2, 5, 40])
def test_the_simplex_in_many_dimensions(d):
    domain, rng = Simplex(), np.random.default_rng(d)
    x = domain.nearest(1e6 * rng.standard_normal(d))
    assert x.min() >= 0 and abs(x.sum() - 1) <= 1e-15 * d
    assert domain.reach(d) == pytest.approx(np.linalg.norm(np.eye(d)[0] - domain.start(d)))
    assert domain.diameter(d) == (math.sqrt(2) if d > 1 else 0.0)


def test_a_box_in_a_dense_metric_is_no_clipping():
    metric, domain = Dense.of(np.array([[2.0, 1.9], [1.9, 2.0]])), Box(0.0, 1.0)
    y = np.array([2.0, 0.0])
    x = domain.project(y, metric)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 201)] * 2), -1).reshape(-1, 2) - y
    values = np.einsum("ni,ij,nj->n", grid, metric.dense(), grid)
    value = (x - y) @ metric.dense() @ (x - y)
    assert (
        value
        <= values.min() + 1e-12
        < (domain.nearest(y) - y) @ metric.dense() @ (domain.nearest(y) - y)
    )


@pytest.mark.parametrize(
    "domain",
    [
        Ball(2.0),
        Box(-1.0, 3.0),
        Box([-1, 0, 2], [0, 0, 5]),
        Simplex(),
        L1Ball(2.0),
        Ellipsoid([1.0, 2.0, 0.5]),
        OperatorBall((3, 1), 1.5),
    ],
    ids=repr,
)
def test_support_diameter_and_radius_are_attained_and_never_exceeded(domain):
    rng = np.random.default_rng(0)
    points = np.array([domain.nearest(20 * u) for u in rng.standard_normal((2000, 3))])
    for s in rng.standard_normal((20, 3)):
        reached = (points @ s).max()
        assert domain.contains(domain.farthest(s))
        assert abs(s @ domain.farthest(s) - domain.support(s)) <= EXACT * (
            1 + abs(domain.support(s))
        )
        assert reached <= domain.support(s) + EXACT * (1 + abs(domain.support(s)))
        assert reached >= domain.support(s) - 0.1 * (1 + abs(domain.support(s)))
    assert np.linalg.norm(points, axis=1).max() <= domain.radius(3) * (1 + EXACT)
    assert np.linalg.norm(points, axis=1).max() >= 0.97 * domain.radius(3)
    gaps = points[:, None, :] - points[None, :500, :]
    assert 0.9 * domain.diameter(3) <= np.linalg.norm(gaps, axis=2).max()
    assert np.linalg.norm(gaps, axis=2).max() <= domain.diameter(3) * (1 + EXACT)
    assert np.abs(gaps).max() <= domain.width(3) * (1 + EXACT)
    assert domain.contains(points[0]) and not domain.contains(points[0] + 100)


def test_start_is_the_point_nearest_to_the_origin():
    np.testing.assert_array_equal(Ball(1).start(2), [0, 0])
    np.testing.assert_array_equal(Euclidean().start(2), [0, 0])
    np.testing.assert_array_equal(Box([1, -2], [3, -1]).start(2), [1, -1])


def test_unconstrained_space_has_no_diameter():
    domain = Euclidean()
    assert domain.diameter(3) == domain.radius(3) == domain.support(np.ones(3)) == math.inf
    assert domain.width(3) == math.inf
    assert domain.support(np.zeros(3)) == 0.0
    np.testing.assert_array_equal(domain.farthest(np.zeros(3)), np.zeros(3))
    y = np.array([1e9, -1.0, 0.0])
    np.testing.assert_array_equal(domain.project(y, metrics(0)["dense"]), y)
    with pytest.raises(ValueError, match="s: expected 0 on an unbounded domain"):
        domain.farthest(np.ones(3))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: L1Ball(0), r"radius: expected a finite number from 1e-150 to 1e\+150, got 0"),
        (lambda: Ellipsoid(-1), r"semiaxes: expected a finite number from .*, got -1"),
        (lambda: Ellipsoid([1, 0]), r"semiaxes: expected a finite number from .*, got 0"),
        (lambda: Ellipsoid([1, 2]).radius(3), "semiaxes: expected a number or 3 of them, got 2"),
        (lambda: OperatorBall((2, 2), -1), r"radius: expected a finite number from .*, got -1"),
        (lambda: OperatorBall((2, 2, 2)), r"shape: expected two sizes, got \(2, 2, 2\)"),
        (lambda: OperatorBall((2, 2)).radius(5), r"shape: expected 5 entries, got \(2, 2\)"),
        (lambda: Ball(0), r"radius: expected a finite number from 1e-150 to 1e\+150, got 0"),
        (lambda: Ball(math.nan), r"radius: expected a finite number from .*, got nan"),
        (lambda: Ball(1e-200), r"radius: expected a finite number from .*, got 1e-200"),
        (lambda: Ball(1e308), r"radius: expected a finite number from .*, got 1e\+308"),
        (lambda: Box(1, -1), "lower: expected lower <= upper, got lower 1 and upper -1"),
        (lambda: Box([0, 0], [1, 1, 1]), "lower: expected the shape of upper"),
        (lambda: Box(0, math.inf), "upper: expected a finite number from .*, got inf"),
        (lambda: Box([0, 0], 1).diameter(3), "lower: expected a number or 3 of them, got 2"),
    ],
)
def test_bad_domains_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_domains_tell_their_size():
    assert repr(Euclidean()) == "Euclidean()"
    assert repr(Ball(2.5)) == "Ball(2.5)"
    assert repr(Box(-1, [1.0, 2.0])) == "Box(-1, <2 numbers>)"
    assert repr(Simplex()) == "Simplex()" and repr(L1Ball(2)) == "L1Ball(2)"
    assert repr(Ellipsoid(2)) == "Ellipsoid(2)" and repr(Ellipsoid([1, 2])) == (
        "Ellipsoid(<2 numbers>)"
    )
    assert repr(OperatorBall((2, 3), 1.5)) == "OperatorBall(2x3, 1.5)"
