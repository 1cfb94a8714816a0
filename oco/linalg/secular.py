"""The scalar equation behind a projection onto a ball in a metric."""

from __future__ import annotations

import math

import numpy as np

from oco.linalg.engine import ENGINE, kernel, summing_kernel
from oco.linalg.products import inner

__all__ = ["ball_multiplier", "ball_weights", "project_onto_ball"]

# Newton's method converges quadratically: a step this small leaves an error that is a rounding.
LAST_STEP = 1e-9
# Squares of what is longer than a radius above this one lose nothing that counts to underflow.
SHORT = 1e-100

if ENGINE == "numba":

    @summing_kernel
    def _shrunk(h, y, mu):
        """Return Σ v² and Σ v²/(h + μ), for v = h/(h + μ)·y where h is not 0."""
        square, pull = 0.0, 0.0
        for i in range(len(h)):
            inverse = 1.0 / (h[i] + mu)
            v = h[i] * inverse * y[i] if h[i] != 0.0 else 0.0
            term = v * v
            square += term
            pull += term * (inverse if h[i] != 0.0 else 0.0)
        return square, pull

    @kernel
    def _shrink(h, mu, y):
        """Multiply y by h/(h + μ), in place."""
        for i in range(len(y)):
            y[i] *= h[i] / (h[i] + mu)

else:

    def _shrunk(h, y, mu):
        """Return Σ v² and Σ v²/(h + μ), for v = h/(h + μ)·y where h is not 0."""
        shifted = np.where(h != 0.0, h + mu, 1.0)
        with np.errstate(over="ignore"):
            v = h / shifted * y
            return inner(v, v), inner(v, v / shifted)

    def _shrink(h, mu, y):
        """Multiply y by h/(h + μ), in place."""
        y *= h / (h + mu)


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

    Examples
    --------
    >>> ball_weights(np.array([1.0, 1.0]), np.array([9.0, 16.0]), radius=1.0)
    array([0.2, 0.2])
    """
    seen = values > 0
    unseen = 1.0 - seen
    inside = squares * seen / radius**2
    h = values + values.max() * unseen
    mu = ball_multiplier(h, np.sqrt(inside), h.min())
    if mu == 0.0:
        length = math.sqrt((squares * unseen).sum()) / radius
        room = math.sqrt(max(1.0 - inside.sum(), 0.0))
        return seen + unseen * (1.0 if length <= room else room / length)
    return seen * (h / (h + mu))


@kernel
def ball_multiplier(h, lengths, least):
    """Return the μ ≥ 0 at which Σ (h_i y_i/(h_i + μ))² = 1, or 0 if Σ y_i² ≤ 1.

    Parameters
    ----------
    h : ndarray of shape (n,)
        Eigenvalues, all > 0.
    lengths : ndarray of shape (n,)
        y_i, of either sign, relative to the radius.
    least : float
        min h_i, or a number > 0 below that.

    Returns
    -------
    float
        μ; NaN where a length is, or where it cannot be found without overflow.

    Notes
    -----
    With ‖x‖² for the sum, 1/‖x(μ)‖ is concave and nearly linear in μ, so Newton's method on
    1/‖x(μ)‖ = 1 approaches the root from below without safeguards.  Its step is ‖x‖ − 1 times a
    mean of the h_i + μ.  It starts at (‖y‖ − 1) min h_i, where the root is if all h_i are equal;
    from μ = 0 the slope could overflow.

    References
    ----------
    J. J. Moré, D. C. Sorensen, *Computing a trust region step*,
    SIAM J. Sci. Stat. Comput. 4 (1983).

    Examples
    --------
    >>> ball_multiplier(np.array([1.0, 1.0]), np.array([3.0, -4.0]), 1.0)
    4.0
    """
    length = math.sqrt(inner(lengths, lengths))
    if length <= 1:
        return 0.0
    mu = float(least) * (length - 1)
    square, pull = _shrunk(h, lengths, mu)
    return _climb(h, lengths, 1.0, mu, square, pull)


@kernel
def _climb(h, y, radius, mu, square, pull):
    """Return the root for radius R by Newton's method from μ, where `_shrunk` is as given."""
    while True:
        if not 0 < pull < math.inf:
            return math.nan
        step = (math.sqrt(square) / radius - 1) * (square / pull)
        mu += step
        if step <= LAST_STEP * mu:
            return mu
        square, pull = _shrunk(h, y, mu)


@kernel
def project_onto_ball(h, y, radius):
    """Replace y by its projection onto a ball in the metric diag(h): see `ball_weights`.

    Examples
    --------
    >>> y = np.array([3.0, 4.0])
    >>> project_onto_ball(np.array([1.0, 1.0]), y, 1.0)
    >>> y
    array([0.6, 0.8])
    """
    # From μ = 0, where no pass over h is needed to find the start.
    square, pull = _shrunk(h, y, 0.0)
    if SHORT < radius < math.sqrt(square) < math.inf and pull < math.inf:
        _shrink(h, _climb(h, y, radius, 0.0, square, pull), y)
    else:
        y *= ball_weights(h, (y / radius) ** 2, 1.0)
