"""Operators with a few directions of their own, and one eigenvalue for all others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oco import checks
from oco.linalg.engine import kernel
from oco.linalg.operators import Components, SpectralOperator, pseudo_power
from oco.linalg.secular import ball_weights

__all__ = ["FactoredBasis", "LowRankPlusScalar"]


class FactoredBasis(NamedTuple):
    """Orthonormal rows kept as two factors W V, so that rotating them costs nothing in d.

    Attributes
    ----------
    rotation : ndarray of shape (q, m)
        W.
    frame : ndarray of shape (m, d)
        V.
    """

    rotation: np.ndarray
    frame: np.ndarray

    def coordinates(self, v: np.ndarray) -> np.ndarray:
        """Return W V v, of shape (q,)."""
        return self.rotation @ (self.frame @ v)

    def combine(self, coordinates: np.ndarray) -> np.ndarray:
        """Return Vᵀ Wᵀ c, of shape (d,)."""
        return (coordinates @ self.rotation) @ self.frame

    def rows(self) -> np.ndarray:
        """Return W V, of shape (q, d)."""
        return self.rotation @ self.frame


class LowRankPlusScalar(SpectralOperator):
    """A = Uᵀ diag(λ) U + s·(I − Uᵀ U): q directions with eigenvalues of their own, s on all others.

    Parameters
    ----------
    basis : FactoredBasis
        U, q orthonormal rows of length d.
    values : ndarray of shape (q,)
        λ ≥ 0.
    tail : float
        s ≥ 0, the eigenvalue of multiplicity d − q.
    dim : int
        d.
    """

    values: np.ndarray

    def __init__(self, basis: FactoredBasis, values: np.ndarray, tail: float, dim: int) -> None:
        self.basis, self.dim = basis, dim
        self.values = np.concatenate((values, (tail,)))

    @property
    def multiplicities(self) -> np.ndarray:
        """One for each direction of the basis, and d − q for the tail."""
        rank = len(self.values) - 1
        return np.append(np.ones(rank), float(self.dim - rank))

    @classmethod
    def of(cls, rows: np.ndarray, values: np.ndarray, tail: float = 0.0) -> LowRankPlusScalar:
        """Build it from explicit orthonormal `rows` of shape (q, d).

        Examples
        --------
        >>> A = LowRankPlusScalar.of(np.array([[1.0, 0.0, 0.0]]), np.array([8.0]), tail=1.0)
        >>> A @ np.ones(3), A.sum()
        (array([8., 1., 1.]), 10.0)
        """
        rows = checks.matrix("rows", rows, np.shape(rows)[-1])
        basis = FactoredBasis(np.eye(len(rows)), rows)
        return cls(basis, np.asarray(values, dtype=np.float64), tail, rows.shape[1])

    @classmethod
    def identity(cls, dim: int) -> LowRankPlusScalar:
        """Return I, of size `dim`: no directions, and 1 on all others."""
        return cls(FactoredBasis(np.zeros((0, 0)), np.zeros((0, dim))), np.zeros(0), 1.0, dim)

    @property
    def tail(self) -> float:
        """The eigenvalue shared by the directions outside the low-rank part."""
        return float(self.values[-1])

    def decompose(self, v):
        """Split `v`: q coordinates, and the rest as one component."""
        coordinates = self.basis.coordinates(v)
        squares = _with_remainder(coordinates, v)

        def recombine(w: np.ndarray) -> np.ndarray:
            result = self.basis.combine((w[:-1] - w[-1]) * coordinates)
            if w[-1]:
                result += w[-1] * v
            return result

        return Components(self.values, squares, recombine)

    def project_on_ball(self, y, radius):
        """Return argmin_{‖x‖ ≤ radius} (x − y)ᵀ A (x − y), without a call to Python on the way."""
        return _project_on_ball(self.basis.rotation, self.basis.frame, self.values, y, radius)

    def restricted(self, shift):
        """Return a function that solves A + shift·I on some coordinates: O(q²|F|) a solution.

        With s the tail and the shift, and D the eigenvalues less the tail, Woodbury's identity
        gives (sI + U_FᵀDU_F)⁻¹ v = (v − U_Fᵀ(sI + DU_FU_Fᵀ)⁻¹DU_F v)/s.  Where the tail is 0, what
        v has outside the range of A_FF is taken for rounding, and left out.
        """
        rows, above = self.basis.rows(), self.values[:-1] - self.values[-1]
        tail = float(self.values[-1]) + shift

        def solve(free: np.ndarray, v: np.ndarray) -> np.ndarray:
            kept = rows[:, free]
            if not self.values[-1]:
                _, singular, right = np.linalg.svd(
                    np.sqrt(above)[:, None] * kept, full_matrices=False
                )
                return (right @ v / (singular**2 + shift)) @ right
            inner = above[:, None] * (kept @ kept.T)
            inner[np.diag_indices(len(above))] += tail
            return (v - np.linalg.solve(inner, above * (kept @ v)) @ kept) / tail

        return solve

    def map(self, f) -> LowRankPlusScalar:
        """Return the operator with the same directions and eigenvalues f(λ), f(s)."""
        values = f(self.values)
        return LowRankPlusScalar(self.basis, values[:-1], float(values[-1]), self.dim)

    def power(self, exponent) -> LowRankPlusScalar:
        """Return the operator with the eigenvalues λ^p, s^p for the `exponent` p; 0 stays 0."""
        return self.map(lambda values: pseudo_power(values, exponent))


@kernel
def _with_remainder(coordinates, v):
    """Return the squares of `coordinates` and, last, of what they leave of `v`.

    The remainder's length comes by subtraction: its rounding error is ε‖v‖², which is all that the
    secular equation, where it is added to the other squares, can tell apart.
    """
    squares = np.empty(len(coordinates) + 1)
    np.multiply(coordinates, coordinates, squares[:-1])
    squares[-1] = max(np.dot(v, v) - squares[:-1].sum(), 0.0)
    return squares


@kernel
def _project_on_ball(rotation, frame, values, y, radius):
    """Do what `SpectralOperator.project_on_ball` does for a `LowRankPlusScalar`."""
    coordinates = np.dot(rotation, np.dot(frame, y))
    weights = ball_weights(values, _with_remainder(coordinates, y), radius)
    result = np.dot(np.dot((weights[:-1] - weights[-1]) * coordinates, rotation), frame)
    result += weights[-1] * y
    return result
