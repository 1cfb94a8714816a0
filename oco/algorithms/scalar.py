"""What preconditioners that scale all coordinates alike have in common."""

from __future__ import annotations

import math

import numpy as np

from oco.algorithms.chunks import confine
from oco.algorithms.fused import FusedStep, kernels_of
from oco.linalg.engine import kernel
from oco.linalg.operators import Scalar
from oco.linalg.products import inner, moved
from oco.linalg.travel import Travelling

__all__ = ["ScalarMetric", "shorten"]


class ScalarMetric(Travelling, FusedStep):
    """H_t = h_t·I; its growth costs h_t, not d·h_t: λ_max of each increment is the increment."""

    separable = True
    escaped_mass = None
    state_bytes = 8
    # h_t² − h_{t−1}² = a + b‖g_t‖².
    growth: tuple[float, float]

    def __init__(self, d: int) -> None:
        self._d = d
        self._square = np.zeros(1)

    @property
    def metric(self) -> Scalar:
        """H_t."""
        return Scalar(self.potential, self._d)

    @property
    def potential(self) -> float:
        """h_t."""
        return math.sqrt(self._square[0])

    def memory(self, x):
        """Return h_t²."""
        return (self._square,)

    def settings(self):
        """Return how it grows."""
        return self.growth


@kernel
def _step(memory, settings, x, g, square, lr, radius, lower, upper, result):
    """Let h² grow, and step against g/h: see `oco.algorithms.fused.step`."""
    (h2,), (steady, growing) = memory, settings
    h2[0] += steady + growing * square
    scale = 1.0 / math.sqrt(h2[0]) if h2[0] > 0.0 else 0.0
    length2 = moved(x, -lr * scale, g, result)
    if len(lower) > 0:
        return scale * square, confine(result, lower, upper)
    return scale * square, shorten(result, length2, radius)


@kernel
def shorten(x, square, radius):
    """Shorten `x`, of that ‖x‖², to length R; return ‖x‖² then, infinite if it had overflowed."""
    length = math.sqrt(square)
    if length > radius:
        x *= radius / length
        square = inner(x, x) if length < math.inf else math.inf
    return square


ScalarMetric.kernels = kernels_of(_step)
