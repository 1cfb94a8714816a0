"""Newton steps against their definition on dense matrices, and the curvature that they need."""

import math

import numpy as np
import pytest
from cone_programme import conic_projection
from dense_projection import dense_projection
from dense_sketch import dense_sketch
from what_learners_take import NEWTONS, own_options

import oco
from oco.algorithms import ALGORITHMS
from oco.bounds import Account, ladder
from oco.linalg.bounded import slack
from oco.losses import LOSSES

D, T, K, R = 9, 150, 4, 0.8
SHARES = {"ons": 0.0, "s-ons": 1.0, "rfd-son": 0.5, "fd-son": 0.0}
TOLERANCE = 1e-9
# How near a point of an interior-point method is to the optimum.
SOLVED = 1e-6
STREAMS = 120


def make(name, d=D, k=K, radius=R, **options):
    return ALGORITHMS[name](d, domain=oco.Ball(radius), **own_options(name, k) | options)


def rows(seed, d=D, t=T):
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((d, d)))[0]
    return (rng.standard_normal((t, d)) * 0.7 ** np.arange(d)) @ rotation


@pytest.mark.parametrize("alpha", [None, 0.05])
@pytest.mark.parametrize("name", NEWTONS)
def test_points_equal_the_definition(name, alpha):
    learner = make(name, alpha=alpha, curvature=0.3)
    x, quadratic, played, seen = np.zeros(D), 0.0, [], rows(1)
    size = D if name == "ons" else K
    expected = size / (0.3 * R**2) if alpha is None else alpha
    assert learner.alpha == pytest.approx(expected)
    for g, (sketch, rho, G) in zip(seen, dense_sketch(seen, K), strict=True):
        learner.update(g)
        A = expected * np.eye(D) + 0.3 * (G if name == "ons" else sketch)
        A += 0.3 * SHARES[name] * rho * np.eye(D)
        step = np.linalg.solve(A, g)
        quadratic += g @ step
        x = dense_projection(x - step, A, R)
        played.append(np.linalg.norm(x))
        np.testing.assert_allclose(learner.x, x, rtol=0, atol=TOLERANCE)
    assert learner.diagnostics().quadratic == pytest.approx(quadratic, rel=TOLERANCE)
    assert alpha is None or np.isclose(played, R).any(), "never projected"


@pytest.mark.parametrize("name", NEWTONS)
def test_on_a_box_points_are_those_of_a_cone_programme(name):
    box, seen, bound = oco.Box(-0.3, np.linspace(0.1, 0.5, D)), 2 * rows(2, t=60), 0
    options = own_options(name, K) | {"alpha": 0.05, "curvature": 0.3}
    learner = ALGORITHMS[name](D, domain=box, **options)
    for g, (sketch, rho, G) in zip(seen, dense_sketch(seen, K), strict=True):
        A = 0.3 * (G if name == "ons" else sketch) + (0.05 + 0.3 * SHARES[name] * rho) * np.eye(D)
        y = learner.x - np.linalg.solve(A, g)
        learner.update(g)
        np.testing.assert_allclose(learner.x, conic_projection(y, A, box), rtol=0, atol=SOLVED)
        # What no point of the box is better than to first order is the projection.
        assert slack(A @ (learner.x - y), learner.x, *box.bounds(D)) <= TOLERANCE * np.abs(A).max()
        bound += int((np.abs(learner.x - box.nearest(y)) > SOLVED).any())
    assert bound > 10, "clipping would have done"


@pytest.mark.parametrize("name", NEWTONS)
def test_log_det_is_at_least_the_certificate_and_for_monotone_metrics_needs_no_more(name):
    for seed in range(20):
        learner = make(name, alpha=0.1 + seed)
        for g in rows(seed):
            learner.update(g)
        now = learner.diagnostics()
        account = Account(T, D, learner.k, None, learner.diameter, math.inf, now)
        rungs = ladder(learner.bounds, account)
        assert rungs["certificate"] <= rungs["log-det"]
        determinant = np.linalg.slogdet(learner.metric.dense() / learner.alpha)[1]
        if name in ("ons", "s-ons"):
            assert now.log_determinant <= determinant * (1 + TOLERANCE)
            assert 0.5 * now.quadratic <= determinant  # σ = ½


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("name", NEWTONS)
def test_on_random_streams_the_regret_is_below_both_rungs(name, loss):
    """With the exact curvature of the loss, against labels that an adversary chooses."""
    for seed in range(STREAMS):
        rng = np.random.default_rng(seed)
        d, t, radius = int(rng.integers(1, 6)), int(rng.integers(1, 40)), 10 ** rng.uniform(-1, 0.5)
        a = rng.standard_normal((t, d)) * 10.0 ** rng.uniform(-1, 0, (t, 1))
        margin = np.linalg.norm(a, axis=1).max() * radius
        sigma = LOSSES[loss].gradient_curvature(margin, 1.0)
        alpha = None if seed % 2 else 10.0 ** rng.uniform(-2, 2)
        learner = make(name, d, min(K, d + 1), radius, curvature=sigma, alpha=alpha)
        value, slope = LOSSES[loss].value, LOSSES[loss].derivative
        points, labels = [], []
        for row in a:
            z = row @ learner.x
            labels.append(1.0 if value(z, 1.0) > value(z, -1.0) else -1.0)
            points.append(learner.x)
            learner.update(float(slope(z, labels[-1])) * row)
        labels, points = np.array(labels), np.array(points)
        paid = value(np.einsum("td,td->t", a, points), labels).sum()
        # Projected gradient descent: any point of K will do, a good one tests more.
        u, step = np.zeros(d), 1 / (np.linalg.norm(a, 2) ** 2 + 1e-12)
        for _ in range(200):
            u = learner.domain.nearest(u - step * (slope(a @ u, labels) @ a))
        account = Account(t, d, learner.k, None, learner.diameter, math.inf, learner.diagnostics())
        regret = paid - value(a @ u, labels).sum()
        assert regret <= min(ladder(learner.bounds, account).values()), seed


