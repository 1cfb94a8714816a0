"""The matrices whose largest singular value is bounded."""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.domains.domain import LARGEST_RADIUS, SMALLEST_RADIUS, Domain
from oco.linalg.rounding import UNIT

# Singular values of an m × n matrix are trusted to this many units in the last place of the
# largest, times the longer side: far more than LAPACK's are ever off by.
TRUSTED = 16


class OperatorBall(Domain):
    """The m × n matrices X with ‖X‖ ≤ R in the operator norm, their entries row by row.

    It is projected onto in scalar metrics.

    Parameters
    ----------
    shape : tuple of int
        (m, n).
    radius : float
        R from 1e-150 to 1e150, in the units of X.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range; methods raise it for vectors of another length than m·n.

    Examples
    --------
    >>> K = OperatorBall((2, 2), 1.0)
    >>> K.nearest(np.array([3.0, 0.0, 0.0, 0.5])), K.diameter(4) == 8**0.5
    (array([1. , 0. , 0. , 0.5]), True)
    """

    name = "operator-ball"
    metrics = "scalar"

    def __init__(self, shape, radius: float = 1.0) -> None:
        self.shape = checks.shape("shape", shape)
        if len(self.shape) != 2:
            raise ValueError(f"shape: expected two sizes, got {shape}")
        self._radius = checks.number("radius", radius, low=SMALLEST_RADIUS, high=LARGEST_RADIUS)

    def _require_size(self, d: int) -> None:
        if d != math.prod(self.shape):
            raise ValueError(f"shape: expected {d} entries, got {self.shape}")

    def _matrix(self, x: np.ndarray) -> np.ndarray:
        self._require_size(len(x))
        return x.reshape(self.shape)

    def radius(self, d):
        """Return R √min(m, n)."""
        self._require_size(d)
        return self._radius * math.sqrt(min(self.shape))

    def diameter(self, d):
        """Return 2R √min(m, n), in the Frobenius norm."""
        return 2 * self.radius(d)

    def width(self, d):
        """Return 2R."""
        self._require_size(d)
        return 2 * self._radius

    def support(self, s):
        """Return R times the sum of the singular values of `s`."""
        return self._radius * float(np.linalg.svd(self._matrix(s), compute_uv=False).sum())

    def farthest(self, s):
        """Return R U Vᵀ for S = U Σ Vᵀ; the origin for s = 0."""
        if not s.any():
            return np.zeros(len(s))
        left, _, right = np.linalg.svd(self._matrix(s), full_matrices=False)
        return self._radius * (left @ right).reshape(-1)

    def nearest(self, y):
        """Return `y` with its singular values cut off at R."""
        left, values, right = np.linalg.svd(self._matrix(y), full_matrices=False)
        if values[0] <= self._radius:
            return y
        return ((left * np.minimum(values, self._radius)) @ right).reshape(-1)

    def distances(self, points):
        """Return the length of what is cut off from the singular values of each."""
        self._require_size(points.shape[1])
        values = np.linalg.svd(points.reshape(-1, *self.shape), compute_uv=False)
        return np.linalg.norm(np.maximum(values - self._radius, 0.0), axis=1)

    def within(self, x):
        """Return `x`, shortened by what singular values may be off by if ‖X‖ ≤ R is not certain."""
        doubt = TRUSTED * max(self.shape) * UNIT
        length = float(np.linalg.norm(self._matrix(x), 2)) * (1 + doubt)
        return x if length <= self._radius else x * (self._radius / length * (1 - 4 * UNIT))

    def project(self, y, metric):
        """Return `nearest`, which is the projection in a multiple of the identity.

        Raises
        ------
        ValueError
            If the metric is none.
        """
        self.require(metric, metric.separable)
        return self.nearest(y)

    def __repr__(self) -> str:
        return f"OperatorBall({self.shape[0]}x{self.shape[1]}, {self._radius:g})"
