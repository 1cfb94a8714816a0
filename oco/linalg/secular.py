"""The scalar equation behind a projection onto a ball in a metric."""

from __future__ import annotations

import math

import numpy as np

from oco.linalg.engine import kernel

__all__ = ["ball_weights"]

# The projection's norm is met to a few roundings.  Above that the iteration cannot stall: for R = 1
# a step raises μ by at least (‖x‖ − 1)μ, which is more than the rounding of μ.
NORM_ACCURACY = 4 * np.finfo(np.float64).eps


@kernel
def ball_weights(values, squares, radius):
    """Weights w_i with which the components of y make up its projection onto a ball.

    Solves argmin_{‖x‖ ≤ R} (x − y)ᵀ H (x − y) for H = Σ h_i P_i.  Where h_i > 0 the solution is
    x_i = h_i/(h_i + μ) y_i with μ ≥ 0 the root of ‖x‖ = R.  Components with h_i = 0 do not count in
    the objective, so the minimiser nearest to y is taken: they are only shortened as far as
    ‖x‖ ≤ R asks.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Eigenvalues h_i ≥ 0.
    squares : ndarray of shape (n,)
        Squared lengths ‖P_i y‖².
    radius : float
        R > 0.

    Returns
    -------
    ndarray of shape (n,)
        w_i in [0, 1].

    Notes
    -----
    1/‖x(μ)‖ is concave and nearly linear in μ, so Newton's method on 1/‖x(μ)‖ = 1/R from μ = 0
    approaches the root from below without safeguards.  Its step is ‖x‖/R − 1 times a mean of the
    h_i + μ.

    References
    ----------
    J. J. Moré, D. C. Sorensen, *Computing a trust region step*,
    SIAM J. Sci. Stat. Comput. 4 (1983).

    Examples
    --------
    >>> ball_weights(np.array([1.0, 1.0]), np.array([9.0, 16.0]), radius=1.0)
    array([0.2, 0.2])
    """
    seen = values > 0
    inside = np.where(seen, squares, 0.0) / radius**2
    length = math.sqrt(inside.sum())
    if length <= 1:
        unseen = math.sqrt(np.where(seen, 0.0, squares).sum()) / radius
        room = math.sqrt(1.0 - length * length)
        return np.where(seen, 1.0, 1.0 if unseen <= room else room / unseen)
    # Only ratios of the eigenvalues matter: scaled to (0, 1], μ is scaled with them.
    h = np.where(seen, values / values.max(), 1.0)
    mu = 0.0
    while length - 1 > NORM_ACCURACY:
        shifted = h + mu
        shrunk = h / shifted
        pulled = shrunk * inside
        square = np.dot(shrunk, pulled)
        length = math.sqrt(square)
        mu += (length - 1) * (square / np.dot(shrunk / shifted, pulled))
    return np.where(seen, h / (h + mu), 0.0)
