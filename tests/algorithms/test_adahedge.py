"""AdaHedge against its definition, and what it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest

from oco.algorithms.adahedge import AdaHedge


def by_definition(rounds: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return the weights of each round, Δ and what was paid, in long doubles."""
    count = rounds.shape[1]
    total, gap, paid = np.zeros(count, np.longdouble), np.longdouble(0), np.longdouble(0)
    seen = []
    for losses in rounds.astype(np.longdouble):
        if gap > 0:
            rate = np.log(np.longdouble(count)) / gap
            shares = np.exp(-rate * (total - total.min()))
            weights = shares / shares.sum()
            mix = -np.log((weights * np.exp(-rate * (losses - losses.min()))).sum()) / rate
            mix += losses.min()
        else:
            weights = (total == total.min()) / np.longdouble((total == total.min()).sum())
            mix = (total + losses).min() - total.min()
        seen.append(weights.astype(float))
        paid += weights @ losses
        gap += max(weights @ losses - mix, np.longdouble(0))
        total += losses
    return np.array(seen), float(gap), float(paid)


RNG = np.random.default_rng(0)
STREAMS = {
    "random": RNG.uniform(-1, 1, (200, 4)),
    "one is best": RNG.uniform(0, 1, (200, 3)) + np.array([0.0, 0.5, 1.0]),
    "alternating": np.tile([[1.0, 0.0], [0.0, 1.0]], (100, 1)),
    "far apart": RNG.uniform(-1, 1, (50, 5)) * 10.0 ** RNG.uniform(-8, 8, (50, 1)),
    "beside a large number": 1e6 + RNG.uniform(0, 1, (100, 3)).round(8),
}


@pytest.mark.parametrize("name", STREAMS)
def test_weights_and_gap_are_those_of_the_definition(name):
    rounds = STREAMS[name]
    hedge, paid = AdaHedge(rounds.shape[1]), 0.0
    weights, gap, expected = by_definition(rounds)
    for seen, losses in zip(weights, rounds, strict=True):
        assert hedge.weights == pytest.approx(seen, abs=1e-6)
        paid += float(hedge.weights @ losses)
        hedge.absorb(losses)
    assert hedge.gap == pytest.approx(gap, rel=1e-7)
    assert paid == pytest.approx(expected, rel=1e-7)
    above, log = paid - hedge.losses.min(), math.log(rounds.shape[1])
    slack = 1e-9 * np.abs(rounds).sum()
    assert above <= 2 * hedge.gap + slack
    assert hedge.gap <= math.sqrt(hedge.variance * log) + hedge.widest * (2 / 3 * log + 1)


def test_experts_that_lose_the_same_share_the_weight_to_the_last_digit():
    hedge = AdaHedge(3)
    for loss in (0.1, 1e-9, -3.7):
        hedge.absorb(np.full(3, loss))
        assert hedge.weights.tolist() == [1 / 3] * 3 and hedge.gap == 0.0


def test_a_shift_of_all_losses_changes_nothing():
    rounds = np.random.default_rng(1).uniform(0, 1, (50, 3))
    plain, shifted = AdaHedge(3), AdaHedge(3)
    for losses in rounds:
        plain.absorb(losses)
        shifted.absorb(losses + 5.0)
    assert shifted.weights == pytest.approx(plain.weights, abs=1e-9)
    assert (plain.variance, plain.widest) == pytest.approx((shifted.variance, shifted.widest))


def test_one_expert_is_followed():
    hedge = AdaHedge(1)
    for loss in (0.3, -1.7, 1e12):
        hedge.absorb(np.array([loss]))
    assert hedge.weights.tolist() == [1.0] and hedge.gap == hedge.variance == 0.0
