"""Inverse square roots of a matrix out of its resolvents.

For a symmetric A with eigenvalues λ > 0 and any μ ≥ 0,

    (A^{1/2} + μI)⁻¹ = (2/π) ∫₀^∞ s²/(s² + μ²) (A + s²I)⁻¹ ds,

so that a quadrature rule with nodes s_n turns the resolvents (A + s_n² I)⁻¹ v of one vector into
(A^{1/2} + μI)⁻¹ v for every μ: the nodes stay, only the weights change.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["NODES", "WEIGHTS", "damped_weights", "root_rule"]


def root_rule(count: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    r"""Nodes and weights for (2/π) ∫ f(s) ds where f has its poles at ±i√λ, low ≤ λ ≤ high.

    Parameters
    ----------
    count : int
        Number of nodes N.
    low, high : float
        The interval, 0 < low < high.

    Returns
    -------
    nodes, weights : ndarray of shape (N,)
        s_n and w_n > 0.

    Notes
    -----
    The substitution s = √low · sc(t), with the Jacobi function of quarter period
    K = ½ log(16 high/low), takes the poles to the line Im t = π/2, and the midpoint rule in t,
    where f is periodic, errs by a factor of about exp(−π²N/K) [1]_.  The function sc is taken as
    the product of its zeros and poles nearest to [0, K]; what is left out differs from 1 by
    exp(−4K), which is rounding for high/low > 1e7.

    References
    ----------
    .. [1] N. Hale, N. J. Higham, L. N. Trefethen, *Computing A^α, log(A), and related matrix
       functions by contour integrals*, SIAM J. Numer. Anal. 46 (2008), method 3.

    Examples
    --------
    >>> s, w = root_rule(40, 1.0, 1e8)
    >>> float(np.sum(w / (s**2 + 25.0)))
    0.2000000000000...
    """
    K = math.log(16 * high / low) / 2
    t = (np.arange(count) + 0.5) * (K / count)
    zeros, poles = (t, 2 * K - t, 2 * K + t), (K - t, K + t)
    s = np.prod(np.sinh(zeros), axis=0) / np.prod(np.sinh(poles), axis=0)
    s *= math.sqrt(low) * (math.cosh(K) / math.cosh(2 * K)) ** 2
    slope = 1 / np.tanh(zeros) * [[1], [-1], [1]]
    slope = s * (slope.sum(axis=0) + 1 / np.tanh(K - t) - 1 / np.tanh(K + t))
    return s, (2 / math.pi) * (K / count) * slope


# One rule serves every matrix: `oco.linalg.growing_root` scales it so that the largest eigenvalue
# is 1 at a decomposition, and at most 64 before the next.  The rule must be accurate for
# 1e-10 ≤ λ ≤ 64 and 0 ≤ μ ≤ 800, and errs by 6e-13 there.  Its interval is wider than that because
# the integrand has the poles ±iμ too.  Where μ² > high they would come near to the nodes; where
# μ² < low, μ (A^{1/2} + μI)⁻¹ is off by at most 3e-3 low/λ, relative to the identity.
LOWEST, HIGHEST = 1e-18, 1e6
NODES, WEIGHTS = root_rule(87, LOWEST, HIGHEST)


def damped_weights(mu: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of μ(A^{1/2} + μI)⁻¹ and their derivatives in μ.

    Parameters
    ----------
    mu : float
        μ ≥ 0.

    Returns
    -------
    weights, derivatives : ndarray of shape (N,)
        With Σ_n weights_n (A + s_n² I)⁻¹ = μ(A^{1/2} + μI)⁻¹.

    Examples
    --------
    >>> weights, _ = damped_weights(0.5)
    >>> round(float(np.sum(weights / (NODES**2 + 0.09))), 11)
    0.625
    """
    squares = NODES**2
    fraction = squares / (squares + mu * mu)
    plain = WEIGHTS * fraction
    return mu * plain, plain * (2 * fraction - 1)
