"""Projection onto a ball in a metric, on dense matrices: the twin of the secular equation."""

import numpy as np
from scipy.optimize import brentq


def dense_projection(y, h, radius):
    """Return argmin (x − y)ᵀ H (x − y) over the ball, by bisection on the multiplier."""
    if np.linalg.norm(y) <= radius:
        return y

    def at(mu):
        return np.linalg.solve(h + mu * np.eye(len(y)), h @ y)

    # Below this μ nothing is shortened; H may be singular, but y is in its range.
    low, high = 1e-14 * np.linalg.norm(h, 2), 1e8 * np.linalg.norm(h, 2)
    mu = brentq(lambda mu: np.linalg.norm(at(mu)) - radius, low, high, xtol=1e-18, rtol=1e-15)
    return at(mu)
