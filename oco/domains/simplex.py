"""The probability simplex."""

from __future__ import annotations

import math

import numpy as np

from oco.domains.domain import Domain
from oco.linalg.thresholds import fill, fill_in_metric

# Weights that are whole multiples of this, at most 1, are doubles, and so are their sums.
GRAIN = 2.0**-50


class Simplex(Domain):
    """The probability simplex {x : x ≥ 0, Σ x_i = 1}; it is projected onto in diagonal metrics.

    Examples
    --------
    >>> K = Simplex()
    >>> K.nearest(np.array([1.0, 0.5, -2.0])), K.support(np.array([1.0, 3.0]))
    (array([0.75, 0.25, 0.  ]), 3.0)
    >>> K.start(4)
    array([0.25, 0.25, 0.25, 0.25])
    """

    name = "simplex"
    metrics = "diagonal"

    def radius(self, d):
        """Return 1."""
        return 1.0

    def diameter(self, d):
        """Return √2, the distance of two corners; 0 in one dimension."""
        return math.sqrt(2) if d > 1 else 0.0

    def width(self, d):
        """Return 1; 0 in one dimension."""
        return 1.0 if d > 1 else 0.0

    def reach(self, d):
        """Return √(1 − 1/d), the distance of a corner from the centre."""
        return math.sqrt(1 - 1 / d)

    def support(self, s):
        """Return max s_i."""
        return float(s.max())

    def farthest(self, s):
        """Return the corner of the first largest s_i."""
        x = np.zeros(len(s))
        x[np.argmax(s)] = 1.0
        return x

    def nearest(self, y):
        """Return max(y − μ, 0), with μ so that it adds up to 1."""
        return fill(y, 1.0)

    def within(self, x):
        """Return multiples of 2⁻⁵⁰ next to `x` that add up to 1 without rounding."""
        grains = np.floor(np.maximum(x, 0.0) / GRAIN)
        grains[np.argmax(grains)] += 1 / GRAIN - grains.sum()
        return grains * GRAIN

    def project(self, y, metric):
        """Return max(y − μ/h, 0) for the metric diag(h), with μ so that it adds up to 1.

        Raises
        ------
        ValueError
            If the metric is not diagonal.
        """
        self.require(metric, metric.separable)
        return fill_in_metric(y, 1.0, metric @ np.ones(len(y)), exactly=True)

    def __repr__(self) -> str:
        return "Simplex()"
