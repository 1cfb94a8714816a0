"""What holds for learners: every rung of the ladder, and what the rungs are made of.

The rows of a case are the features of linear losses; an adversary that sees the prediction chooses
each sign so that the learner pays.  The regret against the best point of K is then exact:
Σ⟨g_t, x_t⟩ + max_{x in K} ⟨−Σ g_t, x⟩.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from oco.algorithms.ada_fd import ShiftedSketch
from oco.bounds import Account, ladder
from oco.domains import Box, Domain, Ellipsoid, L1Ball, Simplex
from oco.linalg.operators import Scalar
from oco.sketch.kernels import SMALLEST_MASS
from oco.verification.cases import Case
from oco.verification.observations import ROUNDING, Learner, Observation, Subject, check

__all__ = ["accounts", "full_matrix", "ladders"]

# Learners that decompose matrices of size d; above these dimensions and rounds they are not played.
DENSE, DENSE_DIMENSION, DENSE_ROUNDS = (
    ("full-adagrad", "da-full", "shampoo", "one-sided-shampoo"),
    64,
    2000,
)
# Learners with metrics that are diagonal in the coordinates.
DIAGONAL = ("ogd", "adagrad-norm", "adagrad", "adam", "da-norm", "da-diagonal")
# The smallest eigenvalue of a metric that is told from 0 is 1e-6 of the largest, and uncertain to
# 1e-16/1e-6 of it: so is what is divided by it.
RESOLVED = 1e-8
SMALLEST_EIGENVALUE = 1e-9
# Learners whose metrics agree to rounding have iterates that agree to this.
ITERATES = 1e-7
# Relative to the largest, an eigenvalue of G_t below ZERO is certainly 0, one above POSITIVE not.
ZERO, POSITIVE = 1e-14, 1e-9
# How many points of K are tried, besides the one that the support function is attained at.
SAMPLE = 4
SMALLEST = float(np.nextafter(0.0, 1.0))
SMALLEST_BOUND = float(np.sqrt(np.finfo(np.float64).tiny))
# Eigenvalues of G at 1e-12 of the largest count as zero, which in H = G^{1/2} is 1e-6.
ROOT_OF_CUTOFF = 2e-6


def _play(case: Case, learner: Learner) -> Iterator[tuple[int, np.ndarray, float, np.ndarray]]:
    """Yield (t, g_t, Σ⟨g, x⟩, Σ g) after each round."""
    played, total = 0.0, np.zeros(case.d)
    for t, row in enumerate(case.rows, start=1):
        a = np.asarray(row, dtype=np.float64)
        z = float(a @ learner.x)
        g = a if z >= 0 else -a
        played, total = played + abs(z), total + g
        learner.update(g)
        yield t, g, played, total


def vector_learners(case: Case, subject: Subject) -> Iterator[tuple[str, Domain, Learner, float]]:
    """Yield every learner on every domain that it takes, with the bound on the gradients."""
    rng = case.rng(6)
    radius = 10.0 ** rng.uniform(-2, 2)
    ball = subject.ball(radius)
    box = Box(-radius * rng.uniform(0, 2), radius * rng.uniform(0.1, 2))
    semiaxes = radius * 10.0 ** rng.uniform(-1, 1, case.d)
    others: list[Domain] = [L1Ball(radius), Ellipsoid(semiaxes)]
    # In one dimension the simplex is a point.
    others += [Simplex()] if case.d > 1 else []
    other = others[int(rng.integers(len(others)))]
    largest = max(float(np.linalg.norm(case.scaled(t, t + 1))) for t in range(case.T))
    if not largest:
        return
    # Larger than need be where the square of the length would underflow.
    bound = max(float(np.ldexp(largest, case.exponent)), SMALLEST_BOUND)
    options = {"k": case.k, "gradient_bound": bound, "delta": bound}
    for name, factory in subject.learners.items():
        if name in DENSE and (case.d > DENSE_DIMENSION or case.T > DENSE_ROUNDS):
            continue
        taken = inspect.signature(factory).parameters
        if "curvature" in taken:
            # Linear losses have none.
            continue
        arguments = {key: value for key, value in options.items() if key in taken}
        for domain in (Simplex(),) if name == "hedge" else (ball, box, other):
            try:
                learner = factory(case.d, domain=domain, **arguments)
            except ValueError:
                if domain.metrics == "diagonal" and name not in DIAGONAL:
                    continue
                raise
            yield name, domain, learner, bound


@check(
    "ladders",
    ladder="the regret is below every rung of every learner's ladder, against an adversary",
    feasible="every point that is played lies in K",
)
def ladders(case: Case, subject: Subject) -> Iterator[Observation]:
    """Play each learner on a ball, and on a box where it can, against the worst signs."""
    spectra = {}
    # Gradients do not decay in these learners.
    case = replace(case, decay=1.0)
    for t, _, exact in case.covariances():
        if t in case.checkpoints:
            values = np.maximum(np.linalg.eigvalsh(exact)[::-1], 0.0)
            spectra[t] = np.ldexp(np.ldexp(values, case.exponent), case.exponent)
    for name, domain, learner, bound in vector_learners(case, subject):
        for t, _, played, total in _play(case, learner):
            if t not in case.checkpoints:
                continue
            outside = float(np.linalg.norm(learner.x - domain.nearest(learner.x)))
            yield Observation(
                "feasible", f"{name}, {domain.name}, row {t}", outside, scale=domain.radius(case.d)
            )
            account = Account(
                t=t,
                d=case.d,
                k=learner.k,
                lr=learner.lr,
                diameter=learner.diameter,
                gradient_bound=bound,
                diagnostics=learner.diagnostics(),
                spectrum=spectra[t],
                axis_spectra=(spectra[t],),
            )
            regret = played + domain.support(-total)
            unit = learner.diameter * bound
            # A learner does not see a gradient whose square underflows: its length may be missing.
            floor = t * np.sqrt(min(case.floor, 1.0))
            for rung, value in ladder(learner.bounds, account).items():
                yield Observation(
                    "ladder",
                    f"{name}, {domain.name}, {rung}, row {t}",
                    regret,
                    value,
                    max(unit, value) or 1.0,
                    ROUNDING + floor,
                )


@check(
    "accounts",
    certificate="the certificate is made of tr H_t and gₜᵀHₜ⁻¹gₜ, with the metric after the round",
    H_monotone="Hₜ ⪰ Hₜ₋₁ for every learner but Ada-FD, for which Hₜ + √ρₜ I ⪰ Hₜ₋₁",
    operators="the metric's powers, resolvents and traces are those of its dense matrix",
    projection="(x − y)ᵀH(u − x) ≥ 0 for every u in K: x is the projection in the metric",
)
def accounts(case: Case, subject: Subject) -> Iterator[Observation]:
    """Make each learner's metric dense, at the case's checkpoints."""
    rng = case.rng(7)
    for name, domain, learner, _ in vector_learners(case, subject):
        if "certificate" not in getattr(learner, "bounds", ()):
            continue
        place = f"{name}, {domain.name}"
        before, sums, following = None, (0.0, 0.0), learner.x
        for t, g, _, _ in _play(case, learner):
            played, following = following, learner.x
            now = learner.diagnostics()
            quadratic, sums = now.quadratic - sums[0], (now.quadratic, now.potential)
            if t not in case.checkpoints:
                before = (
                    learner.preconditioner.metric.dense() if t + 1 in case.checkpoints else None
                )
                continue
            h = learner.preconditioner.metric.dense()
            metric, where = learner.preconditioner.metric, f"{place}, row {t}"
            yield from _account(metric, h, g, quadratic, now, case, where)
            y = played - learner.lr * (metric.power(-1) @ g)
            yield from _variational(domain, h, following, y, rng, where)
            if before is not None:
                yield _monotone(learner, before, h, case, where)
            before = h
        metric = learner.preconditioner.metric
        h = metric.dense()
        yield from _operator(metric, h, rng.standard_normal(case.d), place)
        for length in (1.5, 1e3):
            y = rng.standard_normal(case.d) * length * domain.radius(case.d) / np.sqrt(case.d)
            yield from _variational(domain, h, domain.project(y, metric), y, rng, place)


def _account(metric, h, g, quadratic, now, case, where) -> Iterator[Observation]:
    values, vectors = _decomposed(metric, h)
    size = float(np.linalg.norm(g)) or 1.0
    seen = values > 0
    coordinates = (vectors.T @ g)[seen] / size
    expected = float((coordinates**2 / (values[seen] / size)).sum())
    # Differences of a running sum: accurate to a rounding of the sum.
    rounding = ROUNDING * now.quadratic / size
    floor = np.sqrt(min(case.floor, 1.0))
    # A square near the end of the range is rounded to a multiple of the smallest number.
    lost = min(SMALLEST / (size * size), 1.0) if size * size > 0 else 1.0
    yield Observation(
        "certificate",
        f"{where}, quadratic",
        abs(quadratic / size - expected),
        0.0,
        max(expected, 1.0),
        RESOLVED + rounding + floor + lost,
    )
    # A scalar metric grows by the same amount in every direction, and is charged for one.
    needed = float(values[0] if isinstance(metric, Scalar) else values.sum())
    short = needed - now.potential
    yield Observation(
        "certificate", f"{where}, potential", short, 0.0, needed or 1.0, RESOLVED + floor
    )


def _decomposed(metric, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvalues and eigenvectors of the metric's matrix; what is rounding is 0."""
    if metric.separable:
        # The entries of a diagonal matrix are its eigenvalues, exact down to the smallest.
        return np.diagonal(h), np.eye(len(h))
    values, vectors = np.linalg.eigh(h)
    return np.where(values > SMALLEST_EIGENVALUE * values[-1], values, 0.0), vectors


