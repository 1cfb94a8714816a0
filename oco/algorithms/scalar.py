"""Preconditioners that scale all coordinates alike."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np

from oco.linalg.operators import Scalar

__all__ = ["GradientNorm", "RoundCount"]


class _ScalarPreconditioner(ABC):
    """H_t = h_t·I; its growth costs h_t, not d·h_t: λ_max of each increment is the increment."""

    separable = True
    escaped_mass = None
    state_bytes = 8

    def __init__(self, d: int) -> None:
        self._d = d
        self._square = 0.0

    @property
    def metric(self) -> Scalar:
        """H_t."""
        return Scalar(self.potential, self._d)

    @property
    def potential(self) -> float:
        """h_t."""
        return math.sqrt(self._square)

    @abstractmethod
    def _increment(self, square: float) -> float:
        """Return h_t² − h_{t−1}²."""

    def update(self, g: np.ndarray, square: float) -> np.ndarray:
        """Return g/h_t (0 as long as every gradient was 0)."""
        self._square += self._increment(square)
        return g / math.sqrt(self._square) if self._square else np.zeros_like(g)


class RoundCount(_ScalarPreconditioner):
    """H_t = √t·I.

    Examples
    --------
    >>> RoundCount(d=1).update(np.array([3.0]), 9.0)
    array([3.])
    """

    def _increment(self, square):
        return 1.0


class GradientNorm(_ScalarPreconditioner):
    """H_t = (Σ ‖g_s‖²)^{1/2}·I.

    Examples
    --------
    >>> GradientNorm(d=2).update(np.array([3.0, 4.0]), 25.0)
    array([0.6, 0.8])
    """

    def _increment(self, square):
        return square
