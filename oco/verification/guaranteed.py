"""P1 to P7: what Frequent Directions promises, on every stream.

Sources: M. Ghashami, E. Liberty, J. M. Phillips, D. P. Woodruff, *Frequent Directions: simple and
deterministic matrix sketching*, SIAM J. Comput. 45 (2016); V. Feinberg, X. Chen, Y. J. Sun,
R. Anil, E. Hazan, *Sketchy*, NeurIPS 2023.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oco.sketch.guarantees import check as hold
from oco.verification.cases import Case
from oco.verification.observations import ROUNDING, Observation, Subject, check

__all__ = ["against_the_covariance", "low_rank", "merging", "steps"]

# One product of q vectors of length d that were made orthonormal to rounding.
ORTHONORMAL = 1e-12
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
    tolerance = ROUNDING + case.floor / scale
    found = hold(
        exact,
        np.asarray(sketch.directions),
        case.squared(sketch.eigenvalues),
        float(case.squared(sketch.escaped_mass)),
        case.k,
    )
    names = ("P1-under", "P1-P2-over", "P3-escaped", "P4-trace")
    for i, guarantee in enumerate(found):
        name = names[i] if i < len(names) else "P5-projection"
        # P4 and P5 are sums of several eigenvalues: the slack says how many.
        weight = guarantee.slack / (found[0].slack or 1.0)
        at = where if i < len(names) else f"{where}, top {i - len(names) + 1}"
        yield Observation(
            name, at, guarantee.value, guarantee.limit, scale, tolerance * max(weight, 1.0)
        )


@check(
    "guarantees",
    P1_under="Ḡ ⪯ G: the sketch never overestimates",
    P1_P2_over="G ⪯ Ḡ + τI: it underestimates by at most the escaped mass",
    P3_escaped="τ ≤ Ω_ℓ(G) = min_j Σ_{i>j} λ_i/(ℓ−j)",
    P4_trace="ℓτ ≤ tr G − tr Ḡ, with equality for single rows",
    P5_projection="‖A − A P_j‖² ≤ (1 + j/(ℓ−j)) ‖A − A_j‖² for every j < ℓ",
    rank="at most ℓ − 1 directions are kept",
    orthonormal="the sketch's directions are orthonormal after every step",
)
def guarantees(case: Case, subject: Subject) -> Iterator[Observation]:
    """Append rows one by one, against the exact covariance."""
    sketch = subject.sketch(case.d, case.k, case.decay)
    for t, row, exact in case.covariances():
        sketch.append(row)
        yield orthonormality(sketch, f"row {t}")
        if t in case.looks:
            kept = float(len(sketch.directions))
            yield Observation("rank", f"row {t}", kept, case.k - 1.0, tolerance=0.0)
            yield from against_the_covariance(case, sketch, exact, f"row {t}")
            yield _trace_equality(case, sketch, exact, f"row {t}, equality")


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
        if t not in case.looks:
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
    # Beside larger rows, small ones are rounding noise of the whole size.
    clear = np.all(positive > CLEAR * largest) and np.all(
        (lengths == 0) | (lengths > CLEAR * lengths.max())
    )
    noise = NOISE_SQUARED if clear else ROUNDING
    sketch = subject.sketch(case.d, case.k, case.decay)
    # What is noise is so beside the largest rows, which may come last.
    scale = float(singular @ singular) or 1.0
    floor = case.floor / scale
    for t, row, exact in case.covariances():
        sketch.append(row)
        if t in case.looks:
            escaped = float(case.squared(sketch.escaped_mass))
            yield Observation("P7-exact", f"row {t}, τ", escaped, 0.0, scale, noise + floor)
            error = float(np.abs(_dense(case, sketch) - exact).max())
            yield Observation("P7-exact", f"row {t}, Ḡ", error, 0.0, scale, ROUNDING + floor)


def _compressed(case: Case) -> np.ndarray:
    """Return d rows with the rows' covariance, made block by block without squaring."""
    factor = np.zeros((0, case.d))
    step = 2 * case.d
    for start in range(0, case.T, step):
        factor = np.linalg.qr(np.vstack([factor, case.scaled(start, start + step)]), mode="r")
    return factor


def _dense(case: Case, sketch) -> np.ndarray:
    directions = np.asarray(sketch.directions)
    return (directions.T * case.squared(sketch.eigenvalues)) @ directions


def _renamed(seen: Observation, name: str) -> Observation:
    where = f"{seen.property}, {seen.where}"
    return Observation(name, where, seen.value, seen.limit, seen.scale, seen.tolerance)
