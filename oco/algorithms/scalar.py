"""What preconditioners that scale all coordinates alike have in common."""

from __future__ import annotations

import math

import numpy as np

from oco.algorithms.chunks import Progress, Tally, confine, meet
from oco.algorithms.mirror_descent import FusedStep
from oco.linalg.engine import kernel, released_kernel
from oco.linalg.operators import Scalar
from oco.linalg.products import inner, moved, scaled

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

    def play(self, rounds, x, tally, lr, region):
        """Play rounds from x on, as far as they go."""
        played, overflowed, x, self._square, *sums = _play(
            rounds, self._square, *self.growth, x, *tally, lr, *region
        )
        return Progress(played, overflowed, x, Tally(*sums))


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
    quadratic, length2, h2 = _step(h2, steady, growing, x, g, square, lr, result)
    length2 = _shorten(result, length2, radius)
    return quadratic if length2 < math.inf else math.nan, mass, h2


@kernel
def _step(h2, steady, growing, x, g, square, lr, result):
    """Fill `result` with x − η g/h, after h² has grown; return gᵀg/h, its ‖·‖² and h²."""
    h2 += steady + growing * square
    scale = 1.0 / math.sqrt(h2) if h2 > 0.0 else 0.0
    return scale * square, moved(x, -lr * scale, g, result), h2


@kernel
def _shorten(x, square, radius):
    """Shorten `x`, of that ‖x‖², to length R; return ‖x‖² then, infinite if it had overflowed."""
    length = math.sqrt(square)
    if length > radius:
        x *= radius / length
        square = inner(x, x) if length < math.inf else math.inf
    return square


@released_kernel
def _play(rounds, h2, steady, growing, x, quadratic, mass, travelled, lr, radius, lower, upper):
    """Do what `_descend` does, on a box too, round after round; see `Progress`."""
    x, following, g = x.copy(), np.empty(len(x)), np.empty(len(x))
    # Taken out once: in each round they would be counted in and out.
    features, labels, loss, answers, facts, squares_of_x, held = rounds
    t, overflowed, square = 0, False, inner(x, x)
    while t < len(features):
        squares_of_x[t] = square
        if len(held) > 0:
            held[t] = x
        a = features[t]
        slope = meet(loss, answers, a, labels[t], x, facts[t])
        size = scaled(slope, a, g)
        grown = mass + size
        if not grown < math.inf:
            break
        gained, square, h2 = _step(h2, steady, growing, x, g, size, lr, following)
        if len(lower) > 0:
            square = confine(following, lower, upper)
        else:
            square = _shorten(following, square, radius)
        if not (square < math.inf and gained < math.inf):
            overflowed = True
            break
        x, following = following, x
        quadratic += gained
        mass = grown
        travelled = max(travelled, math.sqrt(square))
        t += 1
    return t, overflowed, x, h2, quadratic, mass, travelled
