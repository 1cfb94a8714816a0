"""P1 to P7: what Frequent Directions promises, on every stream.

Sources: M. Ghashami, E. Liberty, J. M. Phillips, D. P. Woodruff, *Frequent Directions: simple and
deterministic matrix sketching*, SIAM J. Comput. 45 (2016); V. Feinberg, X. Chen, Y. J. Sun,
R. Anil, E. Hazan, *Sketchy*, NeurIPS 2023.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oco.verification.cases import Case
from oco.verification.definitions import escape_limit
from oco.verification.observations import ROUNDING, Observation, Subject, check

__all__ = ["against_the_covariance", "low_rank", "merging", "steps"]

# How far from orthonormal directions may be that are orthonormal to rounding.
ORTHONORMAL = 1e-12
# Rows of a long stream of low rank, and how orthonormal its directions stay in these.
LONG, LONG_ORTHONORMAL = 5000, 1e-13
# What each of a long stream's steps may round, in units of √ℓ tr G: see the theory page.
STEP = 8 * float(np.finfo(np.float64).eps)
# Singular values that a rounded stream of exact low rank may show, relative to the largest.
RANK = 1e-15
# Of a stream of rank below ℓ whose other singular values, and whose rows, are all at least this
# large, relative to the largest, only the square of the rounding noise may escape.
CLEAR = 1e-4
NOISE_SQUARED = 1e-22


def against_the_covariance(
    case: Case, sketch, exact: np.ndarray, where: str
) -> Iterator[Observation]:
    """Hold P1 to P5 for a sketch in the case's units against the exact covariance, scaled."""
    trace = float(np.trace(exact))
    scale = trace or 1.0
    tolerance = max(ROUNDING, STEP * case.k**0.5 * case.T) + case.floor / scale
    directions = np.asarray(sketch.directions)
    values, tau = case.squared(sketch.eigenvalues), float(case.squared(sketch.escaped_mass))
    spectrum = np.linalg.eigvalsh(exact)[::-1]
    missed = np.linalg.eigvalsh(exact - (directions.T * values) @ directions)

    def claim(name: str, value: float, limit: float, terms: float = 1.0, at: str = ""):
        return Observation(name, where + at, value, limit, scale, tolerance * max(terms, 1.0))

    yield claim("P1-under", -float(missed[0]), 0.0)
    yield claim("P1-P2-over", float(missed[-1]), tau)
    yield claim("P3-escaped", tau, escape_limit(spectrum, case.k))
    yield claim("P4-trace", case.k * tau, trace - float(values.sum()), case.k)
    projected = np.einsum("id,de,ie->i", directions, exact, directions)
    for j in range(1, min(len(directions), case.k - 1) + 1):
        factor = 1 + j / (case.k - j)
        lost, least = trace - float(projected[:j].sum()), float(spectrum[j:].sum())
        yield claim("P5-projection", lost, factor * least, factor, f", top {j}")


@check(
    "guarantees",
    P1_under="Ḡ ⪯ G: the sketch never overestimates",
    P1_P2_over="G ⪯ Ḡ + τI: it underestimates by at most the escaped mass",
    P3_escaped="τ ≤ Ω_ℓ(G) = min_j Σ_{i>j} λ_i/(ℓ−j)",
    P4_trace="ℓτ ≤ tr G − tr Ḡ, with equality for single rows",
    P5_projection="‖A − A P_j‖² ≤ (1 + j/(ℓ−j)) ‖A − A_j‖² for every j < ℓ",
    mass="the total mass is tr G",
    rank="at most ℓ − 1 directions are kept",
    orthonormal="the sketch's directions are orthonormal after every step",
)
def guarantees(case: Case, subject: Subject) -> Iterator[Observation]:
    """Append rows one by one, against the exact covariance."""
    sketch = subject.sketch(case.d, case.k, case.decay)
    for t, row, exact in case.covariances():
        sketch.append(row)
        yield orthonormality(sketch, f"row {t}")
        if t in case.checkpoints:
            if subject.offers("total_mass"):
                yield _mass(case, sketch, exact, f"row {t}")
            kept = float(len(sketch.directions))
            yield Observation("rank", f"row {t}", kept, case.k - 1.0, tolerance=0.0)
            yield from against_the_covariance(case, sketch, exact, f"row {t}")
            yield _trace_equality(case, sketch, exact, f"row {t}, equality")


