"""Online Newton steps with the full matrix (Hazan, Agarwal, Kale, 2007)."""

from __future__ import annotations

from oco.algorithms.newton import Newton
from oco.domains import Domain

__all__ = ["ons"]


def ons(d: int, *, domain: Domain, curvature: float, alpha: float | None = None) -> Newton:
    r"""Online Newton Step: y = x_t − A_t⁻¹ g_t, projected in the metric A_t = αI + σ Σ g_s g_sᵀ.

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1; memory is O(d²), a round costs O(d³).
    domain : Domain
        K: a ball, a box or an ellipsoid, with R = max ‖u − x_1‖.
    curvature : float
        σ > 0 with f_t(x) − f_t(u) ≤ ⟨g_t, x − u⟩ − (σ/2)⟨g_t, x − u⟩² for all x and u in K; a run
        has it from its loss: see `oco.losses.Loss.gradient_curvature`.
    alpha : float, optional
        α > 0; d/(σR²) if not given.

    Returns
    -------
    Newton
        With metric A_t = αI + σ Σ g_s g_sᵀ.

    Raises
    ------
    ValueError
        If a parameter is out of range, or K is unbounded or does not take this metric.

    Notes
    -----
    Regret_T ≤ ½ Σ g_tᵀ A_t⁻¹ g_t + ½ αR² ≤ (1/2σ)·log(det A_T/det A_0) + ½ αR²: it grows like
    log T.

    References
    ----------
    E. Hazan, A. Agarwal, S. Kale, *Logarithmic regret algorithms for online convex optimization*,
    Machine Learning 69 (2007).

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = ons(3, domain=oco.Ball(1.0), curvature=1.0, alpha=25.0)
    >>> learner.update(np.array([0.0, 3.0, 4.0]))
    >>> np.abs(learner.x).round(12)
    array([0.  , 0.06, 0.08])
    """
    return Newton(d, None, domain, curvature=curvature, alpha=alpha, compensation=0.0)
