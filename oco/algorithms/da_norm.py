"""Dual averaging with one step size for all coordinates (Duchi, Hazan, Singer, JMLR 2011)."""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.algorithms.chunks import Progress, Tally, confine
from oco.algorithms.dual_averaging import DualAveraging, longest_gradient
from oco.algorithms.dual_steps import KernelStatistic, too_long
from oco.algorithms.fused import REFUSED, kernels_of
from oco.algorithms.scalar import shorten
from oco.algorithms.sparse_chunks import RECORDED, longest
from oco.domains import Domain
from oco.linalg.engine import kernel, released_kernel
from oco.linalg.operators import Scalar
from oco.linalg.products import inner, moved
from oco.losses.kernels import suffer

__all__ = ["NormStatistic", "da_norm"]


class NormStatistic(KernelStatistic):
    """H_t = (δ² + Σ ‖g_s‖²)^{1/2}·I.

    Parameters
    ----------
    d : int
        Dimension.
    delta : float
        δ > 0.

    Examples
    --------
    >>> NormStatistic(d=2, delta=5.0).absorb(np.array([3.0, 4.0]), 25.0)
    5.0
    """

    separable = True
    plays_sparse = True
    bracket = None
    escaped_mass = None
    state_bytes = 8

    def __init__(self, d: int, delta: float) -> None:
        self._d, self.delta, self._square = d, delta, np.zeros(1)

    @property
    def metric(self) -> Scalar:
        """H_t."""
        return Scalar(self.largest, self._d)

    @property
    def largest(self) -> float:
        """Return (δ² + Σ ‖g_s‖²)^{1/2}."""
        return math.sqrt(self.delta**2 + self._square[0])

    @property
    def root_trace(self) -> float:
        """Return (Σ ‖g_s‖²)^{1/2}."""
        return math.sqrt(self._square[0])

    def absorb(self, g: np.ndarray, square: float) -> float:
        """Return ‖g_t‖²/h_{t−1}, and then absorb g_t."""
        quadratic = square / self.largest
        self._square += square
        return quadratic

    def memory(self):
        """Return Σ ‖g_s‖²."""
        return (self._square,)

    def play_sparse(self, gradients, start, rounds, x, tally, lr, region):
        """Play rounds with sparse rows on a ball, where x_1 is 0, as far as they go."""
        played, x, *sums = _play_sparse(
            rounds, gradients, self._square, self.delta, x, *tally, lr, region.radius
        )
        return Progress(played, False, x, Tally(*sums))


@kernel
def _step(memory, settings, x, g, square, lr, radius, lower, upper, result):
    """Absorb g and go to the best point: see `oco.algorithms.fused.step`."""
    (gradients, start, total), (delta,) = memory, settings
    if too_long(square, delta):
        return REFUSED, 0.0
    quadratic = square / math.sqrt(delta * delta + total[0])
    total[0] += square
    gradients += g
    scale = lr / math.sqrt(delta * delta + total[0])
    length2 = moved(start, -scale, gradients, result)
    if len(lower) > 0:
        return quadratic, confine(result, lower, upper)
    return quadratic, shorten(result, length2, radius)


NormStatistic.kernels = kernels_of(_step)


@released_kernel
def _play_sparse(rounds, gradients, total, delta, x, quadratic, mass, travelled, lr, radius):
    """Do what `_step` does on a ball, round after round, at the cost of sparse rows' entries.

    x is a number times θ = Σ g, and ‖θ + g‖² = ‖θ‖² + 2⟨g, θ⟩ + ‖g‖².  A round that might overflow
    is left to the dense step.
    """
    starts, places, entries, labels, loss, facts, squares_of_x = rounds
    square, length2 = inner(x, x), inner(gradients, gradients)
    t, weight, largest, longest_sum = 0, 0.0, square, length2
    while t < len(labels):
        squares_of_x[t] = longest(square, largest)
        where, a = places[starts[t] : starts[t + 1]], entries[starts[t] : starts[t + 1]]
        near = gradients[where]
        along = np.dot(a, near)
        z = weight * along if t > 0 else np.dot(a, x[where])
        suffered, slope = suffer(loss, z, labels[t])
        facts[t, 0], facts[t, 1], facts[t, 2], facts[t, 3] = z, slope, labels[t], suffered
        g = slope * a
        size = np.dot(g, g)
        if not math.isfinite(z + suffered + slope) or not mass + size < math.inf:
            break
        following = length2 + 2.0 * slope * along + size
        if too_long(size, delta) or not following < math.inf:
            break
        gained = size / math.sqrt(delta * delta + total[0])
        total[0] += size
        gradients[where] = near + g
        longest_sum = max(longest_sum, following)
        length2 = following
        if length2 < RECORDED * longest_sum:
            # Cancellation has left less of it than the point needs.
            length2 = longest_sum = inner(gradients, gradients)
        weight = -lr / math.sqrt(delta * delta + total[0])
        length = -weight * math.sqrt(length2)
        if length > radius:
            weight *= radius / length
            length = radius
        square = length * length
        largest = max(largest, square)
        quadratic += gained
        mass += size
        travelled = max(travelled, length)
        t += 1
    return t, weight * gradients if t > 0 else x, quadratic, mass, travelled


def da_norm(
    d: int,
    *,
    domain: Domain,
    lr: float | None = None,
    delta: float | None = None,
    gradient_bound: float | None = None,
) -> DualAveraging:
    r"""Dual averaging in the metric (δ² + Σ ‖g_s‖²)^{1/2}·I.

    x_{t+1} = Π_K(x_1 − η Σ_{s≤t} g_s/(δ² + Σ_{s≤t} ‖g_s‖²)^{1/2}).

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1.
    domain : Domain
        K.
    lr : float, optional
        η; R/√2 if not given, with R = max ‖u − x_1‖.
    delta : float, optional
        δ ≥ ‖g_t‖ for all t, in the units of the gradient; `gradient_bound` if not given.
    gradient_bound : float, optional
        G ≥ ‖g_t‖ for all t.

    Returns
    -------
    DualAveraging
        With metric (δ² + Σ ‖g_s‖²)^{1/2}·I.

    Raises
    ------
    ValueError
        As `da_diagonal` does.

    Notes
    -----
    Regret_T ≤ R²/(2η)·(δ² + Σ ‖g_t‖²)^{1/2} + η·(Σ ‖g_t‖²)^{1/2}.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, *Adaptive subgradient methods for online learning and stochastic
    optimization*, JMLR 12 (2011).

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = da_norm(2, domain=oco.Ball(1.0), lr=1.0, delta=4.0)
    >>> learner.update(np.array([0.0, 3.0]))
    >>> learner.x
    array([-0. , -0.6])
    """
    d = checks.integer("d", d, low=1)
    delta = longest_gradient(delta, gradient_bound)
    return DualAveraging(
        d,
        NormStatistic(d, delta),
        domain,
        lr,
        delta=delta,
        bounds=("dual-certificate", "dual-trace"),
    )