def _mass(case: Case, sketch, exact: np.ndarray, where: str) -> Observation:
    trace = float(np.trace(exact))
    scale, off = trace or 1.0, abs(float(case.squared(sketch.total_mass)) - trace)
    return Observation("mass", where, off, 0.0, scale, ROUNDING + case.floor / scale)


def _trace_equality(case: Case, sketch, exact: np.ndarray, where: str) -> Observation:
    # A step with one row takes ρ off exactly ℓ eigenvalues, so nothing else is lost.
    trace = float(np.trace(exact))
    lost = trace - float(case.squared(sketch.eigenvalues).sum())
    limit = case.k * float(case.squared(sketch.escaped_mass))
    scale = trace or 1.0
    return Observation(
        "P4-trace", where, lost, limit, scale, case.k * (ROUNDING + case.floor / scale)
    )


def orthonormality(sketch, where: str) -> Observation:
    """Observe how far the directions are from orthonormal."""
    directions = np.asarray(sketch.directions)
    error = np.abs(directions @ directions.T - np.eye(len(directions))).max(initial=0.0)
    return Observation("orthonormal", where, float(error), 0.0, 1.0, ORTHONORMAL)


@check(
    "steps",
    step="each step is (βḠ + ggᵀ − ρI)₊ with ρ = λ_ℓ(βḠ + ggᵀ), and τ is βτ + ρ",
    P2_monotone="Ḡ_t + τ_t I ⪰ Ḡ_{t−1} + τ_{t−1} I when nothing decays",
)
def steps(case: Case, subject: Subject) -> Iterator[Observation]:
    """Hold single steps against the dense definition, from the sketch's own state before."""
    sketch = subject.sketch(case.d, case.k, case.decay)
    for t, row in enumerate(case.rows, start=1):
        if t not in case.checkpoints:
            sketch.append(row)
            continue
        before, tau = _dense(case, sketch), float(case.squared(sketch.escaped_mass))
        sketch.append(row)
        after, tau_after = _dense(case, sketch), float(case.squared(sketch.escaped_mass))
        g = case.scaled(t - 1, t)[0]
        values, vectors = np.linalg.eigh(case.decay * before + np.outer(g, g))
        rho = max(float(values[-case.k]), 0.0) if case.k <= case.d else 0.0
        expected = (vectors * np.maximum(values - rho, 0.0)) @ vectors.T
        scale = max(float(values[-1]), tau_after) or 1.0
        tolerance = ROUNDING + case.floor / scale
        error = np.abs(after - expected).max()
        yield Observation("step", f"row {t}, Ḡ", float(error), 0.0, scale, tolerance)
        off = abs(tau_after - (case.decay * tau + rho))
        yield Observation("step", f"row {t}, τ", off, 0.0, scale, tolerance)
        if case.decay == 1:
            shrunk = np.linalg.eigvalsh(before - after)[-1] + tau - tau_after
            yield Observation("P2-monotone", f"row {t}", float(shrunk), 0.0, scale, tolerance)


@check(
    "blocks",
    blocks="P1 to P4 hold when rows are absorbed in blocks, each in one step",
)
def blocks(case: Case, subject: Subject) -> Iterator[Observation]:
    """Make matrix updates of random sizes between single rows."""
    if not subject.offers("update"):
        return
    rng, sketch = case.rng(1), subject.sketch(case.d, case.k, case.decay)
    exact, start, step = np.zeros((case.d, case.d)), 0, 0
    while start < case.T:
        stop = min(start + int(rng.integers(1, 2 * case.k + 1)), case.T)
        step += 1
        block = case.scaled(start, stop)
        if stop - start == 1:
            sketch.append(case.rows[start])
        else:
            sketch.update(case.rows[start:stop])
        exact = case.decay * exact + block.T @ block
        start = stop
        if step <= 4 or start == case.T or step % 8 == 0:
            for seen in against_the_covariance(case, sketch, exact, f"row {stop}"):
                yield _renamed(seen, "blocks")
        yield orthonormality(sketch, f"block to row {stop}")


