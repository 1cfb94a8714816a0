"""AdaGrad with one step size for all coordinates (Duchi, Hazan, Singer, JMLR 2011)."""

from __future__ import annotations

from oco import checks
from oco.algorithms.mirror_descent import MirrorDescent
from oco.algorithms.scalar import ScalarMetric
from oco.domains import Domain

__all__ = ["GradientNorm", "adagrad_norm"]


class GradientNorm(ScalarMetric):
    """H_t = (Σ ‖g_s‖²)^{1/2}·I.

    Examples
    --------
    >>> import numpy as np
    >>> GradientNorm(d=2).update(np.array([3.0, 4.0]), 25.0)
    array([0.6, 0.8])
    """

    growth = (0.0, 1.0)


def adagrad_norm(d: int, *, domain: Domain, lr: float | None = None) -> MirrorDescent:
    r"""Scalar AdaGrad: x_{t+1} = Π_K(x_t − η g_t/(Σ_{s≤t} ‖g_s‖²)^{1/2}).

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1.
    domain : Domain
        K.
    lr : float, optional
        η; D/√2 if not given.

    Returns
    -------
    MirrorDescent
        With metric (Σ ‖g_s‖²)^{1/2}·I.

    Raises
    ------
    ValueError
        If a parameter is out of range, or η is not given and K is unbounded.

    Notes
    -----
    Regret_T ≤ √2·D·(Σ ‖g_t‖²)^{1/2} with the default η, without knowing any gradient bound.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, *Adaptive subgradient methods for online learning and stochastic
    optimization*, JMLR 12 (2011).

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = adagrad_norm(2, domain=oco.Ball(1.0), lr=0.5)
    >>> learner.update(np.array([0.0, 10.0]))
    >>> learner.x
    array([ 0. , -0.5])
    """
    d = checks.integer("d", d, low=1)
    diameter = domain.diameter(d)
    return MirrorDescent(
        d,
        GradientNorm(d),
        domain,
        lr,
        diameter=diameter,
        bounds=("certificate", "trace"),
    )
