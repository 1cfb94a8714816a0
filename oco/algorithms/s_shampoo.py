"""S-Shampoo: Shampoo with Frequent Directions sketches of its factors (NeurIPS 2023)."""

from __future__ import annotations

import numpy as np

from oco import checks
from oco.algorithms.kronecker import EPSILON
from oco.algorithms.kronecker_descent import KroneckerDescent
from oco.algorithms.reshaped import Reshaped, reshaped
from oco.domains import Domain

__all__ = ["s_shampoo"]


def s_shampoo(
    shape,
    *,
    k,
    domain: Domain,
    lr: float | None = None,
    gradient_rank: int | None = None,
    epsilon: float = EPSILON,
    update_every: int = 1,
) -> KroneckerDescent | Reshaped:
    r"""S-Shampoo: Y = X_t − η L̃_t^{-1/4} G_t R̃_t^{-1/4}, projected in that metric.

    L̃_t = L̄_t + (τ^L_t + ε)I, from a sketch L̄_t of Σ G_s G_sᵀ and its escaped mass τ^L_t; likewise
    R̃_t from Σ G_sᵀ G_s.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of X, such as (m, n); memory is O(k(m + n)).
    k : int or sequence of int
        Sketch size ℓ ≥ 2, for all axes or for each; an axis no longer than k has an exact factor.
    domain : Domain
        K, in the Frobenius norm: unconstrained, a ball, a box or an ellipsoid.
    lr : float, optional
        η; D/√(2r) if not given.
    gradient_rank : int, optional
        r ≥ rank G_t; min(m, n) if not given.
    epsilon : float
        ε ≥ 0, relative to the largest eigenvalue of each factor.
    update_every : int
        Rounds from one update of the sketches to the next.

    Returns
    -------
    KroneckerDescent, or a Reshaped one
        Its points are arrays of that shape.

    Raises
    ------
    ValueError
        If a parameter is out of range, K does not take this metric, or η is not given
        and K is unbounded.

    Notes
    -----
    With the default η,

    Regret_T ≤ √(2r)·D·tr L̃_T^{1/4}·tr R̃_T^{1/4}
             ≤ √(2r)·D·(tr L_T^{1/4} + m Ω_L^{1/4})(tr R_T^{1/4} + n Ω_R^{1/4}),

    where L_T = Σ G_t G_tᵀ + εI and Ω_L = min_{j<ℓ} Σ_{i>j} λ_i(Σ G_t G_tᵀ)/(ℓ − j); likewise R_T
    and Ω_R.  Tensors of order p have a sketch for each axis, and exponents −1/(2p).

    References
    ----------
    V. Feinberg, X. Chen, Y. J. Sun, R. Anil, E. Hazan, *Sketchy: memory-efficient adaptive
    regularization with frequent directions*, NeurIPS 2023, arXiv:2302.03764, Algorithm 3.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = s_shampoo((3, 3), k=2, domain=oco.Ball(1.0), lr=0.5, epsilon=0.0)
    >>> learner.update(np.outer([0.0, 3.0, 4.0], [1.0, 0.0, 0.0]))
    >>> learner.x
    array([[ 0. , 0. , 0. ], [-0.3, 0. , 0. ], [-0.4, 0. , 0. ]])
    """
    shape = checks.shape("shape", shape)
    if np.ndim(k) == 0:
        k = checks.integer("k", k, low=2)
    learner = KroneckerDescent(
        shape,
        k=k,
        domain=domain,
        lr=lr,
        gradient_rank=gradient_rank,
        epsilon=epsilon,
        update_every=update_every,
    )
    return reshaped(learner, shape)
