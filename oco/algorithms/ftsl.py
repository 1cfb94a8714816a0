"""FTSL: dual averaging with a Frequent Directions sketch and its escaped mass (ICML 2025)."""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.algorithms.dual_averaging import DualAveraging, longest_gradient
from oco.algorithms.dual_steps import KernelStatistic, too_long
from oco.algorithms.fused import REFUSED, kernels_of
from oco.algorithms.scalar import shorten
from oco.algorithms.small_spaces import play_in_spaces
from oco.domains import Domain
from oco.linalg.engine import kernel
from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.products import combine, inner, products, weighted_sum
from oco.linalg.rounding import UNIT
from oco.linalg.secular import ball_multiplier
from oco.sketch import FrequentDirections
from oco.sketch.brackets import Bracket
from oco.sketch.kernels import step
from oco.sketch.state import unpack

__all__ = ["SketchedStatistic", "ftsl"]

# For how many steps of the sketch V Σg is known, if for none.
NONE = -1.0


class SketchedStatistic(KernelStatistic):
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
    plays_sparse = True
    root_trace = None

    def __init__(self, d: int, k: int, delta: float) -> None:
        self.sketch = FrequentDirections(d, k)
        self.delta = delta
        # V Σg, for the V of so many steps of the sketch.
        self._image, self._steps = np.zeros(len(self.sketch.state.frame)), np.zeros(1)

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
    def bracket(self) -> Bracket:
        """Return what the sketch proves of the eigenvalues of G_t."""
        return self.sketch.bracket()

    @property
    def state_bytes(self) -> int:
        """Return what the sketch holds, and V Σg with a number beside it."""
        return self.sketch.state_bytes + self._image.nbytes + self._steps.nbytes

    def absorb(self, g: np.ndarray, square: float) -> float:
        """Return g_tᵀ H_{t−1}⁻¹ g_t, and then absorb g_t."""
        parts = self.metric.decompose(g)
        quadratic = float((parts.squares / parts.values).sum())
        self.sketch.append(g)
        return quadratic

    def memory(self):
        """Return the sketch, V Σg and the number of its steps."""
        return self.sketch.memory, self._image, self._steps

    def play_sparse(self, gradients, start, rounds, x, tally, lr, region):
        """Play rounds in the small spaces that some rows at a time span with the sketch and Σ g."""
        player = _InSpaces(self, gradients)
        progress = play_in_spaces(player, self.sketch, rounds, x, tally, lr, region.radius)
        if progress.rounds or progress.overflowed:
            self._steps[0] = NONE
        return progress


class _InSpaces:
    """The steps in small spaces, where x is a combination of eigenvectors and θ = Σ g.

    What of θ is orthogonal to a space stays as it is, and that of x is a multiple of it.
    """

    def __init__(self, statistic: SketchedStatistic, gradients: np.ndarray) -> None:
        self.kernels, self._delta, self._gradients = statistic.kernels, statistic.delta, gradients

    def settings(self):
        """Return δ."""
        return (self._delta,)

    def enter(self, space, small, image):
        """Return θ and x_1, and the sketch, without V θ."""
        self._before = space.of(self._gradients)
        # Of a θ that lies in the space this is rounding; its multiples then say what x has of it.
        self._before[-1] = max(
            self._before[-1], UNIT * math.sqrt(inner(self._before, self._before))
        )
        self._after = self._before.copy()
        return self._after, np.zeros(len(self._before)), small, image, np.full(1, NONE)

    def leave(self, space, x, before, after):
        """Add to θ what has come to it, and return x."""
        x = space.moved(self._gradients, self._before, after)
        self._gradients[:] = space.moved(self._gradients, self._before, self._after)
        return x


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


@kernel
def _step(memory, settings, x, g, square, lr, radius, lower, upper, result):
    """Absorb g and go to the best point, in O((k + d)k): see `oco.algorithms.fused.step`.

    With p the coordinates of θ = Σg in the eigenvectors e_i, x = −η H⁻¹θ before its projection is a
    combination of e_i and of θ, and so it is afterwards.  V θ is carried from one round to the
    next, and computed anew where the sketch corrects its own drift.
    """
    (gradients, _, sketch, image, steps), (delta,) = memory, settings
    state = unpack(sketch)
    frame, rotation, _, values, _, inside, numbers = state
    if too_long(square, delta):
        return REFUSED, 0.0
    tail = delta * delta + numbers["escaped"]
    roots, carried = np.sqrt(values + tail), steps[0] == numbers["steps"]
    grown, _, before = step(state, image, g, square)
    quadratic = inner(before / roots, before)
    quadratic += max(square - inner(before, before), 0.0) / math.sqrt(tail)
    gradients += g
    m, n = numbers["m"], len(values)
    if carried and numbers["corrected"] != numbers["rows"]:
        image += inside
        if grown:
            image[m - 1] = inner(frame[m - 1], gradients)
    else:
        image[:] = 0.0
        products(frame[:m], gradients, image[:m])
    steps[0] = numbers["steps"]
    p, h, y = np.empty(n), np.empty(n + 1), np.empty(n + 1)
    products(rotation, image, p)
    np.positive(values, h[:n])
    h[n] = 0.0
    np.sqrt(h + (delta * delta + numbers["escaped"]), h)
    # Coordinates in the eigenvectors, and last the length outside them.
    np.positive(p, y[:n])
    y[n] = math.sqrt(max(inner(gradients, gradients) - inner(p, p), 0.0))
    weights = -lr / h
    if radius < math.inf:
        weights *= h / (h + ball_multiplier(h, weights * y / radius, h[n]))
    rows = np.empty(len(frame))
    combine((weights[:n] - weights[n]) * p, rotation, rows)
    weighted_sum(rows[:m], frame[:m], weights[n], gradients, 0.0, gradients, result)
    return float(quadratic), shorten(result, inner(result, result), radius)


SketchedStatistic.kernels = kernels_of(_step)
