"""Preconditioners whose metric is a function of a Frequent Directions sketch."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from oco.linalg.operators import LowRankPlusScalar, pseudo_power
from oco.sketch import FrequentDirections

__all__ = ["SketchedPreconditioner"]


class SketchedPreconditioner(ABC):
    """H_t = Uᵀ diag(h) U + h_tail (I − Uᵀ U) with U the sketch's eigenvectors.

    Parameters
    ----------
    d, k : int
        Dimension and sketch size.
    """

    separable = False

    def __init__(self, d: int, k: int) -> None:
        self.sketch = FrequentDirections(d, k)
        self._roots, self._tail = np.zeros(0), 0.0

    @abstractmethod
    def _spectrum(self) -> tuple[np.ndarray, float]:
        """Return H_t's eigenvalues on the sketch's eigenvectors, and on all other directions."""

    @property
    def metric(self) -> LowRankPlusScalar:
        """H_t: a view of the sketch that the next update changes."""
        return LowRankPlusScalar(self.sketch.basis, self._roots, self._tail, self.sketch.d)

    @property
    def potential(self) -> float:
        """Return tr H_t."""
        return self.metric.sum()

    @property
    def escaped_mass(self) -> float:
        """Return ρ_{1:t}."""
        return self.sketch.escaped_mass

    @property
    def state_bytes(self) -> int:
        """Return what the sketch holds."""
        return self.sketch.state_bytes + self._roots.nbytes

    def update(self, g: np.ndarray, square: float) -> np.ndarray:
        """Return H_t⁻¹ g_t.

        The sketch gives g's coordinates in the updated eigenvectors, so that g, which lies in the
        range of H_t, is never split by eigenvalues at rounding level.
        """
        coordinates = self.sketch.absorb(g, square)
        self._roots, self._tail = self._spectrum()
        scale = 1 / self._tail if self._tail else 0.0
        weights = (pseudo_power(self._roots, -1.0) - scale) * coordinates
        return self.sketch.combine(weights, scale, g)
