"""What preconditioners that scale all coordinates alike have in common."""

from __future__ import annotations

import math

import numpy as np

from oco.algorithms.chunks import Progress, Tally, confine
from oco.algorithms.fused import FusedStep, kernels_of
from oco.algorithms.sparse_chunks import SMALLEST_SCALE, clipped, longest
from oco.linalg.engine import kernel, released_kernel
from oco.linalg.operators import Scalar
from oco.linalg.products import inner, moved
from oco.linalg.travel import Travelling
from oco.losses.kernels import suffer

__all__ = ["ScalarMetric", "shorten"]


class ScalarMetric(Travelling, FusedStep):
    """H_t = h_t·I; its growth costs h_t, not d·h_t: λ_max of each increment is the increment."""

    separable = True
    escaped_mass = None
    state_bytes = 8
    plays_sparse = plays_sparse_in_boxes = True
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

    def play_sparse(self, rounds, x, tally, lr, region):
        """Play rounds with sparse rows from x on, as far as they go."""
        played, overflowed, x, *sums = _play_sparse(
            rounds, self._square, *self.growth, x, *tally, lr, *region
        )
        return Progress(played, overflowed, x, Tally(*sums))


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


@released_kernel
def _play_sparse(
    rounds, h2, steady, growing, x, quadratic, mass, travelled, lr, radius, lower, upper
):
    """Do what `_step` does, round after round, at the cost of sparse rows' entries.

    x is a number times a vector, so that a ball shortens it in one product; its length follows
    from ‖x − s g‖² = ‖x‖² − 2s⟨g, x⟩ + s²‖g‖², where ⟨g, x⟩ is the slope times the prediction.
    In a box the number is 1, and coordinates without an entry are in it already.
    """
    starts, places, entries, labels, loss, facts, squares_of_x = rounds
    v, scale = x.copy(), 1.0
    square = inner(v, v)
    t, overflowed, largest = 0, False, square
    while t < len(labels):
        squares_of_x[t] = longest(square, largest)
        where, a = places[starts[t] : starts[t + 1]], entries[starts[t] : starts[t + 1]]
        near = v[where]
        z = scale * np.dot(a, near)
        suffered, slope = suffer(loss, z, labels[t])
        facts[t, 0], facts[t, 1], facts[t, 2], facts[t, 3] = z, slope, labels[t], suffered
        if not math.isfinite(z + suffered + slope):
            break
        g = slope * a
        size = np.dot(g, g)
        if not mass + size < math.inf:
            break
        h2[0] += steady + growing * size
        inverse = 1.0 / math.sqrt(h2[0]) if h2[0] > 0.0 else 0.0
        step, gained = lr * inverse, inverse * size
        after = clipped(near - step / scale * g, where, lower, upper)
        if len(lower) > 0:
            following = square - np.dot(near, near) + np.dot(after, after)
        else:
            far = step * math.sqrt(size)
            following = square - 2.0 * step * (slope * z) + far * far
        if not (following < math.inf and gained < math.inf):
            overflowed = True
            break
        v[where] = after
        square = max(following, 0.0)
        if square > radius * radius:
            scale *= radius / math.sqrt(square)
            square = radius * radius
        if scale < SMALLEST_SCALE:
            v *= scale
            scale = 1.0
        largest = max(largest, square)
        quadratic += gained
        mass += size
        travelled = max(travelled, math.sqrt(square))
        t += 1
    return t, overflowed, scale * v, quadratic, mass, travelled