def _monotone(learner, before, after, case, where) -> Observation:
    given_back = 0.0
    if isinstance(learner.preconditioner, ShiftedSketch):
        given_back = np.sqrt(learner.preconditioner.sketch.last_escape)
    unit = max(np.linalg.norm(after, 2), np.linalg.norm(before, 2)) or 1.0
    shrunk = np.linalg.eigvalsh((before - after) / unit)[-1] - given_back / unit
    floor = np.sqrt(min(case.floor, 1.0))
    return Observation("H-monotone", where, float(shrunk), 0.0, 1.0, ROOT_OF_CUTOFF + floor)


def _operator(metric, h, v, where) -> Iterator[Observation]:
    size = float(np.abs(h).max())
    if not size:
        return
    values, vectors = _decomposed(metric, h / size)
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
    functions = {
        "H": (metric @ v / size, values),
        "H⁻¹": (metric.power(-1) @ v * size, inverse),
        "H²": (metric.map(lambda s: (s / size) ** 2) @ v, values**2),
        "H^½": (metric.power(0.5) @ v / np.sqrt(size), np.sqrt(values)),
        "H(H+μ)⁻¹": (metric.apply(lambda s: s / (s + size), v), values / (values + 1.0)),
    }
    for name, (found, spectrum) in functions.items():
        expected = (vectors * spectrum) @ (vectors.T @ v)
        scale = float(np.linalg.norm(v) * spectrum.max())
        error = float(np.abs(found - expected).max())
        yield Observation("operators", f"{where}, {name}", error, 0.0, scale, RESOLVED)
    trace = float(values.sum())
    yield Observation(
        "operators", f"{where}, tr H", abs(metric.sum() / size - trace), 0.0, trace, RESOLVED
    )


