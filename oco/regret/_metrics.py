"""The metrics B of the quadratic models ⟨s, x' − x⟩ + ½ (x' − x)ᵀ B (x' − x) of the total loss.

A metric is a symmetric matrix where that is no larger than the data, and otherwise an operator with
a known spectrum.  It is never flat: along directions that the data do not span the slope is
rounding, which must not be followed to the end of the domain.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from oco.linalg.operators import LowRankPlusScalar, Scalar, SpectralOperator, resolve_rank
from oco.regret._passes import Rounds

__all__ = ["SecantMetric", "has_hessian", "hessian"]

# The smallest curvature of a metric, relative to the sum of its curvatures: well above what
# rounding leaves of a zero, so that a Cholesky factorisation never meets a negative pivot.
FLATTEST = 1e-11
# A Hessian of more rows than this (32 MB) costs more to make and to factorise, seconds a step, than
# the secant steps that it saves.
LARGEST = 2000
# Pairs kept by the limited-memory metric; 10 is the usual choice, and the eigenvalue problem of a
# step has twice that size.
MEMORY = 10
# A secant pair whose curvature is lost in the rounding of the gradients is dropped.
CURVED = 1e-10


class SecantMetric:
    """The limited-memory BFGS approximation of a Hessian, as an operator with a known spectrum.

    Parameters
    ----------
    scale : float
        The curvature assumed before any pair is known, > 0.
    d : int
        Dimension.

    References
    ----------
    R. H. Byrd, J. Nocedal, R. B. Schnabel, "Representations of quasi-Newton matrices and their use
    in limited memory methods", Mathematical Programming 63, 1994, eq. (2.17).
    """

    def __init__(self, scale: float, d: int) -> None:
        self._pairs: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=MEMORY)
        self._scale, self._d = scale, d

    def absorb(self, step: np.ndarray, change: np.ndarray) -> None:
        """Learn that the gradient changed by `change` along `step`, both of shape (d,)."""
        curvature = step @ change
        if curvature > CURVED * np.linalg.norm(step) * np.linalg.norm(change):
            self._pairs.append((step, change))
            self._scale = float(change @ change / curvature)

    def operator(self) -> SpectralOperator:
        """Return B: a scalar, and a low rank where there are pairs."""
        if not self._pairs:
            return Scalar(self._scale, self._d)
        steps, changes = (np.array(part) for part in zip(*self._pairs, strict=True))
        products = steps @ changes.T
        lower = np.tril(products, -1)
        middle = np.block(
            [[self._scale * steps @ steps.T, lower], [lower.T, -np.diag(np.diag(products))]]
        )
        basis, factor = np.linalg.qr(np.vstack([self._scale * steps, changes]).T)
        small = -factor @ np.linalg.solve(middle, factor.T)
        values, vectors = np.linalg.eigh(0.5 * (small + small.T))
        values = np.maximum(values + self._scale, FLATTEST * self._scale)
        return LowRankPlusScalar.of((basis @ vectors).T, values, self._scale)


def has_hessian(data: Rounds) -> bool:
    """Return whether `hessian` is worth its cost: few dimensions, or few rounds."""
    return min(data.d, len(data)) <= LARGEST


def hessian(data: Rounds, weights: np.ndarray, units: np.ndarray) -> np.ndarray | SpectralOperator:
    """Return Σ_t w_t b_t b_tᵀ for the rows b_t = a_t · units and weights ≥ 0, but nowhere flat.

    Parameters
    ----------
    data : Rounds
        a_t.
    weights : ndarray of shape (T,)
        w_t.
    units : ndarray of shape (d,)
        A factor for each coordinate.

    Returns
    -------
    ndarray of shape (d, d), or LowRankPlusScalar
        The latter in high dimension, from the T × T matrix of inner products; see `has_hessian`.
    """
    if data.d <= LARGEST:
        matrix = data.gram(weights) * np.outer(units, units)
        matrix.flat[:: data.d + 1] += FLATTEST * (np.trace(matrix) or 1.0)
        return matrix
    rows = data.scaled(weights) * units
    values, vectors = np.linalg.eigh(rows @ rows.T)
    values, _ = resolve_rank(values)
    kept = values > 0
    directions = (vectors[:, kept].T @ rows) / np.sqrt(values[kept, None])
    floor = FLATTEST * (float(values.sum()) or 1.0)
    return LowRankPlusScalar.of(directions, np.maximum(values[kept], floor), floor)
