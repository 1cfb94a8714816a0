"""Hedge on the simplex against its definition: weights, account, bounds and regret."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from oco.bounds import Account, ladder
from oco.domains import Simplex
from oco.verification.cases import Case
from oco.verification.definitions import tame
from oco.verification.observations import Observation, Subject, check

__all__ = ["hedging"]

ROUNDS, DIMENSIONS = 20, 8
# Weights are exponentials of sums of gradients, times rates of up to a thousand or so.
WEIGHTS, SUMS = 1e-9, 1e-9
# With AdaHedge's rate ln d/Δ, a gap Δ below this makes weights of what rounding leaves of it.
CLEAR = 1e-4


@check(
    "hedging",
    hedge_point="Hedge's weights are exp(−ηΣg), normalised, with its rate or AdaHedge's",
    hedge_account="ln d/η, the mixability gaps and the ranges are those of the definition",
    hedge_rungs="the certificate of Hedge, and its bound by the ranges, are their formulas",
    hedge_regret="Hedge's regret against the best corner is below its certificate, and that below "
    "its bound by the ranges",
)
def hedging(case: Case, subject: Subject) -> Iterator[Observation]:
    """Play a few tame rows of several lengths, with signs that are chosen to hurt."""
    if "hedge" not in subject.learners:
        return
    rng = case.rng(26)
    rows = tame(case, ROUNDS, DIMENSIONS)
    d = rows.shape[1]
    if d < 2:
        return
    rows = rows * 10.0 ** rng.uniform(-0.5, 0.5, len(rows))[:, None]
    for lr in (None, 10.0 ** rng.uniform(-1, 1)):
        learner = subject.learners["hedge"](d, domain=Simplex(), lr=lr)
        yield from _played("AdaHedge" if lr is None else "with a rate", learner, rows, lr)


def _played(place, learner, rows, lr) -> Iterator[Observation]:
    d = rows.shape[1]
    total, gap, paid, ranges, rate = np.zeros(d), 0.0, 0.0, [0.0], math.inf
    for t, row in enumerate(rows, start=1):
        rate = lr or (math.log(d) / gap if gap else math.inf)
        weights = _weights(total, rate)
        error = float(np.abs(learner.x - weights).max())
        yield Observation("hedge-point", f"{place}, row {t}", error, 0.0, 1.0, WEIGHTS)
        g = row if float(row @ weights) >= 0 else -row
        # The mix loss is what the potential −(1/η) ln mean exp(−ηΣg) grows by.
        mix = _potential(total + g, rate) - _potential(total, rate)
        gap += max(float(g @ weights) - mix, 0.0)
        paid, total = paid + float(g @ weights), total + g
        ranges.append(float(np.ptp(g)))
        learner.update(g)
        if lr is None and 0.0 < gap < CLEAR:
            return
    now, log = learner.diagnostics(), math.log(d)
    cost = log / lr if lr else gap
    widest, squares = max(ranges), float(np.sum(np.square(ranges)))
    size = widest + cost + gap or 1.0
    told = {
        "ln d/η": (now.potential, cost, size),
        "Σδ": (now.quadratic, gap, size),
        "S": (now.widest, widest, size),
        "Σs²": (now.squared_ranges, squares, squares or 1.0),
    }
    for what, (found, expected, scale) in told.items():
        off = abs(found - expected)
        yield Observation("hedge-account", f"{place}, {what}", off, 0.0, scale, SUMS)
    bounds = {
        "certificate": cost + gap,
        "hedge-ranges": math.sqrt(log * squares) + 2 * widest
        if lr is None
        else log / lr + lr / 8 * squares,
    }
    account = Account(
        t=len(rows),
        d=d,
        k=None,
        lr=learner.lr,
        diameter=learner.diameter,
        gradient_bound=math.inf,
        diagnostics=now,
    )
    regret = paid - float(total.min())
    for name, found in ladder(learner.bounds, account).items():
        where, scale = f"{place}, {name}", max(bounds[name], size)
        yield Observation("hedge-rungs", where, abs(found - bounds[name]), 0.0, scale, SUMS)
        yield Observation("hedge-regret", where, regret, found, scale, SUMS)
        above = f"{where}, certificate"
        yield Observation("hedge-regret", above, bounds["certificate"], found, scale, SUMS)


def _weights(total: np.ndarray, rate: float) -> np.ndarray:
    if rate == math.inf:
        shares = (total == total.min()).astype(np.float64)
    else:
        shares = np.exp(-rate * (total - total.min()))
    return shares / shares.sum()


def _potential(total: np.ndarray, rate: float) -> float:
    if rate == math.inf:
        return float(total.min())
    return float(total.min() - np.log(np.mean(np.exp(-rate * (total - total.min())))) / rate)
