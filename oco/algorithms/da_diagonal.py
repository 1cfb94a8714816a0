"""Dual averaging with a diagonal metric (Duchi, Hazan, Singer, JMLR 2011)."""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.algorithms.adagrad import project
from oco.algorithms.chunks import Progress, Tally, confine
from oco.algorithms.dual_averaging import DualAveraging, longest_gradient
from oco.algorithms.dual_steps import KernelStatistic, too_long
from oco.algorithms.fused import REFUSED, kernels_of
from oco.algorithms.sparse_chunks import RECORDED, clipped, longest
from oco.domains import Domain
from oco.linalg.engine import ENGINE, kernel, released_kernel
from oco.linalg.operators import Diagonal
from oco.linalg.products import inner
from oco.losses.kernels import suffer

__all__ = ["DiagonalStatistic", "da_diagonal"]


class DiagonalStatistic(KernelStatistic):
    """H_t = diag(δ² + Σ g_s²)^{1/2}.

    Parameters
    ----------
    d : int
        Dimension.
    delta : float
        δ > 0.

    Examples
    --------
    >>> DiagonalStatistic(d=2, delta=2.0).absorb(np.array([4.0, 0.0]), 16.0)
    8.0
    """

    separable = True
    plays_sparse = plays_sparse_in_boxes = True
    bracket = None
    escaped_mass = None

    def __init__(self, d: int, delta: float) -> None:
        self._squares = np.zeros(d)
        self.delta = delta

    @property
    def metric(self) -> Diagonal:
        """H_t."""
        return Diagonal(np.sqrt(self.delta**2 + self._squares))

    @property
    def largest(self) -> float:
        """Return the largest entry of H_t."""
        return float(np.sqrt(self.delta**2 + self._squares.max()))

    @property
    def root_trace(self) -> float:
        """Return Σ_i (Σ_s g_{s,i}²)^{1/2}."""
        return float(np.sqrt(self._squares).sum())

    @property
    def state_bytes(self) -> int:
        """One number a coordinate."""
        return self._squares.nbytes

    def absorb(self, g: np.ndarray, square: float) -> float:
        """Return g_tᵀ H_{t−1}⁻¹ g_t, and then absorb g_t."""
        squares = g * g
        quadratic = float((squares / self.metric.values).sum())
        self._squares += squares
        return quadratic

    def memory(self):
        """Return Σ g_s²."""
        return (self._squares,)

    def play_sparse(self, gradients, start, rounds, x, tally, lr, region):
        """Play rounds with sparse rows from x on, as far as they go."""
        played, x, *sums = _play_sparse(
            rounds, gradients, start, self._squares, self.delta, x, *tally, lr, *region
        )
        return Progress(played, False, x, Tally(*sums))


def da_diagonal(
    d: int,
    *,
    domain: Domain,
    lr: float | None = None,
    delta: float | None = None,
    gradient_bound: float | None = None,
) -> DualAveraging:
    r"""Dual averaging in the metric diag(δ² + Σ g_s²)^{1/2}.

    x_{t+1} = argmin_{x in K} ⟨Σ_{s≤t} g_s, x⟩ + (x − x_1)ᵀ H_t (x − x_1)/(2η).

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1.
    domain : Domain
        K.
    lr : float, optional
        η; if not given R_∞/√2 on a box, with R_∞ = max ‖u − x_1‖_∞, and R/√2 on a ball.
    delta : float, optional
        δ ≥ ‖g_t‖ for all t, in the units of the gradient; `gradient_bound` if not given.
    gradient_bound : float, optional
        G ≥ ‖g_t‖ for all t.

    Returns
    -------
    DualAveraging
        With metric diag(δ² + Σ g_s²)^{1/2}.

    Raises
    ------
    ValueError
        If a parameter is out of range, η is not given and K is unbounded, or neither δ nor a finite
        G is given.  `update` refuses a gradient longer than δ.

    Notes
    -----
    With h_i the entries of H_T and w_i = max |u_i − x_{1,i}|, on a box
    Regret_T ≤ Σ w_i² h_i/(2η) + (η/2) Σ g_tᵀ H_{t−1}⁻¹ g_t, on a ball with R² max h_i in the place
    of the sum; and Σ g_tᵀ H_{t−1}⁻¹ g_t ≤ 2 Σ_i (Σ_t g_{t,i}²)^{1/2}.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, *Adaptive subgradient methods for online learning and stochastic
    optimization*, JMLR 12 (2011).

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = da_diagonal(2, domain=oco.Box(-1, 1), lr=1.0, delta=4.0)
    >>> learner.update(np.array([3.0, 0.0]))
    >>> learner.x
    array([-0.6,  0. ])
    """
    d = checks.integer("d", d, low=1)
    delta = longest_gradient(delta, gradient_bound)
    return DualAveraging(
        d,
        DiagonalStatistic(d, delta),
        domain,
        lr,
        delta=delta,
        bounds=("dual-certificate", "dual-trace"),
        coordinatewise=True,
    )


