"""Every learner against its definition: metric, step, projection, account and bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from oco import checks
from oco.algorithms import KroneckerRoot
from oco.bounds import Account, ladder
from oco.domains import Box, Domain, Euclidean
from oco.experiment.lookup import Options
from oco.verification import definitions
from oco.verification.cases import Case
from oco.verification.definitions import Metric, metric_of
from oco.verification.observations import Observation, Subject, check
from oco.verification.promises import DenseAccount

__all__ = ["defined", "factored"]

ROUNDS, DIMENSIONS, MOST = 16, 12, 6
# Shapes of at most so many entries, largest first.
SHAPES = {12: (3, 4), 9: (3, 3), 6: (2, 3), 4: (2, 2)}
MATRICES = ("shampoo", "s-shampoo", "one-sided-shampoo", "s-one-sided")
# Relative accuracy: of a step that is divided by an eigenvalue of 1e-7 of the largest, and of the
# root of such an eigenvalue.
ITERATES, ROOTS = 1e-7, 1e-6


def drawn_domain(subject: Subject, rng) -> tuple[Domain, definitions.DenseBall | None]:
    """Return a domain, half of the times a ball, and the dense ball where it is one."""
    radius = 10.0 ** rng.uniform(-1, 0.5)
    kind = int(rng.integers(4))
    if kind < 2:
        return subject.ball(radius), definitions.DenseBall(radius)
    if kind == 2:
        return Euclidean(), None
    return Box(-radius * rng.uniform(0, 2), radius * rng.uniform(0.1, 2)), None


def diameter_of(name: str, domain: Domain, ball: definitions.DenseBall | None, d: int) -> float:
    """Return D; for a diagonal metric on a box it is the longest side."""
    if ball is not None:
        return 2 * ball.radius
    if not isinstance(domain, Box):
        return math.inf
    sides = np.broadcast_to(np.subtract(domain.upper, domain.lower), d)
    return float(sides.max() if name == "adagrad" else np.linalg.norm(sides))


def default_rate(name: str, diameter: float, bound: float, rank: float) -> float:
    """Return the η that balances the bound: D/√2, D/(√2 G) or D/√(2r); Adam's is a number."""
    if name == "adam":
        return 1e-3
    unit = {"ogd": bound, "shampoo": math.sqrt(rank), "s-shampoo": math.sqrt(rank)}
    return diameter / (math.sqrt(2) * unit.get(name, 1.0))


@check(
    "definitions",
    learner="each step is that of the dense definition: its rate, metric, step and projection",
    account="tr H, Σgᵀ H⁻¹g, Σ√ρ, max‖x‖ and what else a learner tells are those of the definition",
    rungs="every bound is its formula, in dense metrics and dense spectra",
)
def defined(case: Case, subject: Subject) -> Iterator[Observation]:
    """Play each learner on a few tame rows, on a ball, a box or without bounds."""
    rng = case.rng(9)
    rows = definitions.tame(case, ROUNDS, DIMENSIONS)
    d = rows.shape[1]
    # Smaller than the case's own sketch, which would lose nothing in so few rounds.
    k = 2 + int(rng.uniform() * max(min(case.k, d, MOST) - 1, 1))
    entries = next((size for size in SHAPES if size <= d), d)
    options = {"d": d, "k": k, "delta": 10.0 ** rng.uniform(-1, 1)}
    domain, ball = drawn_domain(subject, rng)
    # From a generator of their own, so that a shrunk case with fewer rows draws all else as before.
    lengths = 10.0 ** case.rng(17).uniform(-0.5, 0.5, len(rows))
    rows = rows * lengths[:, None]
    options["gradient_bound"] = float(lengths.max())
    shape = SHAPES.get(entries, (d,))
    # Tall as often as wide.
    shape = shape[::-1] if case.rng(24).integers(2) else shape
    for name, factory in subject.learners.items():
        lr = 10.0 ** rng.uniform(-1, 1) if not domain.bounded or rng.integers(2) else None
        matrix = name in MATRICES
        own = options | {"shape": shape if matrix else (d,)}
        absorb = metric_of(name, **{key: own[key] for key in ("d", "k", "delta", "shape")})
        if absorb is None:
            continue
        learner = Options(own | {"domain": domain, "lr": lr}).call("algorithm", factory)
        kept = rows[:, :entries] if matrix else rows
        yield from _made(f"{name}, {domain.name}", name, learner, ball, own, lr)
        yield from _played(f"{name}, {domain.name}", learner, absorb, kept, ball, own)


@check(
    "factors",
    factors="Shampoo's factors with decay, exact or sketched, and their step are the definition's",
)
def factored(case: Case, subject: Subject) -> Iterator[Observation]:
    """Let the preconditioner of training take matrices, with a decay and bias correction."""
    rng = case.rng(16)
    rows = definitions.tame(case, ROUNDS, DIMENSIONS)
    entries = next((size for size in SHAPES if size <= rows.shape[1]), rows.shape[1])
    rows = rows[:, :entries]
    shape = SHAPES.get(entries, (entries,))
    decay = float(rng.choice([0.9, 0.5, case.decay]))
    for rank in (None, 2):
        root = KroneckerRoot(shape, k=rank, decay=decay)
        absorb = definitions.kronecker(shape, rank, decay=decay)
        for t, row in enumerate(rows[rows.any(axis=1)], start=1):
            metric, found = absorb(row), root.precondition(row.reshape(shape)).reshape(-1)
            error = float(np.linalg.norm(found - metric.direction))
            size = float(np.linalg.norm(metric.direction))
            where = f"rank {rank}, β = {decay:g}, row {t}"
            yield Observation("factors", f"{where}, step", error, 0.0, size, ITERATES)
            off = abs(root.potential / metric.potential - 1)
            yield Observation("factors", f"{where}, tr H", off, 0.0, 1.0, ROOTS)


