"""Blocks of rows, each absorbed by a sketch in one step."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import eigh, svd

from oco.linalg.orthogonal import NEW_DIRECTION
from oco.linalg.rank_one import EPS
from oco.sketch.kernels import accumulate
from oco.sketch.rows import require_finite_trace
from oco.sketch.state import State

__all__ = [
    "absorb_block",
    "absorb_sketch",
    "grown_trace",
    "hold",
    "leading",
    "squared_lengths",
]

# Relative to the largest eigenvalue of a block.  One at or below this may have lost its digits when
# the Gram matrix was rounded; the singular values of the rows have them still.
RESOLVED = 1e-8


def leading(rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the `count` largest eigenvalues of MᵀM, without rounding noise, and eigenvectors.

    From the smaller of M Mᵀ and MᵀM; what rounding left of one vector in another, up to 1e-13 where
    eigenvalues are close, is removed by a QR decomposition.  Where the spectrum falls too far for
    that, from M's singular value decomposition: of an eigenvalue, it resolves 1e-26 of the largest.
    The eigenvectors are rows.
    """
    scale = np.abs(rows).max(initial=0.0)
    if not scale:
        return np.zeros(0), np.zeros((0, rows.shape[1]))
    rows = rows / scale
    wide = len(rows) < rows.shape[1]
    gram = rows @ rows.T if wide else rows.T @ rows
    size = len(gram)
    values, vectors = eigh(gram, subset_by_index=(max(size - count, 0), size - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    if values[-1] <= RESOLVED * values[0]:
        singular, right = svd(rows, full_matrices=False)[1:]
        kept = min(count, np.count_nonzero(singular > NEW_DIRECTION * singular[0]))
        values, vectors = singular[:kept] ** 2, right[:kept].T
    else:
        vectors, _ = np.linalg.qr(rows.T @ vectors if wide else vectors)
    return scale**2 * values, vectors.T


def squared_lengths(name: str, rows: np.ndarray) -> float:
    """Return the sum of squares of finite rows, none of which may overflow alone."""
    with np.errstate(over="ignore"):
        squares = np.einsum("ij,ij->i", rows, rows)
        total = float(squares.sum())
    overflowing = np.flatnonzero(np.isinf(squares))
    if len(overflowing):
        raise ValueError(
            f"{name}: expected finite squared lengths, got inf (overflow) for row {overflowing[0]}"
        )
    return total


def grown_trace(name: str, state: State, decay: float, mass, rest=0.0) -> tuple[float, float]:
    """Return tr G, as two numbers, once it has decayed and grown by two others."""
    ours = state.numbers
    total, rest = accumulate(float(ours["total"]), float(ours["rest"] + rest), decay, float(mass))
    require_finite_trace(name, total)
    return total, rest


def hold(state: State, values: np.ndarray, directions: np.ndarray) -> None:
    """Let a sketch have these eigenvalues and eigenvectors, which are orthonormal rows."""
    q = len(values)
    for array in (state.values, state.rotation, state.gram, state.coordinates, state.inside):
        array[:] = 0.0
    state.values[:q] = values
    state.frame[:q] = directions
    np.fill_diagonal(state.rotation[:q, :q], 1.0)
    np.fill_diagonal(state.gram[:q, :q], 1.0)
    state.numbers["m"] = state.numbers["q"] = q


def absorb_block(
    state: State,
    block: np.ndarray,
    decay: float,
    rows: int,
    total: tuple[float, float],
    escaped: float = 0.0,
    swept: float = 0.0,
) -> None:
    """Replace a sketch by that of β Ḡ + BᵀB, deflated once.

    Parameters
    ----------
    state : State
        The sketch, which is changed.
    block : ndarray of shape (n, d)
        B.
    decay : float
        β.
    rows : int
        How many rows of the stream B stands for.
    total : (float, float)
        tr G afterwards, as two numbers: ``total`` and ``rest`` of the state.
    escaped, swept : float
        What B adds to these numbers of the state, where it is another sketch.
    """
    numbers, k = state.numbers, int(state.numbers["k"])
    q = int(numbers["q"])
    factor = np.sqrt(decay * state.values[:q])[:, None] * state.basis.rows()
    stacked = np.vstack([factor, block])
    values, vectors = leading(stacked, k)
    rho = float(values[k - 1]) if len(values) == k else 0.0
    q = min(len(values), k - 1)
    hold(state, values[:q] - rho, vectors[:q])
    numbers["rows"] += rows
    numbers["steps"] += 1
    numbers["corrected"] = numbers["rows"]
    numbers["total"], numbers["rest"] = total
    numbers["last"] = rho
    numbers["escaped"] = decay * numbers["escaped"] + escaped + rho
    # The roundings of a step grow like the root of the eigenproblem's size, which for a row is ℓ:
    # the step counts for so many of those.
    weight = math.sqrt(max(min(stacked.shape) / k, 1.0))
    rounding = weight * (EPS * state.values[0] + EPS * numbers["escaped"])
    numbers["swept"] = decay * numbers["swept"] + swept + rounding


def absorb_sketch(state: State, other: State) -> None:
    """Replace a sketch by that of its stream and of another's, of the same size and decay."""
    theirs = other.numbers
    total = grown_trace("other", state, 1.0, theirs["total"], theirs["rest"])
    rows = np.sqrt(other.values[: int(theirs["q"])])[:, None] * other.basis.rows()
    escaped, swept = float(theirs["escaped"]), float(theirs["swept"])
    absorb_block(state, rows, 1.0, int(theirs["rows"]), total, escaped, swept)
