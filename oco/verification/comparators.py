"""The best fixed point's interval against an independent solver."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.optimize import minimize

from oco.domains import Box
from oco.losses import MARGIN_LOSSES
from oco.regret import best_fixed_point
from oco.verification.cases import Case
from oco.verification.observations import Observation, Subject, check

__all__ = ["comparator"]

# The independent solver takes general nonlinear programmes, of this size at most.
ROUNDS, DIMENSIONS = 24, 5
LOSSES_A_CASE = 2
# To what the independent solver meets constraints and optimum, relative to the sum of the losses.
SOLVED = 1e-6


class _Rounds:
    """Features and labels as a stream."""

    def __init__(self, features: np.ndarray, labels: np.ndarray) -> None:
        self.features, self.labels = features, labels
        self.d = features.shape[1]

    def chunks(self, stop=None):
        """Yield everything at once."""
        yield self.features[:stop], self.labels[:stop]


@check(
    "comparator",
    comparator="the certified interval of the best fixed point contains the optimum",
)
def comparator(case: Case, subject: Subject) -> Iterator[Observation]:
    """Take a few of the rows as features, two of the losses, on a ball or a box."""
    rng = case.rng(8)
    features = case.scaled(0, ROUNDS)[:, :DIMENSIONS]
    # Rows of very different lengths are beyond the independent solver.
    lengths = np.linalg.norm(features, axis=1)
    features = features / np.where(lengths > 0, lengths, 1.0)[:, None]
    radius = 10.0 ** rng.uniform(-0.5, 1)
    d = features.shape[1]
    domain = (subject.ball(radius), Box(-radius, np.full(d, radius / 2)))[int(rng.integers(2))]
    for name in rng.choice(list(MARGIN_LOSSES), LOSSES_A_CASE, replace=False):
        loss = MARGIN_LOSSES[name]
        labels = rng.choice([-1.0, 1.0], len(features))
        if loss.labels == "real":
            labels = labels * rng.uniform(0, 2, len(features))
        found = best_fixed_point(loss, domain, _Rounds(features, labels))
        best = _independent(loss, domain, features, labels)
        scale = 1.0 + abs(best)
        where = f"{name}, {domain.name}"
        yield Observation("comparator", f"{where}, lower end", found.lower, best, scale, SOLVED)
        yield Observation("comparator", f"{where}, upper end", best, found.value, scale, SOLVED)
        attained = float(np.sum(loss.value(features @ found.x, labels)))
        yield Observation(
            "comparator", f"{where}, attained", abs(attained - found.value), 0.0, scale
        )


def _independent(loss, domain, features, labels) -> float:
    """Minimise by sequential quadratic programming, kinks written as constraints."""
    d, n = features.shape[1], len(features)
    kinks = {
        "hinge": lambda z: [np.zeros(n), 1 - labels * z],
        "absolute": lambda z: [z - labels, labels - z],
    }.get(loss.name)
    constraints = []
    if isinstance(domain, Box):
        lower, upper = domain.nearest(np.full(d, -np.inf)), domain.nearest(np.full(d, np.inf))
        bounds = [*zip(lower, upper, strict=True)]
    else:
        radius, bounds = domain.radius(d), [(None, None)] * d
        constraints.append({"type": "ineq", "fun": lambda v: 1 - v[:d] @ v[:d] / radius**2})
    if kinks is None:
        start = np.zeros(d)

        def objective(v):
            z = features @ v
            return float(np.sum(loss.value(z, labels))), features.T @ loss.derivative(z, labels)
    else:
        start = np.concatenate([np.zeros(d), np.max(kinks(np.zeros(n)), axis=0) + 0.1])
        bounds = bounds + [(None, None)] * n
        constraints.append(
            {
                "type": "ineq",
                "fun": lambda v: np.concatenate([v[d:] - side for side in kinks(features @ v[:d])]),
            }
        )

        def objective(v):
            return float(v[d:].sum()), np.concatenate([np.zeros(d), np.ones(n)])

    solved = minimize(
        objective,
        start,
        jac=True,
        bounds=bounds,
        constraints=constraints,
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    return float(np.sum(loss.value(features @ domain.nearest(solved.x[:d]), labels)))
