"""Convex domains K: the sets that a learner may play in, with projection in the learner's metric.

The projection of y in the metric H is argmin_{x in K} (x − y)ᵀ H (x − y).
"""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.linalg.operators import Components, SpectralOperator

__all__ = ["DOMAINS", "Ball", "Box", "Domain", "Euclidean"]

# How far outside K a point may lie, relative to K's radius, and still count as inside: a few
# hundred roundings of a norm.
FEASIBILITY = 1e-12
# Newton's method on the secular equation converges quadratically and monotonically; 100 steps are
# an order of magnitude more than any problem in double precision takes.
NEWTON_STEPS = 100
# The norm of the projection is met to a few roundings.
NORM_ACCURACY = 4 * np.finfo(np.float64).eps


class Domain:
    """A closed convex set K in R^d.

    Attributes
    ----------
    name : str
        How the command line calls it.
    """

    name: str

    def radius(self, d: int) -> float:
        """Return sup_{x in K} ‖x‖₂ in dimension `d` (infinite if K is unbounded)."""
        raise TypeError(f"{type(self).__name__} does not define radius")

    def diameter(self, d: int) -> float:
        """Return sup_{x, y in K} ‖x − y‖₂ in dimension `d`: the D of the regret bounds."""
        return 2 * self.radius(d)

    def width(self, d: int) -> float:
        """Return sup_{x, y in K} ‖x − y‖_∞: the D_∞ of diagonal AdaGrad's bound."""
        return self.diameter(d)

    def start(self, d: int) -> np.ndarray:
        """Return x_1: the point of K nearest to the origin."""
        return np.zeros(d)