def _made(place, name, learner, ball, options, lr) -> Iterator[Observation]:
    diameter = diameter_of(name, learner.domain, ball, np.size(learner.x))
    told = [("D", learner.diameter, diameter)]
    if lr is None:
        rank = min(options["shape"]) if len(options["shape"]) > 1 else 1
        rate = default_rate(name, diameter, options["gradient_bound"], rank)
        told.append(("default η", learner.lr, rate))
    for what, found, expected in told:
        # Both may be infinite.
        off = 0.0 if found == expected else abs(found / expected - 1)
        yield Observation("learner", f"{place}, {what}", off)


def _played(place, learner, absorb, rows, ball, options) -> Iterator[Observation]:
    # From the first gradient that is not 0: metrics of 0 are looked at elsewhere.
    rows = rows[np.cumsum(rows.any(axis=1)) > 0]
    shape = tuple(n for n in np.shape(learner.x) if n > 1) or (1,)
    dense = DenseAccount(learner.lr, options["k"], shape)
    domain, travelled = learner.domain, 0.0
    unit = min(domain.radius(rows.shape[1]), 1.0)
    for t, row in enumerate(rows, start=1):
        x = np.array(learner.x).reshape(-1)
        g = row if float(row @ x) >= 0 else -row
        metric = absorb(g)
        if not metric.clear:
            break
        learner.update(g.reshape(np.shape(learner.x)))
        dense.enter(g, metric)
        found = np.array(learner.x).reshape(-1)
        travelled = max(travelled, float(np.linalg.norm(found)))
        step = learner.lr * metric.direction
        size = unit + float(np.linalg.norm(step))
        if isinstance(domain, Box) and np.count_nonzero(metric.matrix) > len(found):
            # A quadratic programme: no point of the box is better, to first order.
            slope = metric.matrix @ (found - x + step)
            error = float(slope @ found) + domain.support(-slope)
            size *= float(np.linalg.norm(metric.matrix, 2)) * domain.diameter(len(found))
        else:
            error = float(np.linalg.norm(found - _moved(x - step, metric, domain, ball)))
        yield Observation("learner", f"{place}, row {t}", error, 0.0, size, ITERATES)
    if dense.rounds:
        yield from _told(place, learner, dense, travelled)
        yield from _bounded(place, learner, dense, options["gradient_bound"])


def _moved(y, metric: Metric, domain: Domain, ball) -> np.ndarray:
    if ball is not None:
        return ball.project(y, metric.matrix)
    if isinstance(domain, Box):
        return np.minimum(np.maximum(y, domain.lower), domain.upper)
    return y


def _told(place, learner, dense: DenseAccount, travelled: float) -> Iterator[Observation]:
    now, metric = learner.diagnostics(), checks.known("metric", dense.metric)
    # An escaped mass may be off by rounding of the mass of all gradients, its root by that's root.
    mass = dense.squares
    told = {
        "potential": (now.potential, metric.potential),
        "quadratic": (now.quadratic, dense.quadratic),
        "Σ‖g‖²": (now.squared_gradients, dense.squares),
    }
    if metric.tau is not None:
        told["τ"] = (now.escaped_mass, metric.tau)
    if not learner.domain.bounded:
        told["max‖x‖"] = (now.travelled, travelled)
    for i, axis in enumerate(metric.axes):
        told[f"axis {i}, tr"] = (now.axes[i].potential, float(np.trace(axis.root)))
        told[f"axis {i}, τ"] = (now.axes[i].escaped_mass, axis.tau)
        told[f"axis {i}, ε"] = (now.axes[i].regularisation, axis.epsilon)
    for what, (found, expected) in told.items():
        off, scale = abs(float(found) - expected), max(abs(expected), mass, math.sqrt(mass))
        if what.endswith("ε"):
            scale = expected or mass
        yield Observation("account", f"{place}, {what}", off, 0.0, scale, ROOTS)


def _bounded(place, learner, dense: DenseAccount, bound: float) -> Iterator[Observation]:
    diameter = learner.diameter if math.isfinite(learner.diameter) else 3.0
    factored = [axis.index for axis in checks.known("metric", dense.metric).axes]
    spectra = [np.linalg.eigvalsh(dense.axis_covariances[i])[::-1] for i in factored]
    account = Account(
        t=dense.rounds,
        d=len(dense.covariance),
        k=learner.k,
        lr=learner.lr,
        diameter=diameter,
        gradient_bound=bound,
        diagnostics=learner.diagnostics(),
        spectrum=np.linalg.eigvalsh(dense.covariance)[::-1],
        axis_spectra=tuple(spectra),
    )
    for name, found in ladder(learner.bounds, account).items():
        expected = dense.bound(name, diameter, bound)
        off, scale = abs(found - expected), max(expected, dense.resolution(diameter))
        yield Observation("rungs", f"{place}, {name}", off, 0.0, scale, ROOTS)
