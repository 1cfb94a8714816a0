"""One-sided Shampoo with a Frequent Directions sketch of its one factor."""

from __future__ import annotations

import numpy as np

from oco import checks
from oco.algorithms.kronecker_descent import KroneckerDescent
from oco.algorithms.one_sided_shampoo import one_sided
from oco.algorithms.reshaped import Reshaped
from oco.domains import Domain

__all__ = ["s_one_sided"]


def s_one_sided(
    shape, *, k, domain: Domain, lr: float | None = None
) -> KroneckerDescent | Reshaped:
    r"""One-sided Shampoo, sketched: Y = X_t − η L̃_t^{-1/2} G_t, projected in the metric L̃_t^{1/2}.

    L̃_t = L̄_t + ρ_{1:t} I, from a sketch L̄_t of Σ G_s G_sᵀ and what escaped it; with more rows than
    columns, of Σ G_sᵀ G_s, acting from the right.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of X, such as (m, n).  Axes of length 1 do not count; a vector has one side, and its
        metric is that of S-AdaGrad.  Memory is O(km) for the shorter side m.
    k : int
        Sketch size ℓ ≥ 2; a side no longer than that has an exact factor.
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
    With the default η and D as for `one_sided_shampoo`,

    Regret_T ≤ √2·D·tr L̃_T^{1/2},   and   Regret_T ≤ D·(√2·tr L_T^{1/2} + m·(Ω_ℓ/2)^{1/2}),

    Ω_ℓ = min_{j<ℓ} Σ_{i>j} λ_i(L_T)/(ℓ − j): S-AdaGrad's theorem with the shorter side m in the
    place of the dimension mn.  docs/theory.md proves it.

    References
    ----------
    V. Feinberg, X. Chen, Y. J. Sun, R. Anil, E. Hazan, *Sketchy: memory-efficient adaptive
    regularization with frequent directions*, NeurIPS 2023, arXiv:2302.03764 (the sketch).
    S. Xie, T. Wang, S. Reddi, S. Kumar, Z. Li, *Structured preconditioners in adaptive
    optimization: a unified analysis*, arXiv:2503.10537 (one side, without a sketch).

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = s_one_sided((3, 4), k=2, domain=oco.Ball(1.0), lr=0.5)
    >>> learner.update(np.outer([0.0, 3.0, 4.0], [1.0, 0.0, 0.0, 0.0]))
    >>> learner.x[:, 0]
    array([ 0. , -0.3, -0.4])
    """
    if np.ndim(k) == 0:
        k = checks.integer("k", k, low=2)
    return one_sided(shape, k, domain, lr)
