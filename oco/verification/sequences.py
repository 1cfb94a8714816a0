"""The bracket of the best sequence with k switches against the programme over every place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oco.domains import Box
from oco.losses import MARGIN_LOSSES
from oco.regret import best_switching
from oco.verification.cases import Case
from oco.verification.comparators import Played
from oco.verification.definitions import tame
from oco.verification.observations import Observation, Subject, check

__all__ = ["sequences"]

# Up to 16 rounds every place is told apart; of more, switches lie inside of the first blocks.
ROUNDS, SWITCHES = 28, 3
# A narrow gap, so that minima of segments are taken closely, and the search ends by its effort.
GAP, EFFORT = 1e-6, 60
# What rounding in sums of at most 28 losses comes to, relative to their sizes.
EXACT = 1e-10


@check(
    "sequences",
    sequences="the certified interval of the best sequence with k switches holds the optimum over "
    "every choice of places, and the sequence found has k switches at most",
)
def sequences(case: Case, subject: Subject) -> Iterator[Observation]:
    """Take the signs of the case's first column, in one dimension, where minima are formulas."""
    rng = case.rng(23)
    k, n = int(rng.integers(1, SWITCHES + 1)), int(rng.integers(1, ROUNDS + 1))
    low, high = -float(rng.uniform()), float(rng.uniform())
    # As often after one another as there is room.
    features = np.resize(tame(case, ROUNDS, 1), (n, 1))
    # Two levels and noise: switches pay.
    level = np.where(np.arange(n) < rng.integers(n + 1), -1.0, 1.0)
    labels = features[:, 0] * level + rng.normal(0, 0.3, n)
    for name in ("linear", "squared"):
        found = best_switching(
            MARGIN_LOSSES[name],
            Box(low, high),
            Played(features, labels),
            k,
            relative_gap=GAP,
            effort=EFFORT,
        )
        exact = _optimum(_minima(name, features[:, 0], labels, low, high), k)
        where, scale = f"{name}, {n} rounds, k = {k}", 1.0 + abs(exact)
        yield Observation("sequences", f"{where}, lower end", found.lower, exact, scale, EXACT)
        yield Observation("sequences", f"{where}, upper end", exact, found.upper, scale, EXACT)
        yield Observation("sequences", f"{where}, switches", float(len(found.times)), float(k))


def _minima(name: str, a: np.ndarray, y: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return min_{low ≤ x ≤ high} Σ f_t(x) over the rounds i+1..j at [i, j], infinite for i ≥ j."""
    n = len(a)
    minima = np.full((n + 1, n + 1), np.inf)
    for i in range(n):
        for j in range(i + 1, n + 1):
            if name == "linear":
                total = float(-a[i:j] @ y[i:j])
                minima[i, j] = min(low * total, high * total)
                continue
            square = float(a[i:j] @ a[i:j])
            x = min(max(float(a[i:j] @ y[i:j]) / square, low), high) if square else low
            minima[i, j] = 0.5 * float(np.sum((a[i:j] * x - y[i:j]) ** 2))
    return minima


def _optimum(minima: np.ndarray, k: int) -> float:
    """Return the least that at most k + 1 segments after one another cost."""
    best = minima[0]
    for _ in range(k):
        best = np.minimum(best, np.min(best[:, None] + minima, axis=0))
    return float(best[-1])
