"""The best fixed point's interval against an independent solver."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from scipy.optimize import minimize

from oco.domains import Box, Domain, Ellipsoid, Euclidean, L1Ball, Simplex
from oco.losses import MARGIN_LOSSES
from oco.regret import best_fixed_point
from oco.verification.cases import Case
from oco.verification.definitions import LOSSES, tame
from oco.verification.exactness import LAST_DIGITS, exact_inner, exact_loss
from oco.verification.observations import Observation, Subject, check

__all__ = ["Played", "Reach", "comparator", "even", "independent"]

# The independent solver takes general nonlinear programmes, of this size at most.
ROUNDS, DIMENSIONS = 24, 5
LOSSES_A_CASE = 2
# How accurate the independent solver is, relative to the sum of the losses.
SOLVED = 1e-6
# Gaps that are asked for, relative to the regret of a learner that pays twice what 0 does: wide
# ones show whether bounds are valid where the search stops early, narrow ones how close they come.
GAPS = (1e-3, 0.1, 3.0)
# A narrow gap is in reach where singular values of the features are either NONE times the largest,
# and so rounding, or at least EVEN times; of the lengths of columns, which may be 0, likewise.
NONE, EVEN = 1e-12, 0.03
# At so many points of the region the total loss is compared with the bound.
SAMPLE = 30


class Played:
    """Features and labels as a stream."""

    def __init__(self, features: np.ndarray, labels: np.ndarray) -> None:
        self.features, self.labels = features, labels
        self.d = features.shape[1]

    def chunks(self, stop=None):
        """Yield everything at once."""
        yield self.features[:stop], self.labels[:stop]


@check(
    "comparator",
    comparator="the certified interval of the best fixed point contains the optimum, and without "
    "bounds on K that of the ball that is named",
    proven="the ends of that interval hold the loss of the point found in exact arithmetic",
    gap="the interval is as narrow as was asked for",
)
def comparator(case: Case, subject: Subject) -> Iterator[Observation]:
    """Take a few of the rows as features, and two of the losses, on one of the domains."""
    rng = case.rng(8)
    # Few rounds can be fitted exactly, where the best point lies far away; many cannot.
    features = tame(case, int(rng.integers(1, ROUNDS + 1)), DIMENSIONS)
    radius = 10.0 ** rng.uniform(-0.5, 1)
    d = features.shape[1]
    domains: list[Domain] = [subject.ball(radius), Box(-radius, np.full(d, radius / 2))]
    domains += [Simplex(), L1Ball(radius), Ellipsoid(radius * 10.0 ** rng.uniform(-0.5, 0.5, d))]
    domains.append(Euclidean())
    for name in rng.choice(list(LOSSES), LOSSES_A_CASE, replace=False):
        # Where features are on very different scales the best point may lie beyond all squares.
        bounded = name == "linear" or not even(features)
        domain = domains[int(rng.integers(len(domains) - bounded))]
        loss = MARGIN_LOSSES[name]
        labels = rng.choice([-1.0, 1.0], len(features))
        if name in ("squared", "absolute"):
            labels = labels * rng.uniform(0, 2, len(features))
        asked = float(rng.choice(GAPS))
        # Large enough for the regret not to be near 0, where no relative gap is reached.
        incurred = 1.0 + 2 * abs(float(np.sum(LOSSES[name][0](np.zeros(len(labels)), labels))))
        rounds = Played(features, labels)
        found = best_fixed_point(loss, domain, rounds, incurred=incurred, relative_gap=asked)
        yield from _interval(found, name, domain, features, labels, rng, asked, incurred)


def _interval(found, name, domain, features, labels, rng, asked, incurred) -> Iterator[Observation]:
    region = domain if domain.bounded else Reach(found.radius)
    where, value = f"{name}, {domain.name}", LOSSES[name][0]

    def total(x: np.ndarray) -> float:
        return float(np.sum(value(features @ x, labels)))

    yield from _proven(found, name, where, features, labels)
    best = independent(name, region, features, labels)
    scale = 1.0 + abs(best)
    yield Observation("comparator", f"{where}, lower end", found.lower, best, scale, SOLVED)
    # Without bounds a better point may lie outside the ball.
    if domain.bounded:
        yield Observation("comparator", f"{where}, upper end", best, found.value, scale, SOLVED)
    off = abs(total(found.x) - found.value)
    yield Observation("comparator", f"{where}, attained", off, 0.0, scale)
    reach = region.radius(len(found.x))
    towards = -features.T @ LOSSES[name][1](features @ found.x, labels)
    directions = [found.x, towards, *rng.standard_normal((SAMPLE, len(found.x)))]
    for u in directions:
        point = region.nearest(u * (reach / (float(np.linalg.norm(u)) or 1.0)))
        yield Observation("comparator", f"{where}, at a point", found.lower, total(point), scale)
    # Features on very different scales may put a gap out of reach.
    if even(features):
        gap, limit = found.value - found.lower, asked * (incurred - found.value)
        yield Observation("gap", where, gap, limit, abs(incurred), SOLVED)


def _proven(found, name, where, features, labels) -> Iterator[Observation]:
    """Hold the interval's ends against F(x̂) without rounding."""
    rounds = zip(features, labels, strict=True)
    exact = sum(exact_loss(name, exact_inner(a, found.x), float(y)) for a, y in rounds)
    for end, off in (
        ("lower", Fraction(found.lower) - exact),
        ("upper", exact - Fraction(found.upper)),
    ):
        at = f"{where}, {end} end at x̂"
        yield Observation("proven", at, float(off), tolerance=LAST_DIGITS)


