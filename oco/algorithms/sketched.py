"""A preconditioner whose metric is the root of a Frequent Directions sketch."""

from __future__ import annotations

import numpy as np

from oco.linalg.operators import LowRankPlusScalar
from oco.sketch import FrequentDirections

__all__ = ["SketchedRoot"]


class SketchedRoot:
    """H_t = (Ḡ_t + σ_t I)^{1/2} + δ I, with σ_t the escaped mass ρ_{1:t} or 0.

    Parameters
    ----------
    d, k : int
        Dimension and sketch size.
    compensate : bool
        Whether σ_t = ρ_{1:t}, so that H_t² ⪰ G_t.
    delta : float
        δ ≥ 0.

    Examples
    --------
    >>> SketchedRoot(d=2, k=2, compensate=True).update(np.array([3.0, 4.0]), 25.0)
    array([0.6, 0.8])
    """

    separable = False

    def __init__(self, d: int, k: int, *, compensate: bool, delta: float = 0.0) -> None:
        self.sketch = FrequentDirections(d, k)
        self.compensate, self.delta = compensate, delta
        self._roots, self._tail = np.zeros(0), delta

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
        """Return H_t⁻¹ g_t (pseudo-inverse)."""
        sketch = self.sketch
        sketch.absorb(g, square)
        shift = sketch.escaped_mass if self.compensate else 0.0
        self._roots, self._tail, direction = sketch.solve_root(g, shift, self.delta)
        return direction
