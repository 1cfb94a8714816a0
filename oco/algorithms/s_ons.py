"""Online Newton steps with a sketch and its escaped mass."""

from __future__ import annotations

from oco.algorithms.newton import Newton
from oco.domains import Domain

__all__ = ["s_ons"]


def s_ons(
    d: int, *, k: int, domain: Domain, curvature: float, alpha: float | None = None
) -> Newton:
    r"""Sketched Online Newton: y = x_t − A_t⁻¹ g_t, projected in A_t = αI + σ(Ḡ_t + ρ_{1:t} I).

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
        With metric A_t = αI + σ(Ḡ_t + ρ_{1:t} I).

    Raises
    ------
    ValueError
        If a parameter is out of range, or K is unbounded or does not take this metric.

    Notes
    -----
    Regret_T ≤ ½ Σ g_tᵀ A_t⁻¹ g_t + ½ αR² + ½ σρ_{1:T} D².  Here A_t ⪰ αI + σ G_t, and A_t never
    shrinks.

    References
    ----------
    H. Luo, A. Agarwal, N. Cesa-Bianchi, J. Langford, *Efficient second order online learning by
    sketching*, NeurIPS 2016.

    V. Feinberg, X. Chen, Y. J. Sun, R. Anil, E. Hazan, *Sketchy: memory-efficient adaptive
    regularization with frequent directions*, NeurIPS 2023: the escaped mass added back.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = s_ons(3, k=2, domain=oco.Ball(1.0), curvature=1.0, alpha=25.0)
    >>> learner.update(np.array([0.0, 3.0, 4.0]))
    >>> np.abs(learner.x).round(12)
    array([0.  , 0.06, 0.08])
    """
    return Newton(d, k, domain, curvature=curvature, alpha=alpha, compensation=1.0)