def even(features: np.ndarray) -> bool:
    """Tell whether the columns and singular values that are not 0 are of like size."""
    columns = np.linalg.norm(features, axis=0)
    singular = np.linalg.svd(features, compute_uv=False)
    return all(
        bool(np.all(sizes[sizes > none * sizes.max()] > EVEN * sizes.max()))
        for sizes, none in ((columns, 0.0), (singular, NONE))
    )


class Reach:
    """The ball that a bound without bounds on K is proven in."""

    def __init__(self, radius: float) -> None:
        self._radius = radius

    def radius(self, d: int) -> float:
        """Return its radius."""
        return self._radius

    def nearest(self, y: np.ndarray) -> np.ndarray:
        """Return `y`, shortened if need be."""
        return y * min(1.0, self._radius / (float(np.linalg.norm(y)) or 1.0))


def independent(name: str, region: Domain | Reach, features, labels) -> float:
    """Minimise by sequential quadratic programming, kinks written as constraints; a value ≥ min."""
    d, n = features.shape[1], len(features)
    value, slope = LOSSES[name]
    if name == "linear":
        s = -features.T @ labels
        if isinstance(region, Box):
            return float(np.minimum(region.lower * s, region.upper * s).sum())
        if isinstance(region, Simplex):
            return float(s.min())
        if isinstance(region, L1Ball):
            return -region.radius(d) * float(np.abs(s).max())
        if isinstance(region, Ellipsoid):
            return -float(np.linalg.norm(region.semiaxes * s))
        return -region.radius(d) * float(np.linalg.norm(s))
    kinks = {
        "hinge": lambda z: [np.zeros(n), 1 - labels * z],
        "absolute": lambda z: [z - labels, labels - z],
    }.get(name)
    constraints = []
    if isinstance(region, Box):
        lower, upper = (np.broadcast_to(side, d) for side in (region.lower, region.upper))
        bounds = [*zip(lower, upper, strict=True)]
    elif isinstance(region, Simplex):
        bounds = [(0.0, 1.0)] * d
        constraints.append({"type": "eq", "fun": lambda v: v[:d].sum() - 1})
    elif isinstance(region, L1Ball):
        radius, bounds = region.radius(d), [(None, None)] * d
        # A side for each choice of signs.
        sides = np.array(list(itertools.product((-1.0, 1.0), repeat=d)))
        constraints.append({"type": "ineq", "fun": lambda v: 1 - sides @ v[:d] / radius})
    elif isinstance(region, Ellipsoid):
        axes, bounds = region.semiaxes, [(None, None)] * d
        constraints.append({"type": "ineq", "fun": lambda v: 1 - np.sum((v[:d] / axes) ** 2)})
    else:
        radius, bounds = region.radius(d), [(None, None)] * d
        constraints.append({"type": "ineq", "fun": lambda v: 1 - v[:d] @ v[:d] / radius**2})
    if kinks is None:
        start = np.zeros(d)

        def objective(v):
            z = features @ v
            return float(np.sum(value(z, labels))), features.T @ slope(z, labels)
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
    return float(np.sum(value(features @ region.nearest(solved.x[:d]), labels)))
