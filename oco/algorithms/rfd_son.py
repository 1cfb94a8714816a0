"""Online Newton steps with a sketch and half of its escaped mass (JMLR 2019)."""

from __future__ import annotations

from oco.algorithms.newton import Newton
from oco.domains import Domain

__all__ = ["rfd_son"]


def rfd_son(
    d: int, *, k: int, domain: Domain, curvature: float, alpha: float | None = None
) -> Newton:
    r"""RFD-SON: y = x_t − A_t⁻¹ g_t, projected in the metric A_t = αI + σ(Ḡ_t + ½ρ_{1:t} I).

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1.
    k : int
        Sketch size ℓ, from 2 to d + 1; memory and a round cost O(dk).
    domain : Domain
        K: a ball, a box or an ellipsoid, with R = max ‖u − x_1‖.
    curvature : float
        σ > 0 with f_t(x) − f_t(u) ≤ ⟨g_t, x − u⟩ − (σ/2)⟨g_t, x − u⟩² for all x and u in K; a run
        has it from its loss: see `oco.losses.Loss.gradient_curvature`.
    alpha : float, optional
        α > 0; k/(σR²) if not given.

    Returns
    -------
    Newton
        With metric A_t = αI + σ(Ḡ_t + ½ρ_{1:t} I).

    Raises
    ------
    ValueError
        If a parameter is out of range, or K is unbounded or does not take this metric.

    Notes
    -----
    Regret_T ≤ ½ Σ g_tᵀ A_t⁻¹ g_t + ½ αR² + ¼ σρ_{1:T} D².  Half of the escaped mass makes the error
    of the metric two-sided, and half of what it is without: −½ρI ⪯ G_t − Ḡ_t − ½ρI ⪯ ½ρI.

    References
    ----------
    L. Luo, C. Chen, Z. Zhang, W.-J. Li, T. Zhang, *Robust Frequent Directions with application in
    online learning*, JMLR 20 (2019).

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = rfd_son(3, k=2, domain=oco.Ball(1.0), curvature=1.0, alpha=25.0)
    >>> learner.update(np.array([0.0, 3.0, 4.0]))
    >>> np.abs(learner.x).round(12)
    array([0.  , 0.06, 0.08])
    """
    return Newton(d, k, domain, curvature=curvature, alpha=alpha, compensation=0.5)
