"""The comparator against an independent solver, closed forms, and problems hard to solve."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cone_programme import HeldRounds, conic_optimum, random_problem

from oco.domains import Ball, Box, Euclidean
from oco.losses.functions import HINGE, LINEAR, LOGISTIC, MARGIN_LOSSES, SQUARED, Loss
from oco.regret import best_fixed_point, cumulative_losses

TIGHT = 1e-6
# What the reference solver's own tolerance of 1e-10 may amount to, relative to its optimum.
REFERENCE = 1e-7
CURVED = [loss for loss in MARGIN_LOSSES.values() if loss is not LINEAR]
DOMAINS = {
    "small ball": Ball(0.3),
    "ball": Ball(2.0),
    "box": Box(-0.4, [0.1, 0.2, 0.3, 0.4, 0.5]),
    "thin box off the origin": Box([0.2, -1.0, 0.3, 0.1, -2.0], [0.2, -0.5, 0.9, 0.4, 1.0]),
    "unconstrained": Euclidean(),
}


def points(domain, d, count=2000, radius=None, seed=0):
    rng = np.random.default_rng(seed)
    if isinstance(domain, Box):
        return rng.uniform(domain.lower, domain.upper, size=(count, d))
    directions = rng.standard_normal((count, d))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    return directions * (radius or domain.radius(d)) * rng.random((count, 1)) ** (1 / d)


def assert_certified(best, loss, domain, held, relative_gap):
    assert domain.contains(best.x)
    assert best.value == pytest.approx(held.total(loss, best.x), rel=1e-12, abs=1e-12)
    assert 0 <= best.gap <= relative_gap * abs(best.value)
    radius = best.radius
    assert (radius is None) == domain.bounded
    assert radius is None or radius >= 2 * np.linalg.norm(best.x)
    losses = loss.value(points(domain, held.d, radius=radius) @ held.features.T, held.labels)
    assert np.all(losses.sum(axis=1) >= best.lower)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("T", [3, 40])
@pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
@pytest.mark.parametrize("loss", CURVED, ids=lambda loss: loss.name)
def test_interval_holds_the_optimum_of_an_independent_solver(loss, domain, T, seed):
    if T < 5 and domain is DOMAINS["unconstrained"]:
        T = 8  # with fewer rounds than dimensions the minimum is 0 and a relative gap means nothing
    held = random_problem(seed, T, 5, loss.labels == "real", noise=2.0)
    best = best_fixed_point(loss, domain, held, relative_gap=TIGHT)
    if best.value < 1e-3 * T:  # separable labels: the infimum is 0, and it must be reached
        assert 0 <= best.lower <= best.value <= TIGHT * T or best.gap <= TIGHT * best.value
        return
    assert_certified(best, loss, domain, held, TIGHT)
    optimum = conic_optimum(loss, domain, held)
    slack = REFERENCE * max(1.0, abs(optimum))
    assert best.lower <= optimum + slack
    assert optimum - slack <= best.value


@pytest.mark.parametrize("loss", CURVED, ids=lambda loss: loss.name)
def test_gap_follows_the_regret(loss):
    held = random_problem(0, 200, 10, loss.labels == "real")
    incurred = 1.05 * best_fixed_point(loss, Ball(1.0), held).value
    best = best_fixed_point(loss, Ball(1.0), held, incurred=incurred)
    assert best.gap <= 1e-3 * (incurred - best.value)
    assert best.lower <= best_fixed_point(loss, Ball(1.0), held, relative_gap=1e-9).value


def test_lead_over_every_comparator_is_a_negative_interval():
    held = random_problem(1, 100, 5, real=True)
    best = best_fixed_point(SQUARED, Ball(0.5), held, incurred=1.0)
    assert best.lower > 1.0
    assert best.gap <= 1e-3 * (best.lower - 1.0)


def test_regret_of_zero_ends_with_the_best_interval_there_is():
    held = random_problem(2, 60, 4, real=True)
    exact = best_fixed_point(SQUARED, Ball(0.5), held, relative_gap=1e-12).value
    best = best_fixed_point(SQUARED, Ball(0.5), held, incurred=exact)
    assert 0 <= best.gap <= 1e-10 * exact


@pytest.mark.parametrize("seed", range(3))
def test_squared_loss_without_bounds_is_least_squares(seed):
    held = random_problem(seed, 50, 6, real=True)
    solution, residual, *_ = np.linalg.lstsq(held.features, held.labels, rcond=None)
    best = best_fixed_point(SQUARED, Euclidean(), held, relative_gap=1e-9)
    np.testing.assert_allclose(best.x, solution, atol=1e-4)
    assert best.lower <= 0.5 * float(residual[0]) * (1 + 1e-14)
    assert best.value == pytest.approx(0.5 * float(residual[0]), rel=1e-9)


@pytest.mark.parametrize("domain", [Ball(3.0), Box([-1.0, 0.0, 2.0], [2.0, 1.0, 2.0])])
def test_linear_losses_have_a_closed_form(domain):
    held = HeldRounds(np.arange(12.0).reshape(4, 3) - 5, [1.0, -1.0, -1.0, 1.0])
    s = -held.labels @ held.features
    best = best_fixed_point(LINEAR, domain, held)
    assert best.value == pytest.approx(-domain.support(-s))
    assert best.value == pytest.approx(held.total(LINEAR, best.x))
    assert 0 <= best.gap <= 1e-10
    assert domain.contains(best.x)


def test_linear_losses_without_bounds_have_no_best_point():
    with pytest.raises(ValueError, match="domain: linear losses need a bounded domain"):
        best_fixed_point(LINEAR, Euclidean(), HeldRounds([[1.0, 2.0]], [1.0]))


def test_linear_losses_that_cancel_need_no_bounds():
    best = best_fixed_point(LINEAR, Euclidean(), HeldRounds([[1.0, 2.0]] * 2, [1.0, -1.0]))
    assert best.value == 0
    assert 0 <= best.gap <= 1e-12
    assert math.isfinite(best.radius)


@pytest.mark.parametrize("loss", [HINGE, LOGISTIC], ids=lambda loss: loss.name)
def test_separable_labels_without_bounds(loss):
    rng = np.random.default_rng(0)
    features = rng.standard_normal((60, 4))
    held = HeldRounds(features, np.sign(features[:, 0]))
    best = best_fixed_point(loss, Euclidean(), held, incurred=50.0)
    assert best.lower >= 0
    assert best.gap <= 1e-3 * 50
    assert best.radius >= 2 * np.linalg.norm(best.x)


@pytest.mark.parametrize("domain", [Ball(1.0), Box(-1, 1), Euclidean()], ids=lambda K: K.name)
@pytest.mark.parametrize("loss", CURVED, ids=lambda loss: loss.name)
class TestDegenerate:
    def solve(self, loss, domain, features, labels):
        held = HeldRounds(features, labels)
        start = held.total(loss, domain.start(held.d))
        best = best_fixed_point(loss, domain, held, incurred=1 + 2 * start)
        assert domain.contains(best.x)
        assert best.value == pytest.approx(held.total(loss, best.x), abs=1e-12)
        assert best.value <= start
        assert 0 <= best.gap <= 1e-3 * (1 + 2 * start - best.value)
        losses = loss.value(points(domain, held.d, radius=best.radius) @ held.features.T, labels)
        assert np.all(losses.sum(axis=1) >= best.lower)
        return best

    def test_one_round(self, loss, domain):
        self.solve(loss, domain, [[3.0, -4.0]], np.array([1.0]))

    def test_one_dimension(self, loss, domain):
        self.solve(loss, domain, [[1.0], [2.0], [-1.0]], np.array([1.0, -1.0, 1.0]))

    def test_fewer_rounds_than_dimensions(self, loss, domain):
        rng = np.random.default_rng(1)
        self.solve(loss, domain, rng.standard_normal((5, 30)), np.array([1, -1, 1, 1, -1.0]))

    def test_features_that_are_all_zero(self, loss, domain):
        best = self.solve(loss, domain, np.zeros((4, 3)), np.array([1, -1, 1, 1.0]))
        assert best.gap <= 1e-9

    def test_features_some_of_which_are_zero(self, loss, domain):
        features = np.random.default_rng(2).standard_normal((20, 4)) * [1, 0, 1, 0]
        self.solve(loss, domain, features, np.where(features[:, 0] > 0.3, 1.0, -1.0))

    def test_rounds_that_repeat(self, loss, domain):
        features = np.repeat(np.random.default_rng(3).standard_normal((3, 4)), 10, axis=0)
        self.solve(loss, domain, features, np.tile([1.0, 1.0, -1.0], 10))

    def test_labels_of_one_class(self, loss, domain):
        features = np.random.default_rng(4).standard_normal((20, 3))
        self.solve(loss, domain, features, np.ones(20))

    def test_minimum_at_the_origin(self, loss, domain):
        # Each round also occurs with the other label, so that F is even.
        features = np.repeat(np.random.default_rng(5).standard_normal((10, 3)), 2, axis=0)
        held = HeldRounds(features, np.tile([1.0, -1.0], 10))
        best = self.solve(loss, domain, features, held.labels)
        assert best.value == pytest.approx(held.total(loss, np.zeros(3)), rel=1e-3)

    @pytest.mark.parametrize("scale", [1e-3, 1e3])
    def test_features_in_other_units(self, loss, domain, scale):
        features = np.random.default_rng(6).standard_normal((30, 3)) * [scale, 1, 1 / scale]
        labels = np.where(np.random.default_rng(7).random(30) > 0.4, 1.0, -1.0)
        self.solve(loss, domain, features, labels)


def test_box_of_a_single_point():
    held = random_problem(0, 20, 3, real=True)
    best = best_fixed_point(SQUARED, Box([1, 2, 3], [1, 2, 3]), held)
    np.testing.assert_array_equal(best.x, [1, 2, 3])
    assert best.gap <= 1e-9 * best.value


def test_a_minimiser_that_no_shift_leaves_outside_the_ball():
    # Nearly collinear: the multiplier that meets the radius is 1e-9 of the first one tried.
    features = [[-1.28803, 1.60135], [-1.28796, 1.6012], [-1.28787, 1.6011]]
    held = HeldRounds(features, [0.0142399, 0.0548905, 0.00587959])
    domain = Ball(25.8244)
    best = best_fixed_point(SQUARED, domain, held)
    assert_certified(best, SQUARED, domain, held, 1e-3)
    assert best.lower <= conic_optimum(SQUARED, domain, held) <= best.value


@pytest.mark.parametrize("loss", CURVED, ids=lambda loss: loss.name)
def test_ordinary_small_problems_are_all_solved(loss):
    """In one of 150 of these the ball's multiplier once became the logarithm of 0."""
    for seed in range(120):
        rng = np.random.default_rng([seed, len(loss.name)])
        T, d, radius = rng.integers(1, 12), rng.integers(1, 6), 10.0 ** rng.uniform(-2, 3)
        features = rng.standard_normal((T, d))
        if seed % 3 == 0:
            features = features[:1] + 1e-4 * features
        labels = rng.choice([-1.0, 1.0], T)
        if loss.labels == "real":
            labels = labels * rng.uniform(0, 2, T)
        held, domain = HeldRounds(features, labels), Ball(radius)
        best = best_fixed_point(loss, domain, held)
        assert domain.contains(best.x) and best.lower <= best.value
        assert best.value == pytest.approx(held.total(loss, best.x), rel=1e-12, abs=1e-12)
        assert best.gap <= 0.1 * best.value + 1e-9


