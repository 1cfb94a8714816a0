"""One-sided Shampoo on matrices, against an adversary: its theorem, and each step of its proof."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from oco.bounds import Account, ladder
from oco.verification.cases import Case
from oco.verification.definitions import one_sided, tame
from oco.verification.learners import SHAPES
from oco.verification.observations import Observation, Subject, check

__all__ = ["one_sided_games"]

ROUNDS = 30
LEARNERS = ("one-sided-shampoo", "s-one-sided")
# What a pseudo-inverse may lose or add where eigenvalues are near its cut-off, as a share of a sum.
RESOLVED = 1e-7


@check(
    "one-sided",
    one_sided_regret="one-sided Shampoo's regret on matrices is below every rung, against the best "
    "U of the ball",
    one_sided_norm="its certificate holds for every U with max ‖Xₜ − U‖ in the operator norm for D",
    one_sided_ladder="its certificate is below its trace and below its theorem",
)
def one_sided_games(case: Case, subject: Subject) -> Iterator[Observation]:
    """Play wide and tall matrices with linear losses whose signs are chosen to hurt."""
    rng = case.rng(25)
    rows = tame(case, ROUNDS, max(SHAPES))
    entries = next((size for size in SHAPES if size <= rows.shape[1]), 0)
    rows = rows[np.cumsum(rows.any(axis=1)) > 0, :entries]
    if not rows.any():
        return
    radius = 10.0 ** rng.uniform(-1, 1)
    for name in LEARNERS:
        if name not in subject.learners:
            continue
        for shape in {SHAPES[entries], SHAPES[entries][::-1]}:
            options = {"k": 2} if name == "s-one-sided" else {}
            learner = subject.learners[name](shape, domain=subject.ball(radius), **options)
            yield from _played(f"{name}, {shape[0]}x{shape[1]}", learner, rows, shape, radius, rng)


def _played(place, learner, rows, shape, radius, rng) -> Iterator[Observation]:
    points: list[np.ndarray] = []
    gradients: list[np.ndarray] = []
    dense, grown, paid = one_sided(shape, learner.k), 0.0, 0.0
    for row in rows:
        x = np.array(learner.x).reshape(shape)
        g = row.reshape(shape) * (1.0 if float(row @ x.reshape(-1)) >= 0 else -1.0)
        metric = dense(g.reshape(-1))
        if not metric.clear:
            break
        learner.update(g)
        points.append(x)
        gradients.append(g)
        # The definition's own trace and sum: nothing here is told by the learner.
        grown, paid = metric.potential, paid + float(g.reshape(-1) @ metric.direction)
    if not points:
        return
    total = np.sum(gradients, axis=0)
    unit = 2 * radius * math.sqrt(sum(float(np.sum(g * g)) for g in gradients)) or 1.0
    claimed = _claims(learner, gradients, radius)
    played = sum(float(np.sum(g * x)) for g, x in zip(gradients, points, strict=True))
    best = -radius * float(np.linalg.norm(total))
    for rung, value in claimed.items():
        scale = max(unit, value)
        yield Observation("one-sided-regret", f"{place}, {rung}", played - best, value, scale)
        at, least = f"{place}, {rung}", claimed["certificate"]
        yield Observation("one-sided-ladder", at, least, value, scale, RESOLVED)
    for u in [-total, *rng.standard_normal((3, *shape))]:
        u = u * (radius / (float(np.linalg.norm(u)) or 1.0))
        reach = max(float(np.linalg.norm(x - u, 2)) for x in points)
        bound = reach**2 / (2 * learner.lr) * grown + learner.lr / 2 * paid
        value = played - float(np.sum(total * u))
        yield Observation("one-sided-norm", place, value, bound, max(unit, bound), RESOLVED)


def _claims(learner, gradients, radius: float) -> dict[str, float]:
    (axis,) = learner.diagnostics().axes
    covariance = sum(g @ g.T if axis.axis == 0 else g.T @ g for g in gradients)
    account = Account(
        t=len(gradients),
        d=gradients[0].size,
        k=learner.k,
        lr=learner.lr,
        diameter=2 * radius,
        gradient_bound=math.inf,
        diagnostics=learner.diagnostics(),
        axis_spectra=(np.linalg.eigvalsh(covariance)[::-1],),
    )
    return ladder(learner.bounds, account)
