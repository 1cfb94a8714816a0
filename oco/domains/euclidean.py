"""All of R^d."""

from __future__ import annotations

import math

import numpy as np

from oco.domains.domain import Domain


class Euclidean(Domain):
    """All of R^d: no projection, and no diameter, so bounds use the distances that occurred.

    Examples
    --------
    >>> Euclidean().diameter(3)
    inf
    """

    name = "unconstrained"
    bounded = False

    def radius(self, d):
        """Return infinity."""
        return math.inf

    def diameter(self, d):
        """Return infinity."""
        return math.inf

    def width(self, d):
        """Return infinity."""
        return math.inf

    def support(self, s):
        """Return infinity, or 0 for s = 0."""
        return math.inf if np.any(s) else 0.0

    def farthest(self, s):
        """Return the origin for s = 0; for any other there is none.

        Raises
        ------
        ValueError
            If s is not 0.
        """
        if np.any(s):
            raise ValueError("s: expected 0 on an unbounded domain, got another vector")
        return np.zeros_like(s)

    def nearest(self, y):
        """Return `y` itself."""
        return y

    def distances(self, points):
        """Return 0 for each."""
        return np.zeros(len(points))

    def project(self, y, metric):
        """Return `y` itself."""
        return y

    def __repr__(self) -> str:
        return "Euclidean()"
