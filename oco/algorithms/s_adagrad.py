"""S-AdaGrad: AdaGrad with a Frequent Directions sketch and its escaped mass (NeurIPS 2023)."""

from __future__ import annotations

from oco import checks
from oco.algorithms.mirror_descent import MirrorDescent
from oco.algorithms.sketched import SketchedRoot
from oco.domains import Domain

__all__ = ["s_adagrad"]


def s_adagrad(d: int, *, k: int, domain: Domain, lr: float | None = None) -> MirrorDescent:
    r"""S-AdaGrad (FD-AdaGrad): y = x_t − η (Ḡ_t + ρ_{1:t} I)^{-1/2} g_t, projected in that metric.

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1.
    k : int
        Sketch size ℓ, from 2 to d + 1; memory and a round cost O(dk).
    domain : Domain
        K: unconstrained, a ball, a box or an ellipsoid.
    lr : float, optional
        η; D/√2 if not given.

    Returns
    -------
    MirrorDescent
        With metric (Ḡ_t + ρ_{1:t} I)^{1/2}.

    Raises
    ------
    ValueError
        If a parameter is out of range, K does not take this metric, or η is not given
        and K is unbounded.

    Notes
    -----
    With the default η, Regret_T ≤ D(√2 tr G_T^{1/2} + d (Ω_ℓ/2)^{1/2}), where
    Ω_ℓ = min_{j<ℓ} Σ_{i>j} λ_i(G_T)/(ℓ − j): full-matrix AdaGrad's bound plus a term in the bottom
    eigenvalues.  If rank G_T < ℓ, nothing escapes and the learner is full-matrix AdaGrad.

    References
    ----------
    V. Feinberg, X. Chen, Y. J. Sun, R. Anil, E. Hazan, *Sketchy: memory-efficient adaptive
    regularization with frequent directions*, NeurIPS 2023, arXiv:2302.03764, Algorithm 2 and
    Theorem 3.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = s_adagrad(3, k=2, domain=oco.Ball(1.0), lr=0.5)
    >>> learner.update(np.array([0.0, 3.0, 4.0]))
    >>> learner.x
    array([ 0. , -0.3, -0.4])
    """
    d = checks.integer("d", d, low=1)
    diameter = domain.diameter(d)
    return MirrorDescent(
        d,
        SketchedRoot(d, k, compensate=True),
        domain,
        lr,
        diameter=diameter,
        bounds=("certificate", "trace", "sketch", "theorem-3"),
        k=k,
    )
