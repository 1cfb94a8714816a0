"""The covariance of gradients along one axis, exact or sketched."""

from __future__ import annotations

import numpy as np

from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.operators import Dense
from oco.linalg.travel import Travelling
from oco.shampoo import tail_of
from oco.sketch import FrequentDirections

__all__ = ["ExactFactor", "SketchedFactor"]


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
        if tail == "escaped":
            return sketch.compensated_covariance()
        eigenvalues = sketch.eigenvalues
        missed = sketch.total_mass - float((eigenvalues + escaped).sum())
        inside, outside = tail_of(tail, escaped, missed, self.dim - len(eigenvalues))
        return LowRankPlusScalar.of(sketch.directions, eigenvalues + inside, outside)