class Pinball(Loss):
    """A kinked loss of a user's own: neither conjugate nor curvature."""

    name = "pinball"

    def value(self, z, y):
        return np.maximum(0.3 * (y - z), 0.7 * (z - y))

    def derivative(self, z, y):
        return np.where(z > y, 0.7, -0.3)


class Exponential(Loss):
    """A smooth loss of a user's own that is not Lipschitz and overflows."""

    name = "exponential"

    def value(self, z, y):
        return np.exp(-y * z)

    def derivative(self, z, y):
        return -y * np.exp(-y * z)


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
@pytest.mark.parametrize("loss", [Pinball(), Exponential()], ids=lambda loss: loss.name)
def test_losses_of_ones_own_are_certified_too(loss, domain):
    held = random_problem(3, 60, 5, loss.name == "pinball", noise=2.0)
    best = best_fixed_point(loss, domain, held, relative_gap=1e-5)
    assert_certified(best, loss, domain, held, 1e-5)


def test_pinball_without_bounds_is_a_quantile():
    labels = np.random.default_rng(0).standard_normal(101)
    best = best_fixed_point(
        Pinball(), Euclidean(), HeldRounds(np.ones((101, 1)), labels), relative_gap=1e-9
    )
    assert best.x[0] == pytest.approx(np.quantile(labels, 0.3, method="inverted_cdf"), abs=1e-6)


