"""The Euclidean ball around the origin."""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.domains.domain import LARGEST_RADIUS, SMALLEST_RADIUS, Domain
from oco.linalg.rounding import UNIT, gamma, lengths


class Ball(Domain):
    """The Euclidean ball {x : ‖x‖₂ ≤ R}.

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
    >>> from oco.linalg.operators import Diagonal
    >>> K = Ball(1.0)
    >>> K.diameter(3), K.support(np.array([3.0, 4.0]))
    (2.0, 5.0)
    >>> K.project(np.array([3.0, 4.0]), Diagonal(np.array([1.0, 1.0])))
    array([0.6, 0.8])
    """

    name = "ball"
    radial = True

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
        """Return R‖s‖₂."""
        return self._radius * float(lengths(s[None])[0])

    def supports(self, rows):
        """Return R‖s‖₂ of each row."""
        return self._radius * lengths(rows)

    def farthest(self, s):
        """Return R s/‖s‖₂, or the origin for s = 0."""
        length = float(lengths(s[None])[0])
        return (s / length) * self._radius if length else np.zeros_like(s)

    def nearest(self, y):
        """Return `y`, shortened to length R if it is longer."""
        length = math.sqrt(np.dot(y, y))
        return y if length <= self._radius else y * (self._radius / length)

    def distances(self, points):
        """Return max(‖x‖₂ − R, 0) for each."""
        return np.maximum(lengths(points) - self._radius, 0.0)

    def within(self, x):
        """Return `x`, shortened by a few roundings if ‖x‖₂ ≤ R is not certain."""
        rounding = 2 * gamma(len(x) + 8)
        length = float(lengths(x[None])[0]) * (1 + rounding)
        return x if length <= self._radius else x * (self._radius / length * (1 - 4 * UNIT))

    def project(self, y, metric):
        """Return (H + μI)⁻¹ H y, with μ ≥ 0 the root of ‖x‖₂ = R if ‖y‖₂ > R.

        Notes
        -----
        Costs what two applications of the metric cost; see `SpectralOperator.project_on_ball`, and
        `ball_weights` for singular H.
        """
        if np.dot(y, y) <= self._radius**2:
            return y
        # The root is met to rounding; `nearest` removes what rounding left outside.
        return self.nearest(metric.project_on_ball(y, self._radius))

    def __repr__(self) -> str:
        return f"Ball({self._radius:g})"
