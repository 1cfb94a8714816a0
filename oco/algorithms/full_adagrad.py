"""AdaGrad with the full matrix (Duchi, Hazan, Singer, JMLR 2011): what the sketches stand for."""

from __future__ import annotations

import numpy as np

from oco import checks
from oco.algorithms.mirror_descent import MirrorDescent
from oco.domains import Domain
from oco.linalg.growing_root import GrowingRoot

__all__ = ["FullCovariance", "full_adagrad"]


class FullCovariance:
    """H_t = G_t^{1/2} with G_t = Σ g_s g_sᵀ.

    Parameters
    ----------
    d : int
        Dimension.
    projecting : bool
        Whether there are projections in the metric to come.

    Attributes
    ----------
    metric : GrowingRoot
        H_t: a view that the next update changes.

    Examples
    --------
    >>> FullCovariance(d=2).update(np.array([3.0, 4.0]), 25.0)
    array([0.6, 0.8])
    """

    separable = False
    fused = None
    escaped_mass = None

    def __init__(self, d: int, *, projecting: bool = True) -> None:
        self.metric = GrowingRoot(d, projecting=projecting)

    @property
    def potential(self) -> float:
        """Return tr H_t."""
        return self.metric.trace()

    @property
    def state_bytes(self) -> int:
        """Memory that the metric holds."""
        return self.metric.nbytes

    def update(self, g: np.ndarray, square: float) -> np.ndarray:
        """Return G_t^{-1/2} g_t (pseudo-inverse)."""
        return self.metric.absorb(g)


def full_adagrad(d: int, *, domain: Domain, lr: float | None = None) -> MirrorDescent:
    r"""Full-matrix AdaGrad: y = x_t − η G_t^{-1/2} g_t, projected in the metric G_t^{1/2}.

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1; memory is O(d²).  Most rounds cost O(d²), and an eigendecomposition in
        O(d³) comes every min(d/5, 100) rounds or so (see `GrowingRoot` for when it comes earlier).
    domain : Domain
        K: unconstrained, a ball, a box or an ellipsoid.
    lr : float, optional
        η; D/√2 if not given.

    Returns
    -------
    MirrorDescent
        With metric G_t^{1/2}.

    Raises
    ------
    ValueError
        If a parameter is out of range, K does not take this metric, or η is not given
        and K is unbounded.

    Notes
    -----
    Regret_T ≤ √2·D·tr G_T^{1/2} with the default η.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, *Adaptive subgradient methods for online learning and stochastic
    optimization*, JMLR 12 (2011).

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = full_adagrad(2, domain=oco.Ball(1.0), lr=0.5)
    >>> learner.update(np.array([3.0, 4.0]))
    >>> learner.x
    array([-0.3, -0.4])
    """
    d = checks.integer("d", d, low=1)
    diameter = domain.diameter(d)
    return MirrorDescent(
        d,
        FullCovariance(d, projecting=domain.bounded),
        domain,
        lr,
        diameter=diameter,
        bounds=("certificate", "trace"),
    )