def test_bare_object_with_value_and_derivative_suffices():
    class Bare:
        name = "bare"
        value = staticmethod(lambda z, y: abs(z - y))
        derivative = staticmethod(lambda z, y: np.sign(z - y))

    held = random_problem(4, 30, 3, real=True)
    best = best_fixed_point(Bare(), Ball(1.0), held)
    assert best.gap <= 1e-3 * best.value


def test_more_dimensions_than_newton_takes(monkeypatch):
    monkeypatch.setattr("oco.regret.solver.NEWTON_DIMENSION", 0)
    held = random_problem(5, 80, 6, real=False)
    for domain in (Ball(1.0), Box(-1, 1), Euclidean()):
        best = best_fixed_point(LOGISTIC, domain, held, relative_gap=TIGHT)
        assert "Newton" not in best.method
        assert_certified(best, LOGISTIC, domain, held, TIGHT)


def test_search_that_gives_up_still_returns_an_interval(monkeypatch):
    for limit in ("BEFORE_NEWTON", "ITERATIONS", "NEWTON_ITERATIONS", "PATIENCE", "SHIFTS"):
        monkeypatch.setattr(f"oco.regret.solver.{limit}", 1)
    held = random_problem(6, 80, 6, real=True)
    best = best_fixed_point(MARGIN_LOSSES["absolute"], Ball(2.0), held, relative_gap=TIGHT)
    optimum = conic_optimum(MARGIN_LOSSES["absolute"], Ball(2.0), held)
    assert TIGHT * best.value < best.gap < math.inf
    assert best.lower <= optimum <= best.value