def _variational(domain: Domain, h, x, y, rng, where) -> Iterator[Observation]:
    size = float(np.abs(h).max())
    if not size:
        return
    radius = domain.radius(len(y))
    outside = float(np.linalg.norm(x - domain.nearest(x)))
    yield Observation("projection", f"{where}, in K", outside, 0.0, radius)
    gradient = h / size @ (x - y)
    unit = max(float(np.linalg.norm(y)), radius) * radius
    # The smallest value of ⟨gradient, u − x⟩ over K, and the smallest over a sample of it.
    smallest = -domain.support(-gradient) - float(gradient @ x)
    sample = [domain.nearest(u) for u in rng.standard_normal((SAMPLE, len(y))) * radius]
    for what, value in (
        ("all of K", smallest),
        ("a sample", min(gradient @ (u - x) for u in sample)),
    ):
        yield Observation("projection", f"{where}, {what}", -float(value), 0.0, unit, RESOLVED)


@check(
    "full matrix",
    P7_learner="while rank G < ℓ, S-AdaGrad plays the points of full-matrix AdaGrad",
)
def full_matrix(case: Case, subject: Subject) -> Iterator[Observation]:
    """Play both learners on the same gradients, where no eigenvalue's rank is in doubt."""
    if {"s-adagrad", "full-adagrad"} - set(subject.learners) or case.d > DENSE_DIMENSION:
        return
    if case.T > DENSE_ROUNDS or not _clear_rank(case):
        return
    domain = subject.ball(1.0)
    sketched = subject.learners["s-adagrad"](case.d, k=case.k, domain=domain)
    full = subject.learners["full-adagrad"](case.d, domain=domain)
    for t, row in enumerate(case.rows, start=1):
        sketched.update(row)
        full.update(row)
        error = float(np.linalg.norm(sketched.x - full.x))
        yield Observation("P7-learner", f"row {t}", error, 0.0, 1.0, ITERATES)


def _clear_rank(case: Case) -> bool:
    """Tell whether after every row each eigenvalue of G is clearly zero or not, and few are not."""
    squares = np.einsum("ij,ij->i", case.rows, case.rows, dtype=np.float64)
    if np.any((squares < SMALLEST_MASS) & np.any(case.rows, axis=1)):
        # The sketch takes such a row for zero, and the full matrix does not.
        return False
    exact = np.zeros((case.d, case.d))
    for g in case.scaled():
        exact += np.outer(g, g)
        values = np.linalg.eigvalsh(exact)
        positive = values > POSITIVE * values[-1]
        if np.any(np.abs(values[~positive]) > ZERO * case.d * values[-1]):
            return False
        if np.count_nonzero(positive) >= case.k and np.any(g):
            return False
    return case.floor < ROUNDING
