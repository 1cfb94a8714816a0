"""Blocks of rows: their sum of squares, and the leading part of their covariance."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh, svd

from oco.linalg.orthogonal import NEW_DIRECTION

__all__ = ["leading", "squared_lengths"]

# Where an eigenvalue of a block is at or below this, relative to the largest, its digits may be
# those of the Gram matrix's rounding: the singular values of the rows tell what it is.
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