@pytest.mark.parametrize("loss, y_max", [("squared", 2.0), ("squared", 0.0), ("logistic", 1.0)])
@pytest.mark.parametrize("z_max", [0.01, 0.5, 1.0, 4.0])
def test_the_curvature_of_a_loss_holds_on_a_grid_and_is_the_largest(loss, y_max, z_max):
    sigma = LOSSES[loss].gradient_curvature(z_max, y_max)
    grid = np.linspace(-z_max, z_max, 301)
    z, w = np.meshgrid(grid, grid)
    for y in (-y_max, y_max):
        value, slope = LOSSES[loss].value, LOSSES[loss].derivative
        along = slope(z, y) * (z - w)
        apart = np.abs(z - w) > 1e-3 * z_max
        gain = 2 * (value(w, y) - value(z, y) + along)[apart]
        ratio = gain / np.maximum(along[apart] ** 2, 1e-300)
        assert ratio.min() >= sigma * (1 - 1e-6)
    if loss == "squared":
        assert ratio.min() <= sigma * (1 + 1e-6)
    else:
        # φ''/φ'² at the end of the range, where the slope is steepest.
        end = LOSSES[loss].curvature(-z_max, 1.0) / LOSSES[loss].derivative(-z_max, 1.0) ** 2
        assert sigma == pytest.approx(end)


@pytest.mark.parametrize("loss", ["hinge", "absolute", "linear"])
def test_a_loss_without_curvature_is_refused_by_name(loss):
    with pytest.raises(ValueError, match=f"^loss: the learner s-ons needs .* got '{loss}'"):
        oco.run("s-ons", loss=loss, d=5, k=3, T=10)


def test_an_unbounded_domain_and_the_simplex_are_refused():
    with pytest.raises(ValueError, match=r"^loss: the learner s-ons .* got 'squared' on Euclidean"):
        oco.run("s-ons", loss="squared", d=5, k=3, T=10, domain="unconstrained")
    for domain in (oco.Euclidean(), oco.Simplex()):
        with pytest.raises(ValueError, match=r"^domain: "):
            ALGORITHMS["s-ons"](5, k=3, domain=domain, curvature=1.0)


class Quartic:
    """φ(z) = (z − y)⁴/4 + (z − y)²/2, whose curvature along its slopes its author states."""

    name, labels = "quartic", "real"

    def value(self, z, y):
        return (z - y) ** 4 / 4 + (z - y) ** 2 / 2

    def derivative(self, z, y):
        return (z - y) ** 3 + (z - y)

    def gradient_curvature(self, z_max, y_max):
        residual = z_max + y_max
        # φ'' ≥ 1, and a slope is at most this.
        return 1.0 / (residual**3 + residual) ** 2


def test_a_loss_of_ones_own_states_its_curvature():
    result = oco.run("s-ons", loss=Quartic(), d=5, k=3, T=300, seed=1)
    assert result.summary.status == "complete" and not result.violated
    assert [bound.holds for bound in result.summary.bounds] == [True, True]


def test_regret_grows_like_the_logarithm_of_the_rounds():
    """Squared loss, d = 20: ten times as many rounds cost no more than the ten times before."""
    options = {"loss": "squared", "d": 20, "checkpoints": 1}
    found = [oco.run("ons", T=T, **options).summary for T in (100, 1000, 10_000)]
    regrets = [summary.regret.hi for summary in found]
    assert regrets[2] - regrets[1] < 1.5 * (regrets[1] - regrets[0])


@pytest.mark.parametrize("name", NEWTONS)
def test_options_out_of_range_are_refused(name):
    for option in ("alpha", "curvature"):
        for bad in (0.0, -1.0, math.nan):
            with pytest.raises(ValueError, match=f"^{option}: expected a finite number"):
                make(name, **{option: bad})
