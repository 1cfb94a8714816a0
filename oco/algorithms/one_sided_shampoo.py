"""One-sided Shampoo: a factor for the shorter side of a matrix (An et al., *ASGO*, 2025)."""

from __future__ import annotations

from oco import checks
from oco.algorithms.kronecker_descent import KroneckerDescent
from oco.algorithms.reshaped import Reshaped, reshaped
from oco.domains import Domain

__all__ = ["one_sided", "one_sided_shampoo"]


def one_sided(shape, k, domain: Domain, lr: float | None) -> KroneckerDescent | Reshaped:
    """Return the learner with one factor, exact without `k`, that plays arrays of a shape."""
    shape = checks.shape("shape", shape)
    learner = KroneckerDescent(
        shape,
        domain=domain,
        lr=lr,
        gradient_rank=None,
        epsilon=0.0,
        update_every=1,
        k=k,
        sides="shorter",
    )
    return reshaped(learner, shape)


def one_sided_shampoo(
    shape, *, domain: Domain, lr: float | None = None
) -> KroneckerDescent | Reshaped:
    r"""One-sided Shampoo: Y = X_t − η L_t^{-1/2} G_t, projected in the metric L_t^{1/2}.

    L_t = Σ G_s G_sᵀ for gradients with no more rows than columns; with more, R_t = Σ G_sᵀ G_s
    acts from the right.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of X, such as (m, n).  Axes of length 1 do not count; a vector has one side, and its
        metric is that of full-matrix AdaGrad.  Memory is O(m²) for the shorter side m.
    domain : Domain
        K, in the Frobenius norm.
    lr : float, optional
        η; D/√2 if not given.

    Returns
    -------
    KroneckerDescent, or a Reshaped one
        Its points are arrays of that shape.

    Raises
    ------
    ValueError
        If a parameter is out of range, K does not take this metric, or η is not given and K is
        unbounded.

    Notes
    -----
    With the default η, and D the largest operator norm of X − U (at most that of K in the
    Frobenius norm),

    Regret_T ≤ √2·D·tr L_T^{1/2}:

    the ranks of the gradients do not enter, where Shampoo has √(2r) and two traces.

    References
    ----------
    K. An, Y. Liu, R. Pan, Y. Ren, S. Ma, D. Goldfarb, T. Zhang, *ASGO: adaptive structured
    gradient optimization*, arXiv:2503.20762.
    S. Xie, T. Wang, S. Reddi, S. Kumar, Z. Li, *Structured preconditioners in adaptive
    optimization: a unified analysis*, arXiv:2503.10537.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = one_sided_shampoo((2, 3), domain=oco.Ball(1.0), lr=0.5)
    >>> learner.update(np.array([[4.0, 0.0, 0.0], [0.0, 0.0, 9.0]]))
    >>> learner.x
    array([[-0.5,  0. ,  0. ], [ 0. ,  0. , -0.5]])
    """
    return one_sided(shape, None, domain, lr)
