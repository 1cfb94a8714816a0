"""Ada-FD: AdaGrad with a Frequent Directions sketch and a fixed δ (Wan, Wei, Zhang, IJCAI 2018)."""

from __future__ import annotations

from oco import checks
from oco.algorithms.mirror_descent import MirrorDescent
from oco.algorithms.sketched import SketchedRoot
from oco.domains import Domain

__all__ = ["ShiftedSketch", "ada_fd"]


class ShiftedSketch(SketchedRoot):
    """H_t = Ḡ_t^{1/2} + δ I.

    Parameters
    ----------
    d, k : int
        Dimension and sketch size.
    delta : float
        δ > 0.

    Notes
    -----
    H_t may shrink when mass escapes, but H_t + √ρ_t I ⪰ H_{t−1}: the potential is
    tr H_t + d Σ_{s≤t} √ρ_s.

    Examples
    --------
    >>> import numpy as np
    >>> ShiftedSketch(d=2, k=2, delta=5.0).update(np.array([3.0, 4.0]), 25.0)
    array([0.3, 0.4])
    """

    def __init__(self, d: int, k: int, delta: float) -> None:
        super().__init__(d, k, compensate=False, delta=checks.number("delta", delta, above=0))

    @property
    def potential(self) -> float:
        """Return tr H_t + d Σ √ρ_s."""
        return super().potential + self.sketch.d * self.root_escapes


def ada_fd(
    d: int, *, k: int, domain: Domain, lr: float | None = None, delta: float = 1.0
) -> MirrorDescent:
    r"""Ada-FD: y = x_t − η (Ḡ_t^{1/2} + δ I)^{-1} g_t, projected in that metric.

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
    delta : float
        δ > 0, in the units of the gradient; the default suits gradients of length about 1.

    Returns
    -------
    MirrorDescent
        With metric Ḡ_t^{1/2} + δ I.

    Raises
    ------
    ValueError
        If a parameter is out of range, K does not take this metric, or η is not given
        and K is unbounded.

    Notes
    -----
    Regret_T ≤ D²/(2η)(tr H_T + d Σ √ρ_t) + (η/2) Σ g_tᵀ H_t⁻¹ g_t.  The metric is not monotone, and
    the second trace term grows faster than √T on gradients spread over more than ℓ directions
    (Feinberg et al., NeurIPS 2023, Observation 2).

    References
    ----------
    Y. Wan, N. Wei, L. Zhang, *Efficient adaptive online learning via frequent directions*,
    IJCAI 2018.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = ada_fd(3, k=2, domain=oco.Ball(1.0), lr=1.0, delta=5.0)
    >>> learner.update(np.array([0.0, 3.0, 4.0]))
    >>> learner.x
    array([ 0. , -0.3, -0.4])
    """
    d = checks.integer("d", d, low=1)
    diameter = domain.diameter(d)
    return MirrorDescent(
        d,
        ShiftedSketch(d, k, delta),
        domain,
        lr,
        diameter=diameter,
        bounds=("certificate",),
        k=k,
    )
