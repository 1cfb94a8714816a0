"""What a run concludes from a regret and a bound, where a learner claims a bound that is false."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oco.algorithms import Diagnostics
from oco.bounds import verdict
from oco.domains import Box
from oco.results.summary import HOLDS, VIOLATED
from oco.verification.cases import Case
from oco.verification.comparators import independent
from oco.verification.definitions import tame
from oco.verification.observations import Observation, Subject, check
from oco.verification.watching import Given, watch

__all__ = ["verdicts"]

ROUNDS, DIMENSIONS = 12, 4
# A wide interval, so that a claim can lie inside it.
GAP = 3.0
# A claim that is CLEARLY below or above the regret, relatively, is so whatever the rounding, which
# is at most SUMS.
CLEARLY, SUMS = 1e-3, 1e-12


class Boaster:
    """Stays where it is, and claims a certificate that was chosen beforehand."""

    bounds = ("certificate",)
    k, lr = None, 1.0

    def __init__(self, d: int, claim: float, diameter: float) -> None:
        self.x, self.diameter = np.zeros(d), diameter
        # The certificate is D²/(2η)·potential with nothing else.
        self.potential = 2 * claim / diameter**2

    def update(self, g) -> None:
        """Learn nothing."""

    def diagnostics(self) -> Diagnostics:
        """Return the claim in the form of an account."""
        return Diagnostics(self.potential, 0.0, 0.0, None, None, self.x.nbytes)


@check(
    "verdicts",
    verdict="a bound is said to hold or to be violated only where the regret's interval proves it, "
    "and not to hold where a prefix's best point is above it",
)
def verdicts(case: Case, subject: Subject) -> Iterator[Observation]:
    """Let a learner that stays at 0 claim too little, too much, and what the interval leaves."""
    rng = case.rng(11)
    rows = tame(case, ROUNDS, DIMENSIONS)
    rows = rows[rows.any(axis=1)]
    if not len(rows):
        return
    loss = ("linear", "squared", "logistic")[int(rng.integers(3))]
    radius = 10.0 ** rng.uniform(-0.3, 0.7)
    domain = Box(-radius, radius / 3) if rng.integers(2) else subject.ball(radius)
    labels = rng.choice([-1.0, 1.0], len(rows))
    # What the first half gains, the second half may lose: regret is largest on the way.
    if rng.integers(2):
        half = (len(rows) + 1) // 2
        rows, labels = np.concatenate([rows[:half], rows[:half]]), np.repeat([1.0, -1.0], half)
    d, diameter = rows.shape[1], 2 * radius

    # The regret of a prefix is known in closed form for linear losses, and so at every checkpoint.
    prefixes = loss == "linear" and bool(rng.integers(2))

    def played(claim: float):
        stream = Given(rows, labels, loss, adaptive=False)
        options = {"d": d, "T": len(rows), "gap": GAP, "checkpoints": 8, "prefix_regret": prefixes}
        return watch(lambda d: Boaster(d, claim, diameter), loss, domain, stream, **options).result

    first = played(1.0).summary
    if first.regret is None:
        yield Observation("verdict", f"{loss}: {first.message}", 1.0, tolerance=0.0)
        return
    regret = first.regret
    width = max(regret.hi - regret.lo, 2 * CLEARLY * (1 + abs(regret.hi)))
    for what, claim in (
        ("below", regret.lo - width),
        ("within", (regret.lo + regret.hi) / 2),
        ("above", regret.hi + width),
    ):
        if claim > 0:
            yield from _judged(played(claim), f"{loss}, a claim {what}", claim)
    # A bound that is known to lie between two numbers, one on either side of the regret.
    told = verdict(regret.lo, regret.hi, regret.hi + width, least=regret.lo - width) is not None
    yield Observation("verdict", f"{loss}, a bracket around it", float(told), tolerance=0.0)
    if loss == "linear":
        yield from _on_the_way(played, rows, labels, domain)


def _judged(result, where: str, claim: float) -> Iterator[Observation]:
    (said,), regret = result.trace.holds.values(), result.summary.regret
    scale = 1.0 + abs(regret.hi)
    if said[-1] == HOLDS:
        yield Observation("verdict", f"{where} holds", regret.hi, claim, scale, SUMS)
    if said[-1] == VIOLATED:
        yield Observation("verdict", f"{where} is violated", claim, regret.lo, scale, SUMS)
    # A claim that is clearly too small or large enough must be told to be so.
    if claim < regret.lo - CLEARLY * scale:
        yield Observation("verdict", f"{where} is told", float(not result.violated), tolerance=0.0)
    if claim > regret.hi + CLEARLY * scale:
        told = float(said[-1] != HOLDS)
        yield Observation("verdict", f"{where} is granted", told, tolerance=0.0)
    if result.trace.prefix_regret_hi is None:
        unseen = float(np.any(said[:-1] == HOLDS))
        yield Observation("verdict", f"{where}, on the way", unseen, tolerance=0.0)
    (bound,) = result.summary.bounds
    worst = int(min(said)) if len(said) else 0
    told = {True: HOLDS, False: VIOLATED}.get(bound.holds, 0)
    yield Observation("verdict", f"{where}, the worst", float(told - worst), tolerance=0.0)


def _on_the_way(played, rows, labels, domain) -> Iterator[Observation]:
    """Claim half of the largest regret that any prefix shows, in closed form."""
    rounds = range(1, len(rows) + 1)
    regrets = -np.array([independent("linear", domain, rows[:t], labels[:t]) for t in rounds])
    claim = 0.5 * float(regrets.max())
    if not claim > 0:
        return
    result = played(claim)
    (verdicts_told,) = result.trace.holds.values()
    known = zip(
        result.trace.t, result.trace.prefix_regret_lo, result.trace.prefix_regret_hi, strict=True
    )
    for t, low, high in known:
        off = max(float(low) - regrets[t - 1], regrets[t - 1] - float(high))
        yield Observation("regret", f"linear, to {t}", float(off), 0.0, claim, SUMS)
    for t, said in zip(result.trace.t, verdicts_told, strict=True):
        if said == HOLDS:
            value = float(regrets[t - 1])
            yield Observation("verdict", f"linear, to {t} holds", value, claim, claim, SUMS)
    if result.summary.bounds[0].holds:
        seen = float(regrets[np.asarray(result.trace.t) - 1].max())
        yield Observation("verdict", "linear, all of them hold", seen, claim, claim, SUMS)
    # At one of the checkpoints the regret is above what was claimed, and that is told.
    if float(regrets[np.asarray(result.trace.t) - 1].max()) > claim * (1 + CLEARLY):
        yield Observation("verdict", "linear, told", float(not result.violated), tolerance=0.0)
