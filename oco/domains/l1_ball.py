"""The ball of the norm Σ |x_i|."""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.domains.domain import LARGEST_RADIUS, SMALLEST_RADIUS, Domain
from oco.linalg.rounding import UNIT
from oco.linalg.thresholds import fill_in_metric


class L1Ball(Domain):
    """The ball {x : Σ |x_i| ≤ R}; it is projected onto in diagonal metrics.

    Parameters
    ----------
    radius : float
        R from 1e-150 to 1e150, in the units of x.

    Raises
    ------
    ValueError
        If `radius` is not a number in this range.

    Examples
    --------
    >>> K = L1Ball(1.0)
    >>> K.nearest(np.array([1.0, -0.5])), K.support(np.array([1.0, -3.0]))
    (array([ 0.75, -0.25]), 3.0)
    """

    name = "l1-ball"
    metrics = "diagonal"

    def __init__(self, radius: float = 1.0) -> None:
        self._radius = checks.number("radius", radius, low=SMALLEST_RADIUS, high=LARGEST_RADIUS)

    def radius(self, d):
        """Return R."""
        return self._radius

    def diameter(self, d):
        """Return 2R."""
        return 2 * self._radius

    def width(self, d):
        """Return 2R."""
        return 2 * self._radius

    def support(self, s):
        """Return R max |s_i|."""
        return self._radius * float(np.abs(s).max())

    def farthest(self, s):
        """Return the corner of the first largest |s_i|; the origin for s = 0."""
        x, i = np.zeros(len(s)), np.argmax(np.abs(s))
        x[i] = self._radius * np.sign(s[i])
        return x

    def nearest(self, y):
        """Return sign(y) max(|y| − μ, 0), with μ so that the ball holds it."""
        return self._shrunk(y, np.ones(len(y)))

    def within(self, x):
        """Return `x`, shortened by a few roundings if Σ |x_i| ≤ R is not certain."""
        length = math.fsum(np.abs(x)) * (1 + 2 * UNIT)
        return x if length <= self._radius else x * (self._radius / length * (1 - 4 * UNIT))

    def project(self, y, metric):
        """Return sign(y) max(|y| − μ/h, 0) for the metric diag(h), with μ as for `nearest`.

        Raises
        ------
        ValueError
            If the metric is not diagonal.
        """
        self.require(metric, metric.separable)
        return self._shrunk(y, metric @ np.ones(len(y)))

    def _shrunk(self, y: np.ndarray, h: np.ndarray) -> np.ndarray:
        sizes = np.abs(y)
        if float(sizes.sum()) <= self._radius:
            return y
        return np.copysign(fill_in_metric(sizes, self._radius, h, exactly=False), y)

    def __repr__(self) -> str:
        return f"L1Ball({self._radius:g})"