if ENGINE == "numba":

    @kernel
    def _follow(gradients, start, squares, roots, g, delta, lr, result):
        """Absorb g and fill `result` with x_1 − η H⁻¹ Σg; return gᵀH⁻¹g in the metric before."""
        least = delta * delta
        for i in range(len(g)):
            result[i] = g[i] / math.sqrt(least + squares[i])
        quadratic = inner(g, result)
        for i in range(len(g)):
            squares[i] += g[i] * g[i]
            roots[i] = math.sqrt(least + squares[i])
            gradients[i] += g[i]
            result[i] = start[i] - lr * gradients[i] / roots[i]
        return quadratic

else:

    def _follow(gradients, start, squares, roots, g, delta, lr, result):
        """Absorb g and fill `result` with x_1 − η H⁻¹ Σg; return gᵀH⁻¹g in the metric before."""
        square = g * g
        quadratic = float((square / np.sqrt(delta * delta + squares)).sum())
        squares += square
        np.sqrt(delta * delta + squares, roots)
        gradients += g
        np.subtract(start, lr * gradients / roots, result)
        return quadratic


@kernel
def _step(memory, settings, x, g, square, lr, radius, lower, upper, result):
    """Absorb g and go to the best point: see `oco.algorithms.fused.step`."""
    (gradients, start, squares), (delta,) = memory, settings
    if too_long(square, delta):
        return REFUSED, 0.0
    roots = np.empty(len(g))
    quadratic = _follow(gradients, start, squares, roots, g, delta, lr, result)
    if len(lower) > 0:
        return quadratic, confine(result, lower, upper)
    return quadratic, project(roots, result, radius)


DiagonalStatistic.kernels = kernels_of(_step)


@released_kernel
def _play_sparse(
    rounds,
    gradients,
    start,
    squares,
    delta,
    x,
    quadratic,
    mass,
    travelled,
    lr,
    radius,
    lower,
    upper,
):
    """Do what `_step` does, round after round, at the cost of sparse rows' entries.

    Only coordinates with entries move, in a box too.  A round in which the ball binds costs O(d):
    each coordinate is shortened by another number.  One that might overflow is left to the dense
    step.
    """
    starts, places, entries, labels, loss, facts, squares_of_x = rounds
    least = delta * delta
    roots = np.sqrt(least + squares)
    # The best point of all space, or of the box, and its squared length; and that of the ball.
    best = start - lr * gradients / roots
    if len(lower) > 0:
        best = np.minimum(np.maximum(best, lower), upper)
    reached, square = inner(best, best), inner(x, x)
    point, t, largest, farthest = x.copy(), 0, square, reached
    while t < len(labels):
        squares_of_x[t] = longest(square, largest)
        where, a = places[starts[t] : starts[t + 1]], entries[starts[t] : starts[t + 1]]
        z = np.dot(a, point[where])
        suffered, slope = suffer(loss, z, labels[t])
        facts[t, 0], facts[t, 1], facts[t, 2], facts[t, 3] = z, slope, labels[t], suffered
        g = slope * a
        size = np.dot(g, g)
        if not math.isfinite(z + suffered + slope) or not mass + size < math.inf:
            break
        if too_long(size, delta):
            break
        grown = squares[where] + g * g
        root, sums, near = np.sqrt(least + grown), gradients[where] + g, best[where]
        after = clipped(start[where] - lr * sums / root, where, lower, upper)
        following = reached - np.dot(near, near) + np.dot(after, after)
        if not following < math.inf:
            break
        gained = np.dot(g, g / roots[where])
        squares[where], roots[where], gradients[where], best[where] = grown, root, sums, after
        farthest, reached = max(farthest, following), following
        if reached < RECORDED * farthest:
            # Cancellation has left less of it than the ball needs.
            reached = farthest = inner(best, best)
        point, square = best, reached
        if square > radius * radius:
            point = best.copy()
            square = project(roots, point, radius)
        largest = max(largest, square)
        quadratic += gained
        mass += size
        travelled = max(travelled, math.sqrt(square))
        t += 1
    return t, point, quadratic, mass, travelled
