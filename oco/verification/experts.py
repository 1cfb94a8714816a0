"""Experts against their definition: AdaHedge's weights, the point, account, bounds and regret."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator

import numpy as np

from oco.algorithms.experts import experts
from oco.bounds import Account, ladder
from oco.domains import Box, Domain
from oco.verification.cases import Case
from oco.verification.definitions import tame
from oco.verification.observations import Observation, Subject, check

__all__ = ["weighed"]

ROUNDS, DIMENSIONS, MOST, COPIES = 20, 8, 5, 6
# Relative to the largest loss: how far apart losses, and how large gaps, are that can be told from
# 0 in a dense computation, and what is 0 there.
CLEAR, ZERO = 1e-6, 1e-13
# Weights are exponentials of differences of a few losses, over such a gap.
ITERATES, SUMS = 1e-7, 1e-8


class Hedge:
    """AdaHedge by its definition, from all losses so far."""

    def __init__(self, count: int, unit: float) -> None:
        self.total, self.gap, self.unit = np.zeros(count), 0.0, unit
        self.variance = self.widest = self.paid = 0.0

    def mixed(self, total: np.ndarray) -> float:
        """Return −(1/η)·ln of the mean of exp(−ηL), for the rate η of now."""
        if not self.gap:
            return float(total.min())
        rate = math.log(len(total)) / self.gap
        least = float(total.min())
        return least - math.log(float(np.exp(-rate * (total - least)).mean())) / rate

    @property
    def weights(self) -> np.ndarray:
        """The weights of the next round."""
        ahead = self.total - self.total.min()
        rate = math.log(len(ahead)) / self.gap if self.gap else math.inf
        shares = np.where(ahead > 0, np.exp(-rate * np.where(ahead > 0, ahead, 1.0)), 1.0)
        return shares / shares.sum()

    @property
    def clear(self) -> bool:
        """Whether nothing is so small that a dense computation cannot tell it from 0."""
        # Who leads decides as long as Δ is 0.
        sizes = np.array([self.gap]) if self.gap else np.diff(np.sort(self.total))
        return not np.any((sizes > 0) & (sizes < CLEAR * self.unit))

    def absorb(self, losses: np.ndarray) -> None:
        """Pay for a round."""
        weights, after = self.weights, self.total + losses
        paid = float(weights @ losses)
        gap = paid - (self.mixed(after) - self.mixed(self.total))
        self.variance += float(weights @ (losses - paid) ** 2)
        self.widest = max(self.widest, float(np.ptp(losses)))
        self.total, self.paid = after, self.paid + paid
        if gap > ZERO * self.unit:
            self.gap += gap


@check(
    "experts",
    experts_point="what experts play is the mean of their copies' points with AdaHedge's weights",
    experts_account="how far each copy is ahead, Δ, V and S are those of the definition",
    experts_rungs="every bound of experts is its formula, from copies that played alone",
    experts_regret="the regret is below every bound of experts, and what is paid is at most 2Δ, "
    "and AdaHedge's theorem, above the best copy's loss",
)
def weighed(case: Case, subject: Subject) -> Iterator[Observation]:
    """Play copies of one of the learners, together and each alone, against an adversary."""
    rng = case.rng(24)
    rows = tame(case, ROUNDS, DIMENSIONS)
    d = rows.shape[1]
    k = 2 + int(rng.uniform() * max(min(case.k, d, MOST) - 1, 1))
    rows = rows * 10.0 ** rng.uniform(-0.5, 0.5, len(rows))[:, None]
    bound = float(np.linalg.norm(rows, axis=1).max())
    if not bound:
        return
    domain: Domain = subject.ball(10.0 ** rng.uniform(-1, 0.5))
    if rng.integers(3) == 0:
        domain = Box(-rng.uniform(0.1, 2), rng.uniform(0.1, 2))
    rates = tuple(10.0 ** rng.uniform(-2, 1, int(rng.integers(1, COPIES + 1))))
    options = {"k": k, "gradient_bound": bound, "delta": bound, "shape": (d,), "d": d}
    for name, factory in subject.learners.items():
        taken = inspect.signature(factory).parameters
        if "lr" not in taken or "curvature" in taken or name == "hedge":
            # It plays on the simplex alone.
            continue
        own = {key: value for key, value in options.items() if key in taken}
        alone = [factory(domain=domain, lr=rate, **own) for rate in rates]
        if alone[0].bounds:
            together = experts(factory)(domain=domain, grid=rates, **own)
            yield from _played(f"{name}, {domain.name}", together, alone, rows, domain, bound)


def _played(place, together, alone, rows, domain: Domain, bound) -> Iterator[Observation]:
    unit = domain.radius(rows.shape[1])
    hedge, total, played = Hedge(len(alone), unit * bound), np.zeros(rows.shape[1]), 0.0
    ahead = np.zeros(len(alone))
    for t, row in enumerate(rows, start=1):
        if not hedge.clear:
            rows = rows[: t - 1]
            break
        points = np.array([one.x for one in alone])
        x = together.x
        error = float(np.linalg.norm(x - hedge.weights @ points))
        yield Observation("experts-point", f"{place}, row {t}", error, 0.0, unit, ITERATES)
        g = row if float(row @ x) >= 0 else -row
        # One by one, so that losses of equal points are equal: ties are shared.
        losses = np.array([float(np.dot(g, point)) for point in points])
        played, total = played + float(g @ x), total + g
        ahead += float(g @ x) - losses
        together.update(g)
        for one in alone:
            one.update(g)
        hedge.absorb(losses)
    size = len(rows) * unit * bound
    now = together.diagnostics()
    told = {
        "Δ": (now.gap, hedge.gap),
        "V": (now.variance / size, hedge.variance / size),
        "S": (now.widest, hedge.widest),
        "Σ‖g‖²": (now.squared_gradients / size, float((rows**2).sum()) / size),
    }
    for i, standing in enumerate(now.standings):
        told[f"copy {i}"] = standing.behind, float(ahead[i])
        told[f"η of copy {i}"] = standing.lr, alone[i].lr
    for what, (found, expected) in told.items():
        off = abs(found - expected)
        yield Observation("experts-account", f"{place}, {what}", off, 0.0, size, SUMS)
    # AdaHedge's own regret, as it is, by its gap, and by its theorem.
    above = hedge.paid - float(hedge.total.min())
    log = math.log(len(alone))
    limit = 2 * math.sqrt(hedge.variance * log) + hedge.widest * (4 / 3 * log + 2)
    yield Observation("experts-regret", f"{place}, 2Δ", above, 2 * hedge.gap, size)
    yield Observation("experts-regret", f"{place}, theorem", 2 * hedge.gap, limit, size)
    certificates = np.array([_ladder(one, rows, bound)[0] for one in alone])
    expected = dict(
        zip(
            ("certificate", "adahedge", "adahedge-theorem"),
            (
                float((certificates + ahead).min()),
                float(certificates.min()) + 2 * hedge.gap,
                float(certificates.min()) + limit,
            ),
            strict=True,
        )
    )
    regret = played + domain.support(-total)
    found = dict(zip(expected, _ladder(together, rows, bound), strict=True))
    for rung, value in found.items():
        scale = size + abs(expected[rung])
        off = abs(value - expected[rung])
        yield Observation("experts-rungs", f"{place}, {rung}", off, 0.0, scale, SUMS)
        yield Observation("experts-regret", f"{place}, {rung}", regret, value, scale)


def _ladder(learner, rows, bound: float) -> list[float]:
    """Return what a learner's bounds come to, those that need no eigenvalues."""
    account = Account(
        t=len(rows),
        d=rows.shape[1],
        k=learner.k,
        lr=learner.lr,
        diameter=learner.diameter,
        gradient_bound=bound,
        diagnostics=learner.diagnostics(),
    )
    return list(ladder(learner.bounds, account).values())
