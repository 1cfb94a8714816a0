"""The covariance of gradients along one axis, exact or sketched."""

from __future__ import annotations

import numpy as np

from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.operators import Dense
from oco.linalg.travel import Travelling
from oco.rounding import signs
from oco.shampoo import MORE_DIRECTIONS, NOISE, tail_of
from oco.sketch import FrequentDirections

__all__ = ["ExactFactor", "SketchedFactor", "SubspaceFactor"]


class ExactFactor(Travelling):
    """C ← β C + M_(i) M_(i)ᵀ, the exact covariance along an axis.

    Parameters
    ----------
    dim : int
        n, the length of the axis.
    decay : float
        β in (0, 1].

    Attributes
    ----------
    matrix : ndarray of shape (n, n)
        C.
    """

    rank = None
    escaped_mass = 0.0

    def __init__(self, dim: int, decay: float) -> None:
        self.dim, self.decay = dim, decay
        self.matrix = np.zeros((dim, dim))

    @property
    def state_bytes(self) -> int:
        """Memory that the statistic takes, in bytes."""
        return self.matrix.nbytes

    @property
    def total_mass(self) -> float:
        """Return tr C."""
        return float(np.trace(self.matrix))

    def absorb(self, columns: np.ndarray) -> None:
        """Absorb an unfolded gradient, of shape (n, anything)."""
        self.matrix *= self.decay
        self.matrix += columns @ columns.T

    def covariance(self, tail: str = "escaped") -> Dense:
        """Return C as an operator, for which `tail` has no meaning; later updates keep it."""
        return Dense.of(self.matrix)


class SketchedFactor:
    """C̃ = C̄ + τ I from Frequent Directions of the covariance along an axis.

    Parameters
    ----------
    dim : int
        n, the length of the axis.
    rank : int
        Sketch size ℓ, from 2 to n.
    decay : float
        β in (0, 1].

    Attributes
    ----------
    sketch : FrequentDirections
        C̄ and τ.
    """

    def __init__(self, dim: int, rank: int, decay: float) -> None:
        self.dim, self.rank, self.decay = dim, rank, decay
        self.sketch = FrequentDirections(dim, rank, decay=decay)

    @property
    def escaped_mass(self) -> float:
        """Return τ."""
        return self.sketch.escaped_mass

    @property
    def state_bytes(self) -> int:
        """Memory that the sketch takes, in bytes."""
        return self.sketch.state_bytes

    @property
    def total_mass(self) -> float:
        """Return tr C, also of what the sketch lacks."""
        return self.sketch.total_mass

    def absorb(self, columns: np.ndarray) -> None:
        """Absorb an unfolded gradient, of shape (n, anything)."""
        self.sketch.update(columns.T)

    def covariance(self, tail: str = "escaped") -> LowRankPlusScalar:
        """Return C̃, or what `tail` makes of it, as an operator; later updates do not change it.

        Parameters
        ----------
        tail : {"escaped", "half", "mean"}
            As for `oco.shampoo.tail_of`.
        """
        sketch, escaped = self.sketch, self.escaped_mass
        return _estimate(tail, sketch.directions, sketch.eigenvalues, escaped, sketch.total_mass)


class SubspaceFactor:
    """A sketch of the covariance along an axis whose directions are found by products alone.

    Parameters
    ----------
    dim, rank, decay
        As for `SketchedFactor`.

    Attributes
    ----------
    directions : ndarray of shape (q, n)
        Orthonormal, q < ℓ.
    eigenvalues : ndarray of shape (q,)
        λ̄_i > 0.
    escaped_mass : float
        τ, an estimate from below.

    Notes
    -----
    Of C = β Σ λ̄_i u_i u_iᵀ + M Mᵀ the eigenvectors are sought in the span of C S, S having the
    ℓ − 1 directions of before, or fixed ones where there are fewer, and five fixed ones more
    (warm-started subspace iteration, one round).  Within it (Rayleigh–Ritz) the eigenvalues
    θ_1 ≥ θ_2 ≥ ... are at most those of C; λ̄_i = θ_i − θ_ℓ, and τ ← β τ + θ_ℓ.  C̃ ⪰ C need not
    hold.

    References
    ----------
    N. Halko, P. G. Martinsson, J. A. Tropp, *Finding structure with randomness*, SIAM Review 53
    (2011).

    Examples
    --------
    >>> factor = SubspaceFactor(4, 2, 1.0)
    >>> factor.absorb(np.diag([2.0, 1.0, 0.0, 0.0]))
    >>> factor.eigenvalues.round(12), round(factor.escaped_mass, 12)
    (array([3.]), 1.0)
    """

    def __init__(self, dim: int, rank: int, decay: float) -> None:
        self.dim, self.rank, self.decay = dim, rank, decay
        self.directions, self.eigenvalues = np.zeros((0, dim)), np.zeros(0)
        self.escaped_mass = self.total_mass = 0.0

    @property
    def state_bytes(self) -> int:
        """Memory of the directions, their eigenvalues and τ, in bytes."""
        return self.directions.nbytes + self.eigenvalues.nbytes + 8

    def absorb(self, columns: np.ndarray) -> None:
        """Absorb an unfolded gradient, of shape (n, anything)."""
        count, kept = min(self.rank + MORE_DIRECTIONS, self.dim), len(self.eigenvalues)
        start = signs(np.arange(self.dim)[:, None], np.arange(count)).astype(np.float64)
        start[:, :kept] = self.directions.T
        old = self.directions.T * np.sqrt(self.decay * self.eigenvalues)
        span = old @ (old.T @ start) + columns @ (columns.T @ start)
        basis = np.linalg.qr(span)[0]
        inside = np.concatenate([old.T @ basis, columns.T @ basis])
        values, turn = np.linalg.eigh(inside.T @ inside)
        values = np.where(values > NOISE["float64"] * values[-1], values, 0.0)[::-1]
        rho = values[self.rank - 1]
        kept = int((values[: self.rank - 1] > rho).sum())
        self.directions = (basis @ turn[:, ::-1][:, :kept]).T
        self.eigenvalues = values[:kept] - rho
        self.escaped_mass = self.decay * self.escaped_mass + float(rho)
        self.total_mass = self.decay * self.total_mass + float(np.sum(columns**2))

    def covariance(self, tail: str = "escaped") -> LowRankPlusScalar:
        """Return C̃, or what `tail` makes of it, as an operator; later updates do not change it."""
        return _estimate(
            tail, self.directions, self.eigenvalues, self.escaped_mass, self.total_mass
        )


def _estimate(tail, directions, eigenvalues, escaped, total) -> LowRankPlusScalar:
    missed = total - float((eigenvalues + escaped).sum())
    inside, outside = tail_of(tail, escaped, missed, directions.shape[1] - len(eigenvalues))
    return LowRankPlusScalar.of(directions, eigenvalues + inside, outside)
