"""Dual averaging with the full matrix (Duchi, Hazan, Singer, JMLR 2011)."""

from __future__ import annotations

from oco import checks
from oco.algorithms.dual_averaging import DualAveraging, longest_gradient
from oco.algorithms.ftsl import SketchedStatistic
from oco.domains import Domain

__all__ = ["FullStatistic", "da_full"]


class FullStatistic(SketchedStatistic):
    """H_t = (δ²I + G_t)^{1/2}, from a sketch with room for every direction: nothing escapes.

    Parameters
    ----------
    d : int
        Dimension.
    delta : float
        δ > 0.
    """

    # With room for every direction there is no small space.
    plays_sparse = False

    def __init__(self, d: int, delta: float) -> None:
        super().__init__(d, d + 1, delta)

    @property
    def escaped_mass(self) -> None:
        """Nothing is sketched."""
        return None


def da_full(
    d: int,
    *,
    domain: Domain,
    lr: float | None = None,
    delta: float | None = None,
    gradient_bound: float | None = None,
) -> DualAveraging:
    r"""Dual averaging in the metric (δ²I + G_t)^{1/2} of the full matrix.

    x_{t+1} = argmin_{x in K} ⟨Σ_{s≤t} g_s, x⟩ + xᵀ H_t x/(2η).

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1; memory is O(d²), a round costs O(d³).
    domain : Domain
        K: unconstrained, a ball, a box or an ellipsoid, with R = max ‖u − x_1‖.
    lr : float, optional
        η; R/√2 if not given.
    delta : float, optional
        δ ≥ ‖g_t‖ for all t, in the units of the gradient; `gradient_bound` if not given.
    gradient_bound : float, optional
        G ≥ ‖g_t‖ for all t.

    Returns
    -------
    DualAveraging
        With metric (δ²I + G_t)^{1/2}.

    Raises
    ------
    ValueError
        As `ftsl` does.

    Notes
    -----
    Regret_T ≤ R²/(2η)·(δ² + λ_1(G_T))^{1/2} + η tr G_T^{1/2}.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, *Adaptive subgradient methods for online learning and stochastic
    optimization*, JMLR 12 (2011).

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = da_full(3, domain=oco.Ball(1.0), lr=1.0, delta=12.0)
    >>> learner.update(np.array([0.0, 3.0, 4.0]))
    >>> 13 * learner.x
    array([ 0., -3., -4.])
    """
    d = checks.integer("d", d, low=1)
    delta = longest_gradient(delta, gradient_bound)
    return DualAveraging(
        d,
        FullStatistic(d, delta),
        domain,
        lr,
        delta=delta,
        bounds=("dual-certificate", "ftsl-theorem"),
    )
