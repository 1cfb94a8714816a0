"""What preconditioners that scale all coordinates alike have in common."""

from __future__ import annotations

import math

import numpy as np

from oco.algorithms.mirror_descent import FusedStep
from oco.linalg.engine import kernel
from oco.linalg.operators import Scalar
from oco.linalg.products import inner, mix

__all__ = ["ScalarMetric"]


class ScalarMetric(FusedStep):
    """H_t = h_t·I; its growth costs h_t, not d·h_t: λ_max of each increment is the increment."""

    separable = True
    escaped_mass = None
    state_bytes = 8
    # h_t² − h_{t−1}² = a + b‖g_t‖².
    growth: tuple[float, float]

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

    def descend(
        self, x: np.ndarray, g: np.ndarray, mass: float, lr: float, radius: float
    ) -> tuple[np.ndarray, float, float]:
        """Absorb g_t and return x_{t+1} on a ball, g_tᵀ H_t⁻¹ g_t and Σ ‖g_s‖²."""
        answer = np.empty(len(x))
        quadratic, mass, self._square = _descend(
            self._square, *self.growth, x, g, mass, lr, radius, answer
        )
        return answer if math.isfinite(mass) else x, quadratic, mass


@kernel
def _descend(h2, steady, growing, x, g, mass, lr, radius, result):
    """Do what `ScalarMetric.descend` says, with x_{t+1} in `result`.

    Takes h² as `h2`, and returns the new one last.
    """
    if not len(x) == len(g) == len(result):
        # Compiled loops would read and write beyond the arrays.
        raise ValueError("x, g: expected vectors of the learner's length")
    # Neither BLAS nor a float says anything of an overflow, which the caller reports.
    square = float(inner(g, g))
    mass += square
    if not math.isfinite(mass):
        return 0.0, mass, h2
    h2 += steady + growing * square
    scale = 1.0 / math.sqrt(h2) if h2 > 0.0 else 0.0
    mix(1.0, x, -lr * scale, g, result)
    length = math.sqrt(inner(result, result))
    if length > radius:
        result *= radius / length
    return scale * square if length < math.inf else math.nan, mass, h2
