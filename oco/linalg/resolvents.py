"""Resolvents of a matrix that grows by rank-one terms, at many shifts at once."""

from __future__ import annotations

import math

import numpy as np

from oco.linalg.engine import ENGINE, kernel
from oco.linalg.products import inner, products
from oco.linalg.travel import Travelling

__all__ = ["Resolvents"]

if ENGINE == "numba":

    @kernel
    def _weigh(weights, x, result):
        for i in range(len(x)):
            result[i] = weights[i] * x[i]

    @kernel
    def _add(weight, x, result):
        for i in range(len(x)):
            result[i] += weight * x[i]

    @kernel
    def _append(inverse_poles, terms, factors, signs):
        """Add to the factors what the last term asks for, with the sign +1."""
        j, r = len(terms) - 1, terms.shape[1]
        weighted, cross, solved = np.empty(r), np.empty(j + 1), np.empty(j)
        for n in range(len(factors)):
            factor, solved[:] = factors[n], 0.0
            _weigh(inverse_poles[n], terms[j], weighted)
            products(terms, weighted, cross)
            pivot = 1 + cross[j]
            for i in range(j):
                row = factor[i, : i + 1]
                reduced = inner(row, cross[: i + 1])
                pivot -= signs[i] * reduced * reduced
                _add(signs[i] * reduced, row, solved)
            # 1 + cᵀ(B + σ_n I)⁻¹c; whatever is below 1 is rounding.
            scale = 1 / math.sqrt(max(pivot, 1.0))
            for i in range(j):
                factor[j, i] = -solved[i] * scale
            factor[j, j] = scale
        signs[j] = 1.0

else:

    def _append(inverse_poles, terms, factors, signs):
        """Add to the factors what the last term asks for, with the sign +1."""
        j, r = len(terms) - 1, terms.shape[1]
        cross = (inverse_poles[:, :r] * terms[j]) @ terms.T
        reduced = np.matmul(factors[:, :j, :j], cross[:, :j, None])[:, :, 0]
        weighted = signs[:j] * reduced
        # 1 + cᵀ(B + σ_n I)⁻¹c; whatever is below 1 is rounding.
        pivots = np.maximum(1 + cross[:, j] - (reduced * weighted).sum(axis=1), 1.0)
        solved = np.matmul(weighted[:, None, :], factors[:, :j, :j])[:, 0, :]
        _grow(factors, signs, -solved, pivots, 1.0)


def _grow(factors, signs, rows, pivots, sign):
    """Add a row to each factor, scaled so that its pivot becomes the sign."""
    j, scale = rows.shape[1], np.sqrt(np.abs(pivots))
    factors[:, j, :j] = rows / scale[:, None]
    factors[:, j, j] = 1 / scale
    signs[j] = sign


@kernel
def _solve_term(inverse_poles, terms, factors, signs, i, weights):
    """Return Σ_n w_n D_n⁻¹ C K_n⁻¹ e_i, of shape (r,)."""
    j, r = terms.shape
    solution = np.zeros((len(weights), j))
    # The column i of a triangular factor is 0 above the row i.
    for a in range(i, j):
        column = factors[:, a, i] * signs[a] * weights
        solution += column.reshape((-1, 1)) * factors[:, a, :j]
    return (inverse_poles[:, :r] * np.dot(solution, terms)).sum(axis=0)


