"""FTSL: dual averaging with a Frequent Directions sketch and its escaped mass (ICML 2025)."""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.algorithms.dual_averaging import DualAveraging, longest_gradient
from oco.domains import Domain
from oco.linalg.low_rank import LowRankPlusScalar
from oco.sketch import FrequentDirections

__all__ = ["SketchedStatistic", "ftsl"]


class SketchedStatistic:
    """H_t = (δ²I + Ḡ_t + ρ_{1:t} I)^{1/2}.

    Parameters
    ----------
    d, k : int
        Dimension and sketch size.
    delta : float
        δ > 0.

    Examples
    --------
    >>> statistic = SketchedStatistic(d=2, k=2, delta=5.0)
    >>> statistic.absorb(np.array([3.0, 4.0]), 25.0)
    5.0
    >>> statistic.largest == 50**0.5
    True
    """

    separable = False
    root_trace = None

    def __init__(self, d: int, k: int, delta: float) -> None:
        self.sketch = FrequentDirections(d, k)
        self.delta = delta

    @property
    def metric(self) -> LowRankPlusScalar:
        """H_t: a view of the sketch that the next gradient changes."""
        sketch = self.sketch
        tail = self.delta**2 + sketch.escaped_mass
        roots = np.sqrt(sketch.eigenvalues + tail)
        return LowRankPlusScalar(sketch.basis, roots, math.sqrt(tail), sketch.d)

    @property
    def largest(self) -> float:
        """Return λ_max(H_t) = (δ² + λ̄_1 + ρ_{1:t})^{1/2}."""
        top = float(self.sketch.eigenvalues.max(initial=0.0))
        return math.sqrt(self.delta**2 + top + self.sketch.escaped_mass)

    @property
    def escaped_mass(self) -> float | None:
        """Return ρ_{1:t}."""
        return self.sketch.escaped_mass

    @property
    def state_bytes(self) -> int:
        """Return what the sketch holds."""
        return self.sketch.state_bytes

    def absorb(self, g: np.ndarray, square: float) -> float:
        """Return g_tᵀ H_{t−1}⁻¹ g_t, and then absorb g_t."""
        parts = self.metric.decompose(g)
        quadratic = float((parts.squares / parts.values).sum())
        self.sketch.append(g)
        return quadratic


def ftsl(
    d: int,
    *,
    k: int,
    domain: Domain,
    lr: float | None = None,
    delta: float | None = None,
    gradient_bound: float | None = None,
) -> DualAveraging:
    r"""FTSL: dual averaging in the metric (δ²I + Ḡ_t + ρ_{1:t} I)^{1/2} of a sketch.

    x_{t+1} = argmin_{x in K} ⟨Σ_{s≤t} g_s, x⟩ + xᵀ H_t x/(2η).

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1.
    k : int
        Sketch size ℓ, from 2 to d + 1; memory and a round cost O(dk).
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
        With metric (δ²I + Ḡ_t + ρ_{1:t} I)^{1/2}.

    Raises
    ------
    ValueError
        If a parameter is out of range, K does not take this metric, η is not given and K
        is unbounded, or neither δ nor a finite G is given.  `update` refuses a
        gradient longer than δ.

    Notes
    -----
    Regret_T ≤ R²/(2η)·λ_max(H_T) + (η/2) Σ g_tᵀ H_{t−1}⁻¹ g_t
    ≤ R²/(2η)·(δ² + λ_1(G_T) + Ω_ℓ)^{1/2} + η tr G_T^{1/2}: the dimension enters neither, where
    S-AdaGrad's bound has d ρ^{1/2}.  Unconstrained, ‖u‖ takes the place of R.

    References
    ----------
    S. Yang, Y. Wan, et al., *Dimension-free adaptive subgradient methods with Frequent Directions*,
    ICML 2025.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = ftsl(3, k=2, domain=oco.Ball(1.0), lr=1.0, delta=12.0)
    >>> learner.update(np.array([0.0, 3.0, 4.0]))
    >>> 13 * learner.x
    array([ 0., -3., -4.])
    """
    d = checks.integer("d", d, low=1)
    delta = longest_gradient(delta, gradient_bound)
    return DualAveraging(
        d,
        SketchedStatistic(d, k, delta),
        domain,
        lr,
        delta=delta,
        bounds=("dual-certificate", "ftsl-sketch", "ftsl-theorem"),
        k=k,
    )
