"""S-AdaGrad on real rows, against dense eigendecompositions; a sketch that others change."""

import numpy as np
import pytest

import oco


def test_average_loss_and_escaped_mass_over_all_real_rows(a9a):
    summary = oco.run(
        "s-adagrad", data=str(a9a), k=10, lr=0.1, domain="unconstrained", features=123
    ).summary
    assert summary.average_loss == pytest.approx(0.342660216, abs=1e-8)
    assert summary.escaped_mass == pytest.approx(2740.49, abs=0.01)
    assert summary.d == 124 and summary.T == 32_560
    assert all(bound.holds for bound in summary.bounds)


def test_a_sketch_that_absorbs_more_than_the_gradients_is_followed():
    """As when learners on several machines exchange what they have seen."""
    d, k, rng = 8, 4, np.random.default_rng(0)
    learner = oco.algorithms.s_adagrad(d, k=k, domain=oco.Ball(0.5), lr=0.7)
    sketch, other = learner.preconditioner.sketch, oco.sketch.FrequentDirections(d, k)
    other.extend(rng.standard_normal((9, d)))
    more = [
        lambda: None,
        lambda: sketch.append(rng.standard_normal(d)),
        lambda: sketch.update(rng.standard_normal((5, d))),
        lambda: sketch.merge(other),
        lambda: sketch.merge(oco.sketch.FrequentDirections(d, k)),
        lambda: setattr(learner, "x", learner.x / 2),
    ]
    for t in range(60):
        more[t % len(more)]()
        x, g = learner.x, rng.standard_normal(d)
        learner.update(g)
        metric = learner.preconditioner.metric
        expected = metric.project_on_ball(x - 0.7 * (metric.power(-1) @ g), 0.5)
        np.testing.assert_allclose(learner.x, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("small", [1e-3, 1e-4, 1e-5, 2e-6])
@pytest.mark.parametrize("seed", range(5))
def test_a_turned_problem_has_a_turned_solution_however_small_the_tail(small, seed):
    """A step of η/√σ times the rounding of ‖g‖² would be seen here."""
    d = 6
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]
    points = []
    for Q in (np.eye(d), turn):
        learner = oco.algorithms.s_adagrad(d, k=2, domain=oco.Ball(1.0), lr=0.6)
        learner.update(Q[:, 0])
        learner.update(small * Q[:, 1])
        learner.x = 0.97 * Q[:, 2]
        learner.update(Q[:, 0])
        points.append(Q.T @ learner.x)
    np.testing.assert_allclose(points[1], points[0], rtol=0, atol=1e-15 / small)


def test_a_refused_gradient_leaves_no_trace():
    rng = np.random.default_rng(0)
    one, other = (oco.algorithms.s_adagrad(6, k=4, domain=oco.Ball(1.0), lr=2.0) for _ in range(2))
    for g in rng.standard_normal((30, 6)):
        one.update(g)
        other.update(g)
    one.x = other.x = np.full(6, 0.3)
    with pytest.raises(ValueError, match="g: expected"):
        one.update(np.full(6, np.nan))
    for g in rng.standard_normal((3, 6)):
        one.update(g)
        other.update(g)
    np.testing.assert_array_equal(one.x, other.x)


def test_nearly_parallel_rows_are_projected_where_they_belong():
    """A counterexample that `oco verify` found: the step outside the sketch is 1e5 radii long."""
    rows = [
        [-1.75549079, 1, 1.7235818],
        [0.24388935, 0, -0.23944462],
        [-0.44146753, 1, 0.433429],
        [1.60596244, -1, -1.57676223],
    ]
    radius, lr = 0.44500961, 0.62933863
    learner = oco.algorithms.s_adagrad(3, k=3, domain=oco.Ball(radius), lr=lr)
    for row in np.array(rows):
        x, g = learner.x, row if row @ learner.x >= 0 else -row
        learner.update(g)
        metric = learner.preconditioner.metric
        expected = metric.project_on_ball(x - lr * (metric.power(-1) @ g), radius)
        np.testing.assert_allclose(learner.x, expected, rtol=0, atol=1e-8)