class Resolvents(Travelling):
    r"""(B + σ_n I)⁻¹ at fixed shifts σ_n, for B = diag(λ) + Σ_i ± c_i c_iᵀ growing by terms.

    Parameters
    ----------
    shifts : ndarray of shape (N,)
        σ_n > 0.
    dim : int
        The most coordinates that B may come to have.
    capacity : int
        The most terms ± c_i c_iᵀ.

    Attributes
    ----------
    size : int
        Number of coordinates of B, r.
    terms : int
        Number of terms, j.

    Notes
    -----
    With D_n = diag(λ) + σ_n I, C = [c_1 … c_j] and S = diag(±1), Woodbury's identity reads

        (B + σ_n I)⁻¹ = D_n⁻¹ − D_n⁻¹ C K_n⁻¹ Cᵀ D_n⁻¹,   K_n = S + Cᵀ D_n⁻¹ C.

    The factors M_n, lower triangular with K_n⁻¹ = M_nᵀ S M_n, get a row more with each term.  To
    add a term costs one product of an N × r with an r × j matrix; to solve for a vector, as much.

    A vector c = (c', ρ) may have a coordinate that B does not have yet.  With λ = 0 for it, D_n
    would be σ_n there, often far smaller than the new eigenvalue, and the subtraction above would
    cancel most digits.  So the coordinate gets λ = ρ², and a second term, −(ρe)(ρe)ᵀ, takes that
    back.  K_n is then indefinite but quasi-definite: it has a triangular factorisation in any order
    (R. J. Vanderbei, SIAM J. Optim. 5, 1995).

    Examples
    --------
    >>> B = Resolvents(np.array([1.0]), dim=2, capacity=2)
    >>> B.restart(np.array([1.0]))
    >>> B.append(np.array([1.0]))
    >>> B.solve(np.array([6.0]))
    array([[2.]])
    """

    def __init__(self, shifts: np.ndarray, dim: int, capacity: int) -> None:
        self._shifts = shifts
        self._poles = np.zeros(dim)
        self._inverse_poles = np.zeros((len(shifts), dim))
        self._terms = np.zeros((capacity, dim))
        self._signs = np.zeros(capacity)
        self._factors = np.zeros((len(shifts), capacity, capacity))
        self.size = self.terms = self._newest = 0

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        arrays = (self._poles, self._inverse_poles, self._terms, self._signs, self._factors)
        return sum(array.nbytes for array in arrays)

    def restart(self, eigenvalues: np.ndarray) -> None:
        """Set B = diag(λ)."""
        self.size, self.terms = len(eigenvalues), 0
        self._poles[: self.size] = eigenvalues
        self._inverse_poles[:, : self.size] = 1 / np.add.outer(self._shifts, eigenvalues)

    def matrix(self) -> np.ndarray:
        """Return B, of shape (r, r)."""
        terms = self._terms[: self.terms, : self.size]
        return np.diag(self._poles[: self.size]) + (terms.T * self._signs[: self.terms]) @ terms

    def append(self, c: np.ndarray) -> None:
        """Add c cᵀ, for c of shape (r,)."""
        j, r = self.terms, self.size
        self._terms[j, :r] = c
        self._newest, self.terms = j, j + 1
        _append(self._inverse_poles, self._columns(), self._factors, self._signs)

    def _columns(self) -> np.ndarray:
        """Return Cᵀ."""
        return np.ascontiguousarray(self._terms[: self.terms, : self.size])

    def append_direction(self, c: np.ndarray) -> float:
        """Add c cᵀ, for c of shape (r + 1,) whose last coordinate is new to B.

        Returns
        -------
        float
            e_rᵀ(B + σI)⁻¹ e_r for the new coordinate r and the smallest shift, after the addition.
        """
        j, r = self.terms, self.size
        pole = c[r] * c[r]
        self._poles[r] = pole
        self._inverse_poles[:, r] = 1 / (self._shifts + pole)
        self._terms[:j, r] = 0.0
        self.size = r + 1
        self.append(c)
        j = self.terms
        self._terms[j, :r], self._terms[j, r] = 0.0, c[r]
        # Of all terms only c shares the coordinate, so that the new row is a multiple of c's.
        shrunk = pole * self._inverse_poles[:, r]
        reduced = shrunk * self._factors[:, j - 1, j - 1]
        pivots = -self._shifts * self._inverse_poles[:, r] - reduced * reduced
        rows = -reduced[:, None] * self._factors[:, j - 1, :j]
        _grow(self._factors, self._signs, rows, pivots, -1.0)
        self.terms = j + 1
        smallest = np.argmin(self._shifts)
        return float((1 + pivots[smallest]) / (pole * -pivots[smallest]))

    def solve_newest(self, weights: np.ndarray) -> np.ndarray:
        """Return Σ_n w_n (B + σ_n I)⁻¹ c, of shape (r,), for the c that was added last.

        Since c is a column of C, (B + σ_n I)⁻¹ c = D_n⁻¹ C K_n⁻¹ e: nothing cancels.
        """
        arrays = self._inverse_poles, self._columns(), self._factors, self._signs
        return _solve_term(*arrays, self._newest, weights)

    def solve(self, v: np.ndarray) -> np.ndarray:
        """Return (B + σ_n I)⁻¹ v in the n-th of N rows, for v of shape (r,)."""
        j, r = self.terms, self.size
        terms, factors = self._terms[:j, :r], self._factors[:, :j, :j]
        inner = (self._inverse_poles[:, :r] * v) @ terms.T
        reduced = np.matmul(factors, inner[:, :, None])[:, :, 0] * self._signs[:j]
        solution = np.matmul(reduced[:, None, :], factors)[:, 0, :]
        return self._inverse_poles[:, :r] * (v - solution @ terms)
