"""Symmetric positive semi-definite operators whose spectrum is known.

A metric, a covariance, a sketch: each is an operator A = Σ_i λ_i P_i with known eigenvalues λ_i and
orthogonal eigenprojections P_i.  Splitting a vector along the eigenspaces once (`decompose`) is all
that any f(A) v, projection or certificate needs.

Eigenvalues that a computation could not tell from zero *are* zero here: an operator built from
rounded eigenvalues sets those at or below ``RANK_CUTOFF`` times the largest to exactly 0 when it is
made, so that `pseudo_power` needs no tolerance of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from oco.linalg.cutoffs import RANK_CUTOFF
from oco.linalg.engine import kernel
from oco.linalg.secular import ball_weights

__all__ = [
    "RANK_CUTOFF",
    "Components",
    "Dense",
    "Diagonal",
    "Scalar",
    "SpectralOperator",
    "pseudo_power",
    "resolve_rank",
]


@kernel
def resolve_rank(eigenvalues, tail=0.0):
    """Set the eigenvalues that rounding cannot tell from zero to exactly zero.

    This is the one place that decides the numerical rank of an operator.

    Parameters
    ----------
    eigenvalues : ndarray of shape (q,)
        Computed eigenvalues, in any order; rounding may have made some slightly negative.
    tail : float
        A further eigenvalue (the one shared by all directions outside a low-rank part).

    Returns
    -------
    ndarray of shape (q,), float
        The same numbers, with those ``<= RANK_CUTOFF * max`` replaced by 0.

    Examples
    --------
    >>> resolve_rank(np.array([4.0, 1e-15, -1e-17]))
    (array([4., 0., 0.]), 0.0)
    """
    largest = tail
    if len(eigenvalues):
        largest = max(tail, eigenvalues.max())
    cutoff = RANK_CUTOFF * largest
    kept = np.fmax(eigenvalues, 0.0) * (eigenvalues > cutoff)
    return kept, (tail if tail > cutoff else 0.0)


@kernel
def pseudo_power(values, exponent):
    """Raise non-negative values to `exponent`, with 0 staying 0 (pseudo-inverse semantics).

    Examples
    --------
    >>> pseudo_power(np.array([4.0, 0.0]), -0.5)
    array([0.5, 0. ])
    """
    positive = values > 0
    # 1 in place of 0, and then 0 in place of 1.
    return (values + (1.0 - positive)) ** exponent * positive


class Components(NamedTuple):
    """A vector split along the eigenspaces of an operator: v = Σ_i P_i v.

    Attributes
    ----------
    values : ndarray of shape (n,)
        The eigenvalue λ_i of each eigenspace.
    squares : ndarray of shape (n,)
        The squared length ‖P_i v‖² in it.
    recombine : callable
        ``recombine(w)`` is Σ_i w_i P_i v, for weights of shape (n,).
    """

    values: np.ndarray
    squares: np.ndarray
    recombine: Callable[[np.ndarray], np.ndarray]


class SpectralOperator(ABC):
    """A symmetric positive semi-definite d × d operator with a known spectrum.

    Attributes
    ----------
    dim : int
        d.
    separable : bool
        Whether the operator is diagonal in the coordinates of the problem.
    values : ndarray of shape (n,)
        Eigenvalues; those that stand for several directions appear once.
    multiplicities : ndarray of shape (n,)
        How many directions each of them stands for; they sum to d.
    """

    dim: int
    separable: bool = False
    if TYPE_CHECKING:
        # Attributes of some operators, properties of others.
        @property
        def values(self) -> np.ndarray: ...  # noqa: D102
        @property
        def multiplicities(self) -> np.ndarray: ...  # noqa: D102

    @abstractmethod
    def decompose(self, v: np.ndarray) -> Components:
        """Split `v`, of shape (d,), along the eigenspaces."""

    @abstractmethod
    def map(self, f: Callable[[np.ndarray], np.ndarray]) -> SpectralOperator:
        """Return f(A): the same eigenspaces with eigenvalues f(λ)."""

    def apply(self, f: Callable[[np.ndarray], np.ndarray], v: np.ndarray) -> np.ndarray:
        """Return f(A) v, of shape (d,)."""
        return self.decompose(v).recombine(f(self.values))

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Return A v."""
        return self.decompose(v).recombine(self.values)

    def project_on_ball(self, y: np.ndarray, radius: float) -> np.ndarray:
        """Return argmin_{‖x‖ ≤ radius} (x − y)ᵀ A (x − y), of shape (d,); see `ball_weights`."""
        parts = self.decompose(y)
        return parts.recombine(ball_weights(parts.values, parts.squares, radius))

    def restricted(self, shift: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """Return a function that solves A + shift·I on some of the coordinates.

        ``solve(free, v)`` is p with (A + shift·I)_FF p = v, for the coordinates F where `free`, of
        shape (d,), is True.  Here from the matrix: O(d²) memory, and O(|F|³) a solution.
        """
        matrix = self.dense()
        matrix[np.diag_indices(self.dim)] += shift
        return lambda free, v: np.linalg.solve(matrix[np.ix_(free, free)], v)

    def power(self, exponent: float) -> SpectralOperator:
        """Return A to the power `exponent`; a zero eigenvalue stays zero (pseudo-inverse)."""
        return self.map(lambda values: pseudo_power(values, exponent))

    def sum(self, f: Callable[[np.ndarray], np.ndarray] | None = None) -> float:
        """Return Σ f(λ_i) over all d eigenvalues; without `f`, the trace."""
        values = self.values if f is None else f(self.values)
        # An eigenspace of dimension 0 adds nothing, even where f is infinite on it.
        present = self.multiplicities > 0
        return float(values[present] @ self.multiplicities[present])

    def dense(self) -> np.ndarray:
        """Return the d × d matrix: for tests and small d."""
        return np.array([self @ e for e in np.eye(self.dim)])

    def __repr__(self) -> str:
        values = self.values[self.multiplicities > 0]
        return (
            f"{type(self).__name__}(dim={self.dim}, eigenvalues in "
            f"[{values.min():.3g}, {values.max():.3g}])"
        )


class Scalar(SpectralOperator):
    """A = s·I.

    Parameters
    ----------
    value : float
        s ≥ 0.
    dim : int
        d.

    Examples
    --------
    >>> Scalar(4.0, dim=2).power(-0.5) @ np.array([1.0, 2.0])
    array([0.5, 1. ])
    """

    separable = True

    values: np.ndarray
    multiplicities: np.ndarray

    def __init__(self, value: float, dim: int) -> None:
        self.dim = dim
        self.values = np.array([value], dtype=np.float64)
        self.multiplicities = np.array([dim], dtype=np.float64)

    def decompose(self, v):
        """Split `v`: one eigenspace holds all of it."""
        return Components(self.values, np.array([v @ v]), lambda w: w[0] * v)

    def map(self, f):
        """Return f(s)·I."""
        return Scalar(float(f(self.values)[0]), self.dim)


class Diagonal(SpectralOperator):
    """A = diag(a).

    Its entries are exact, so no cut-off applies and AdaGrad keeps its scale invariance.

    Parameters
    ----------
    values : ndarray of shape (d,)
        a ≥ 0.

    Examples
    --------
    >>> Diagonal(np.array([4.0, 1e-30])).power(0.5).sum()
    2.000000000000001
    """

    separable = True

    values: np.ndarray
    multiplicities: np.ndarray

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.asarray(values, dtype=np.float64)
        self.dim = len(self.values)
        self.multiplicities = np.ones(self.dim)

    def decompose(self, v):
        """Split `v` into its coordinates."""
        return Components(self.values, v * v, lambda w: w * v)

    def map(self, f):
        """Return diag(f(a))."""
        return Diagonal(f(self.values))


class Dense(SpectralOperator):
    """A = Q diag(λ) Qᵀ with all d eigenvectors.

    Parameters
    ----------
    vectors : ndarray of shape (d, d)
        Q: orthonormal eigenvectors in the columns.
    values : ndarray of shape (d,)
        λ ≥ 0.

    See Also
    --------
    Dense.of : from a symmetric matrix.
    """

    values: np.ndarray
    multiplicities: np.ndarray

    def __init__(self, vectors: np.ndarray, values: np.ndarray) -> None:
        self.vectors, self.values = vectors, values
        self.dim = len(values)
        self.multiplicities = np.ones(self.dim)

    @classmethod
    def of(cls, matrix: np.ndarray) -> Dense:
        """Decompose a symmetric positive semi-definite matrix of shape (d, d).

        Examples
        --------
        >>> A = Dense.of(np.array([[2.0, 2.0], [2.0, 2.0]]))
        >>> A.values
        array([0., 4.])
        >>> A.power(-1) @ np.array([1.0, 1.0])
        array([0.25, 0.25])
        """
        values, vectors = np.linalg.eigh(matrix)
        return cls(vectors, resolve_rank(values)[0])

    def decompose(self, v):
        """Split `v` along the eigenvectors."""
        coordinates = v @ self.vectors
        return Components(self.values, coordinates**2, lambda w: self.vectors @ (w * coordinates))

    def dense(self):
        """Return Q diag(λ) Qᵀ as a matrix."""
        return (self.vectors * self.values) @ self.vectors.T

    def map(self, f) -> Dense:
        """Return Q diag(f(λ)) Qᵀ."""
        return Dense(self.vectors, f(self.values))

    def power(self, exponent) -> Dense:
        """Return Q diag(λ^p) Qᵀ for the `exponent` p; a zero eigenvalue stays zero."""
        return self.map(lambda values: pseudo_power(values, exponent))
