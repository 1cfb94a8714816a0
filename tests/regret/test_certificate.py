"""Certified intervals against exact arithmetic: a slice of the campaign in `exact_intervals`."""

import mpmath
import numpy as np
import pytest
from exact_intervals import Game, campaign, exactly

import oco
from oco.domains import Ball
from oco.linalg.rounding import exact_sum, lengths, running_sums
from oco.losses import LOSSES, Loss
from oco.regret import best_fixed_point, rounds_of, running_losses


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_no_error_exceeds_its_allowance(first):
    results = campaign(range(first, first + 50))
    assert len(results) > 10 and sum(count for count, *_ in results.values()) > 500
    for (name, what), (_, worst, seed) in results.items():
        assert worst <= 1, (name, what, seed)


def test_allowances_are_of_the_size_of_the_errors():
    """Allowances that are infinite, or a thousand times what occurs, prove nothing of use."""
    worst = {}
    for (_, what), (_, share, _) in campaign(range(200, 280)).items():
        worst[what] = max(worst.get(what, 0.0), share)
    assert min(worst["incurred"], worst["attained"]) > 0.02 and worst["prefix minimum"] > 1e-3


def test_a_player_that_never_moves_has_no_regret_but_rounding():
    """On alternating labels the exact regret is 0; T = 200,000."""
    result = oco.run("ogd", stream=_Alternating(200_000), loss="logistic", lr=1e-300)
    regret = result.summary.regret
    assert regret.lo <= 0 <= regret.hi
    assert regret.hi - regret.lo < 1e-7
    assert not result.violated


class _Alternating(oco.losses.Stream):
    def __init__(self, T):
        super().__init__(2, T)

    def rows(self, start, stop):
        t = np.arange(start, stop)
        return np.tile([0.6, 0.8], (len(t), 1)), np.where(t % 2, 1.0, -1.0)


@pytest.mark.parametrize(
    ("algorithm", "options"),
    [
        ("ogd", {"d": 2, "T": 20_000, "radius": 1e-11}),
        ("ogd", {"d": 2, "T": 20_000, "radius": 1e-15}),
        ("s-adagrad", {"d": 10, "k": 3, "T": 5000, "radius": 1e-14}),
        ("adagrad", {"d": 3, "T": 1000, "radius": 1e-140, "loss": "squared"}),
        ("ogd", {"d": 3, "T": 300, "radius": 1e140, "loss": "absolute"}),
    ],
)
def test_a_domain_at_the_level_of_rounding_leaves_bounds_open_not_violated(algorithm, options):
    result = oco.run(algorithm, **options)
    assert result.summary.status == "complete" and not result.violated
    assert result.summary.regret.lo <= result.summary.regret.hi


@pytest.mark.parametrize("scale", [1e9, 1e15, 1e100])
def test_large_labels_of_the_squared_loss_violate_nothing(scale):
    rng = np.random.default_rng(0)
    stream = _Rows(rng.standard_normal((500, 3)), scale * rng.standard_normal(500))
    for algorithm in ("ogd", "adagrad", "s-adagrad"):
        sketch = {"k": 3} if algorithm == "s-adagrad" else {}
        result = oco.run(algorithm, stream=stream, loss="squared", lr=1.0, **sketch)
        assert not result.violated and result.summary.status == "complete"


class _Rows(oco.losses.Stream):
    def __init__(self, features, labels):
        norm, bound = np.linalg.norm(features, axis=1).max(), np.abs(labels).max()
        super().__init__(features.shape[1], len(features), feature_norm=norm, label_bound=bound)
        self.features, self.targets = features, labels

    def rows(self, start, stop):
        return self.features[start:stop], self.targets[start:stop]


def test_a_comparator_lies_in_the_ball_exactly():
    rng = np.random.default_rng(1)
    for _ in range(300):
        radius, x = 10.0 ** rng.uniform(-5, 5), rng.standard_normal(int(rng.integers(1, 9)))
        x = Ball(radius).within(Ball(radius).nearest(x * 10.0 ** rng.uniform(-3, 8)))
        assert sum(exactly(e) ** 2 for e in x) <= exactly(radius) ** 2
        y = Ball(radius).nearest(x * (10 * radius / np.linalg.norm(x)))
        assert np.linalg.norm(Ball(radius).within(y)) >= radius * (1 - 1e-13)


def test_sums_are_rounded_once():
    rng = np.random.default_rng(2)
    values = rng.standard_normal(3000) * 10.0 ** rng.uniform(-20, 20, 3000)
    checkpoints = np.array([3000, 1, 17, 1000])
    sums, errors = running_sums(values, checkpoints)
    for t, found, error in zip(checkpoints, sums, errors, strict=True):
        true = sum(map(exactly, values[:t]))
        assert abs(exactly(found) - true) <= exactly(error)
        assert exact_sum(values[:t]) == float(true)
    assert exact_sum(np.array([1e308, 1e308])) == np.inf


def test_lengths_of_rows_whose_squares_underflow_or_overflow():
    rows = np.array([[3.0, -4.0]]) * np.array([[1e-170], [1.0], [1e170], [0.0], [5e-324]])
    np.testing.assert_allclose(lengths(rows)[:3], [5e-170, 5.0, 5e170], rtol=1e-14)
    assert lengths(rows)[3] == 0 and lengths(rows)[4] > 0


class _Quartic(Loss):
    """A loss of one's own, with nothing but values and slopes."""

    name = "quartic"

    def value(self, z, y):
        return (z - y) ** 4

    def derivative(self, z, y):
        return 4 * (z - y) ** 3


def test_a_loss_of_ones_own_is_within_what_is_assumed_of_it():
    for seed in range(40):
        game = Game(seed)
        if game.outputs:
            continue
        data = rounds_of(game)
        z, doubt = game.predictions(game.points), data.prediction_doubt(lengths(game.points))
        known = running_losses(_Quartic(), z, game.labels, doubt, [len(data)])
        true = sum(
            (sum(exactly(p) * exactly(q) for p, q in zip(a, x, strict=True)) - exactly(y)) ** 4
            for a, x, y in zip(game.features, game.points, game.labels, strict=True)
        )
        if np.isfinite(known.error[0]):
            assert abs(exactly(known.value[0]) - true) <= exactly(known.error[0])


def test_a_softmax_loss_that_states_nothing_is_enclosed_all_the_same():
    class Bare(Loss):
        name, labels = "bare", "class"
        value = staticmethod(LOSSES["softmax"].value)
        derivative = staticmethod(LOSSES["softmax"].derivative)

    games = (game for game in map(Game, range(200)) if game.name == "softmax")
    for game in games:
        stated = best_fixed_point(LOSSES["softmax"], game.domain, game)
        assumed = best_fixed_point(Bare(), game.domain, game)
        assert assumed.lower <= stated.upper and stated.lower <= assumed.upper
        assert np.isfinite(assumed.lower)


def test_the_logistic_reference_is_what_it_says():
    with mpmath.workdps(60):
        for z in (-700.0, -1.0, 0.0, 1e-20, 3.0, 800.0):
            true = mpmath.log(1 + mpmath.exp(-mpmath.mpf(z)))
            error = LOSSES["logistic"].error(np.array(z), 1.0)
            assert abs(LOSSES["logistic"].value(z, 1.0) - true) <= error
