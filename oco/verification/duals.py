"""Dual averaging against its definition: points, account and bounds, in dense matrices."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from oco.bounds import Account, ladder
from oco.domains import Box, Domain, Euclidean
from oco.experiment.lookup import Options
from oco.verification.cases import Case
from oco.verification.definitions import tame
from oco.verification.dual_promises import DUALS, DenseDual
from oco.verification.observations import Observation, Subject, check

__all__ = ["dual_averaging"]

ROUNDS, DIMENSIONS, MOST = 16, 10, 6
# Points are projections of sums of as many gradients, in metrics with no eigenvalue below δ: they
# are accurate to far better than this.
ITERATES, SUMS = 1e-8, 1e-9
# D where a domain has none.
WIDE = 3.0


@check(
    "dual averaging",
    dual_point="each point of dual averaging is the argmin of its definition: no other in K is "
    "better, to first order",
    dual_account="what dual averaging tells is made of λ_max(Hₜ) and of gₜᵀHₜ₋₁⁻¹gₜ, the metric "
    "before the gradient",
    dual_rungs="every bound of dual averaging is its formula, in dense metrics and dense spectra",
)
def dual_averaging(case: Case, subject: Subject) -> Iterator[Observation]:
    """Play each learner on a few tame rows, against an adversary."""
    rng = case.rng(21)
    rows = tame(case, ROUNDS, DIMENSIONS)
    d = rows.shape[1]
    k = 2 + int(rng.uniform() * max(min(case.k, d, MOST) - 1, 1))
    rows = rows * 10.0 ** rng.uniform(-0.5, 0.5, len(rows))[:, None]
    longest = float(np.linalg.norm(rows, axis=1).max())
    if not longest:
        return
    delta = longest * float(rng.choice([1.0, 3.0]))
    domain = _domain(subject, rng, d)
    lr = 10.0 ** rng.uniform(-1, 1) if not domain.bounded or rng.integers(2) else None
    options = Options({"d": d, "k": k, "delta": delta, "domain": domain, "lr": lr})
    for name in DUALS:
        if name not in subject.learners:
            continue
        learner = options.call("algorithm", subject.learners[name])
        dense = DenseDual(name, d, k, delta)
        yield from _played(f"{name}, {domain.name}", learner, dense, rows, domain)


def _domain(subject: Subject, rng, d: int) -> Domain:
    """Return a ball, half of the times, Euclidean space, or a box that need not hold the origin."""
    radius, kind = 10.0 ** rng.uniform(-1, 0.5), int(rng.integers(4))
    if kind < 2:
        return subject.ball(radius)
    if kind == 2:
        return Euclidean()
    lower = radius * rng.uniform(-1, 1, d)
    return Box(lower, lower + radius * rng.uniform(0.1, 2, d))


def _played(place, learner, dense: DenseDual, rows, domain: Domain) -> Iterator[Observation]:
    start = np.array(learner.x)
    for t, row in enumerate(rows, start=1):
        g = row if float(row @ learner.x) >= 0 else -row
        learner.update(g)
        dense.absorb(g)
        x, metric = learner.x, dense.metric
        slope = dense.total + metric @ (x - start) / learner.lr
        size = float(np.linalg.norm(dense.total)) + float(np.linalg.norm(metric)) / learner.lr
        if domain.bounded:
            better = domain.support(-slope) + float(slope @ x)
            unit = size * domain.radius(dense.d)
        else:
            better, unit = float(np.linalg.norm(slope)), size
        yield Observation("dual-point", f"{place}, row {t}", better, 0.0, unit, ITERATES)
    yield from _told(place, learner, dense, domain, start)


def _told(place, learner, dense: DenseDual, domain: Domain, start) -> Iterator[Observation]:
    reach = domain.radius(dense.d) if domain.bounded else WIDE
    if isinstance(domain, Box):
        reach = float(np.linalg.norm(np.maximum(domain.upper - start, start - domain.lower)))
    now, growth = learner.diagnostics(), dense.growth(domain, start, reach)
    diameter = learner.diameter if domain.bounded else WIDE
    told = {
        "D²λ_max(H)": (diameter**2 * now.potential, growth),
        "Σ gᵀH⁻¹g": (now.quadratic, dense.quadratic),
        "Σ‖g‖²": (now.squared_gradients, float(np.trace(dense.covariance))),
        "δ": (now.delta, dense.delta),
    }
    if dense.name == "ftsl":
        told["τ"] = (now.escaped_mass, dense.sketch.tau)
    for what, (found, expected) in told.items():
        scale = max(abs(expected), dense.delta**2)
        off = abs(found - expected)
        yield Observation("dual-account", f"{place}, {what}", off, 0.0, scale, SUMS)
    account = Account(
        t=dense.rounds,
        d=dense.d,
        k=learner.k,
        lr=learner.lr,
        diameter=diameter,
        gradient_bound=dense.delta,
        diagnostics=now,
        spectrum=np.linalg.eigvalsh(dense.covariance)[::-1],
    )
    for name, found in ladder(learner.bounds, account).items():
        expected = dense.bound(name, learner.lr, growth, reach)
        off = abs(found - expected)
        # Roots of eigenvalues that are known to rounding of the largest.
        scale = expected + learner.lr * dense.d * math.sqrt(float(np.trace(dense.covariance)))
        yield Observation("dual-rungs", f"{place}, {name}", off, 0.0, scale, 1e-6)
