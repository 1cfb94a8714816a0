"""Shampoo: AdaGrad with a Kronecker-factored metric (Gupta, Koren, Singer, ICML 2018)."""

from __future__ import annotations

from oco import checks
from oco.algorithms.kronecker import EPSILON
from oco.algorithms.kronecker_descent import KroneckerDescent
from oco.algorithms.reshaped import Reshaped, reshaped
from oco.domains import Domain

__all__ = ["shampoo"]


def shampoo(
    shape,
    *,
    domain: Domain,
    lr: float | None = None,
    gradient_rank: int | None = None,
    epsilon: float = EPSILON,
    update_every: int = 1,
) -> KroneckerDescent | Reshaped:
    r"""Shampoo: Y = X_t − η L_t^{-1/4} G_t R_t^{-1/4}, projected in that metric.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of X, such as (m, n); memory is O(m² + n²), and a round costs O((m + n)³).
    domain : Domain
        K, in the Frobenius norm: unconstrained, a ball, a box or an ellipsoid.
    lr : float, optional
        η; D/√(2r) if not given.
    gradient_rank : int, optional
        r ≥ rank G_t; min(m, n) if not given.
    epsilon : float
        ε ≥ 0: L_t = Σ G_s G_sᵀ + ε λ_max I, and R_t = Σ G_sᵀ G_s + ε λ_max I.
    update_every : int
        Rounds from one update of L and R to the next.

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
    With the default η, Regret_T ≤ √(2r)·D·tr L_T^{1/4}·tr R_T^{1/4}.  For tensors of order p each
    axis has a factor of its own, with exponent −1/(2p); for vectors the learner is full-matrix
    AdaGrad.

    References
    ----------
    V. Gupta, T. Koren, Y. Singer, *Shampoo: preconditioned stochastic tensor optimization*,
    ICML 2018, arXiv:1802.09568.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = shampoo((2, 2), domain=oco.Ball(1.0), lr=0.5, epsilon=0.0)
    >>> learner.update(np.diag([4.0, 9.0]))
    >>> learner.x
    array([[-0.5,  0. ], [ 0. , -0.5]])
    """
    learner = KroneckerDescent(
        shape,
        domain=domain,
        lr=lr,
        gradient_rank=gradient_rank,
        epsilon=epsilon,
        update_every=update_every,
    )
    return reshaped(learner, checks.shape("shape", shape))