@check(
    "merging",
    P6_merging="merging sketches, in any grouping, keeps P1 to P4 for all their rows together",
)
def merging(case: Case, subject: Subject) -> Iterator[Observation]:
    """Deal the rows out to up to five sketches, and merge these in a random order."""
    if not subject.offers("merge"):
        return
    rng = case.rng(2)
    cuts = np.sort(rng.integers(0, case.T + 1, int(rng.integers(1, 5))))
    held = []
    for part in np.split(np.arange(case.T), cuts):
        sketch, exact = subject.sketch(case.d, case.k, case.decay), np.zeros((case.d, case.d))
        for t in part:
            sketch.append(case.rows[t])
        if len(part):
            rows = case.scaled(int(part[0]), int(part[-1]) + 1)
            weights = np.sqrt(case.decay ** np.arange(len(rows) - 1, -1, -1.0))[:, None]
            exact = (weights * rows).T @ (weights * rows)
        held.append((sketch, exact))
    while len(held) > 1:
        (left, one), (right, other) = (held.pop(int(rng.integers(len(held)))) for _ in range(2))
        left.merge(right)
        held.append((left, one + other))
        for seen in against_the_covariance(case, left, one + other, f"{len(held)} left to merge"):
            yield _renamed(seen, "P6-merging")
        yield orthonormality(left, f"merged, {len(held)} left")


@check(
    "low rank",
    P7_exact="if rank G < ℓ nothing escapes and Ḡ = G",
    drift="over 5,000 rows of low rank the directions stay orthonormal to 1e-13, and nothing "
    "escapes",
)
def low_rank(case: Case, subject: Subject) -> Iterator[Observation]:
    """Sketch streams whose rank stays below the sketch size."""
    gram = case.scaled() if 4 * case.d >= case.T else _compressed(case)
    singular = np.linalg.svd(gram, compute_uv=False)
    largest = singular.max(initial=0.0)
    positive = singular[singular > RANK * max(gram.shape) * largest]
    if len(positive) >= case.k:
        return
    lengths = np.array([np.linalg.norm(case.scaled(t, t + 1)) for t in range(case.T)])
    # A row that is small beside the others may consist of rounding.
    clear = np.all(positive > CLEAR * largest) and np.all(
        (lengths == 0) | (lengths > CLEAR * lengths.max())
    )
    noise = NOISE_SQUARED if clear else ROUNDING
    sketch = subject.sketch(case.d, case.k, case.decay)
    # Noise is measured beside all rows, of which the largest may come last.
    scale = float(singular @ singular) or 1.0
    floor = case.floor / scale
    for t, row, exact in case.covariances():
        sketch.append(row)
        if t in case.checkpoints:
            escaped = float(case.squared(sketch.escaped_mass))
            yield Observation("P7-exact", f"row {t}, τ", escaped, 0.0, scale, noise + floor)
            error = float(np.abs(_dense(case, sketch) - exact).max())
            yield Observation("P7-exact", f"row {t}, Ḡ", error, 0.0, scale, ROUNDING + floor)

    if clear and len(positive) > 1 and case.floor < ROUNDING:
        yield from _long(case, subject, singular)


def _long(case: Case, subject: Subject, singular: np.ndarray) -> Iterator[Observation]:
    """Repeat the rows in a random order: what rounding does to one row, it does again and again."""
    sketch = subject.sketch(case.d, case.k, 1.0)
    rows = case.scaled()
    rows = rows[rows.any(axis=1)]
    for t in case.rng(15).integers(0, len(rows), LONG):
        sketch.append(rows[t])
    directions = np.asarray(sketch.directions)
    error = float(np.abs(directions @ directions.T - np.eye(len(directions))).max(initial=0.0))
    yield Observation("drift", f"{LONG} rows", error, 0.0, 1.0, LONG_ORTHONORMAL)
    mass = LONG / len(rows) * float(singular @ singular)
    escaped = float(sketch.escaped_mass)
    yield Observation("drift", f"{LONG} rows, τ", escaped, 0.0, mass, NOISE_SQUARED)


def _compressed(case: Case) -> np.ndarray:
    """Return d rows with the rows' covariance, made block by block without squaring."""
    factor: np.ndarray = np.zeros((0, case.d))
    step = 2 * case.d
    for start in range(0, case.T, step):
        rows = np.vstack([factor, case.scaled(start, start + step)])
        factor = np.asarray(np.linalg.qr(rows, mode="r"))
    return factor


def _dense(case: Case, sketch) -> np.ndarray:
    directions = np.asarray(sketch.directions)
    return (directions.T * case.squared(sketch.eigenvalues)) @ directions


def _renamed(seen: Observation, name: str) -> Observation:
    where = f"{seen.name}, {seen.where}"
    return Observation(name, where, seen.value, seen.limit, seen.scale, seen.tolerance)
