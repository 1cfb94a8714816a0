"""What must not matter: coordinates, units, signs, the engine, and how often it is tried."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from oco.linalg.rank_one import lapack_eigh, secular_eigh
from oco.verification.cases import Case
from oco.verification.observations import ROUNDING, Observation, Subject, check

__all__ = ["determinism", "kernels", "rotation", "scale", "signs"]

# Powers of two for the largest entry, so that sums of squares stay in range and rounding of the
# squares stays above the smallest number.
LARGEST, SMALLEST = 480, -480
EPS = np.finfo(np.float64).eps
SHORTEST = math.sqrt(np.finfo(np.float64).tiny)


def _compared(
    case: Case,
    subject: Subject,
    name: str,
    changed: Callable[[int, np.ndarray], np.ndarray],
    back: Callable[[np.ndarray, float], tuple] = lambda *state: state,
    exponent: int | None = None,
) -> Iterator[Observation]:
    """Sketch the rows and the changed rows, and compare (Ḡ, τ) after `back` undid the change.

    The changed rows are in units of two to the power `exponent`.
    """
    unit_of_changed = case.exponent if exponent is None else exponent
    plain, other = (subject.sketch(case.d, case.k, case.decay) for _ in range(2))
    trace = 0.0
    for t, row in enumerate(case.rows, start=1):
        plain.append(row)
        other.append(changed(t - 1, np.asarray(row, dtype=np.float64)))
        g = case.scaled(t - 1, t)[0]
        trace = case.decay * trace + float(g @ g)
        if t in case.checkpoints:
            unit = trace or 1.0
            tolerance = 2 * (ROUNDING + max(case.floor, case.underflow(unit_of_changed)) / unit)
            expected = _state(plain, case.exponent)
            found = back(*_state(other, unit_of_changed))
            error = np.abs(expected[0] - found[0]).max()
            yield Observation(name, f"row {t}, Ḡ", float(error), 0.0, unit, tolerance)
            off = abs(expected[1] - found[1])
            yield Observation(name, f"row {t}, τ", float(off), 0.0, unit, tolerance)


def _state(sketch, exponent: int) -> tuple[np.ndarray, float]:
    directions = np.asarray(sketch.directions)
    values, tau = (
        np.ldexp(np.ldexp(part, -exponent), -exponent)
        for part in (sketch.eigenvalues, sketch.escaped_mass)
    )
    return (directions.T * values) @ directions, float(tau)


@check("rotation", rotation="sketching the rotated rows rotates the sketch")
def rotation(case: Case, subject: Subject) -> Iterator[Observation]:
    """Multiply the rows by a random orthogonal matrix Q."""
    q = np.linalg.qr(case.rng(3).standard_normal((case.d, case.d)))[0]

    def changed(t, row):
        # Rotated in units in which nothing underflows, then put back.
        return np.ldexp(np.ldexp(row, -case.exponent) @ q, case.exponent)

    yield from _compared(
        case, subject, "rotation", changed, lambda matrix, tau: (q @ matrix @ q.T, tau)
    )


@check("scale", scale="sketching c times the rows gives c² times the sketch")
def scale(case: Case, subject: Subject) -> Iterator[Observation]:
    """Multiply the rows by a random c, as large or small as the squares allow."""
    rng = case.rng(4)
    exponent = int(rng.integers(SMALLEST, LARGEST))
    c = rng.uniform(1, 2)

    def changed(t, row):
        return np.ldexp(c * np.ldexp(row, -case.exponent), exponent)

    def back(matrix, tau):
        return matrix / c**2, tau / c**2

    yield from _compared(case, subject, "scale", changed, back, exponent)


@check("signs", signs="the signs of the rows do not matter")
def signs(case: Case, subject: Subject) -> Iterator[Observation]:
    """Give the rows random signs."""
    flips = case.rng(5).choice([-1.0, 1.0], case.T)
    yield from _compared(case, subject, "signs", lambda t, row: flips[t] * row)


@check(
    "determinism",
    determinism="the same rows give the same sketch, bit by bit, alone or as a matrix",
    coordinates="append returns the row's coordinates in the updated directions",
)
def determinism(case: Case, subject: Subject) -> Iterator[Observation]:
    """Sketch the same rows twice, once by `append` and once by `extend` where there is one."""
    first, second = (subject.sketch(case.d, case.k, case.decay) for _ in range(2))
    for t, row in enumerate(case.rows, start=1):
        coordinates = first.append(row)
        if coordinates is not None and t in case.checkpoints:
            length = float(np.linalg.norm(case.scaled(t - 1, t)))
            if math.ldexp(length, case.exponent) < SHORTEST:
                # A row whose square underflows counts as zero.
                continue
            expected = np.asarray(first.directions) @ case.scaled(t - 1, t)[0]
            found = np.ldexp(coordinates, -case.exponent)
            error = float(np.abs(found - expected).max(initial=0.0))
            yield Observation("coordinates", f"row {t}", error, 0.0, length)
    if subject.offers("extend"):
        second.extend(case.rows)
    else:
        for row in case.rows:
            second.append(row)
    same = (
        np.array_equal(first.eigenvalues, second.eigenvalues)
        and np.array_equal(first.directions, second.directions)
        and first.escaped_mass == second.escaped_mass
    )
    yield Observation("determinism", "end", float(not same), tolerance=0.0)


@check(
    "kernels",
    engines="the compiled eigenvalue update and LAPACK's agree on the sketch's own problems",
)
def kernels(case: Case, subject: Subject) -> Iterator[Observation]:
    """Solve diag(λ̄) + z zᵀ, as it comes up in the sketch, both ways."""
    sketch = subject.sketch(case.d, case.k, case.decay)
    for t, row in enumerate(case.rows, start=1):
        if t in case.checkpoints:
            directions = np.asarray(sketch.directions)
            g = case.scaled(t - 1, t)[0]
            z = directions @ g
            outside = g - z @ directions
            poles = np.append(case.decay * case.squared(sketch.eigenvalues), 0.0)
            z = np.append(z, np.linalg.norm(outside))
            yield from _solved_alike(poles, z, f"row {t}")
        sketch.append(row)


def _solved_alike(poles: np.ndarray, z: np.ndarray, where: str) -> Iterator[Observation]:
    n = len(poles)
    matrix = np.diag(poles) + np.outer(z, z)
    size = float(np.abs(matrix).max()) or 1.0
    tolerance = 64 * n * EPS
    (w, turn), (other, _) = secular_eigh(poles, z), lapack_eigh(poles, z)
    for what, error in (
        ("eigenvalues", np.abs(w - other).max() / size),
        ("product", np.abs((turn.T * w) @ turn - matrix).max() / size),
        ("orthogonality", np.abs(turn @ turn.T - np.eye(n)).max()),
    ):
        yield Observation("engines", f"{where}, {what}", float(error), tolerance=tolerance)