def test_prefix_of_the_rounds():
    held = random_problem(7, 50, 4, real=True)
    prefix = HeldRounds(held.features[:19], held.labels[:19])
    best = best_fixed_point(SQUARED, Ball(1.0), held, rounds=19)
    same = best_fixed_point(SQUARED, Ball(1.0), prefix)
    assert best.rounds == 19
    np.testing.assert_array_equal(best.x, same.x)
    assert (best.value, best.lower) == (same.value, same.lower)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rounds": 0}, "rounds: expected an integer >= 1"),
        ({"relative_gap": 0}, "relative_gap: expected a finite number > 0"),
        ({"incurred": math.nan}, "incurred: expected a finite number"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        best_fixed_point(SQUARED, Ball(1.0), random_problem(0, 5, 2, True), **options)


def test_cumulative_losses_are_the_sums():
    held = random_problem(8, 50, 4, real=True)
    x, checkpoints = np.array([1.0, -0.5, 0.2, 0.0]), [1, 7, 8, 50, 0]
    losses = SQUARED.value(held.features @ x, held.labels)
    np.testing.assert_allclose(
        cumulative_losses(SQUARED, x, held, checkpoints),
        [losses[:t].sum() for t in checkpoints],
        rtol=1e-13,
    )


def test_a9a_without_bounds(a9a):
    from sklearn.datasets import load_svmlight_file

    features, labels = load_svmlight_file(str(a9a), n_features=123)
    rows = np.hstack([features.toarray(), np.ones((len(labels), 1))])
    labels = np.where(labels > 0, 1.0, -1.0)

    class A9a:
        d = 124

        def chunks(self, stop=None):
            for start in range(0, len(labels), 1024):
                yield rows[start : start + 1024], labels[start : start + 1024]

    # The total loss of full-matrix AdaGrad with learning rate 0.1 on the same rows.
    incurred = 0.331620444 * len(labels)
    best = best_fixed_point(LOGISTIC, Euclidean(), A9a(), incurred=incurred)
    assert best.gap <= 1e-3 * (incurred - best.value)
    # The maximum-likelihood fit, to the digits that an independent Newton solver agrees on.
    assert best.lower <= 10504.85 <= best.value + 0.01
