"""AdaGrad with a diagonal metric (Duchi, Hazan, Singer, JMLR 2011)."""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.algorithms.chunks import Progress, Tally, confine
from oco.algorithms.fused import FusedStep, kernels_of
from oco.algorithms.mirror_descent import MirrorDescent
from oco.algorithms.sparse_chunks import clipped, longest
from oco.domains import Domain
from oco.linalg.engine import ENGINE, kernel, released_kernel
from oco.linalg.operators import Diagonal
from oco.linalg.products import inner, mix
from oco.linalg.secular import project_onto_ball
from oco.linalg.travel import Travelling
from oco.losses.kernels import suffer

__all__ = ["DiagonalCovariance", "adagrad", "project"]


class DiagonalCovariance(Travelling, FusedStep):
    """H_t = diag(Σ g_s²)^{1/2}.

    Examples
    --------
    >>> DiagonalCovariance(d=2).update(np.array([3.0, 0.0]), 9.0)
    array([1., 0.])
    """

    separable = True
    escaped_mass = None
    plays_sparse = plays_sparse_in_boxes = True

    def __init__(self, d: int) -> None:
        self._squares = np.zeros(d)
        self._roots = np.zeros(d)

    @property
    def metric(self) -> Diagonal:
        """H_t."""
        return Diagonal(self._roots)

    @property
    def potential(self) -> float:
        """Return tr H_t."""
        return float(self._roots.sum())

    @property
    def state_bytes(self) -> int:
        """Two numbers a coordinate."""
        return self._squares.nbytes + self._roots.nbytes

    def memory(self, x):
        """Return Σ g_s² and its roots."""
        return self._squares, self._roots

    def settings(self):
        """Return nothing."""
        return ()

    def play_sparse(self, rounds, x, tally, lr, region):
        """Play rounds with sparse rows from x on, as far as they go."""
        played, overflowed, x, *sums = _play_sparse(
            rounds, self._squares, self._roots, x, *tally, lr, *region
        )
        return Progress(played, overflowed, x, Tally(*sums))


def adagrad(d: int, *, domain: Domain, lr: float | None = None) -> MirrorDescent:
    r"""Diagonal AdaGrad: y_i = x_{t,i} − η g_{t,i}/(Σ_{s≤t} g_{s,i}²)^{1/2}, then projected.

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1.
    domain : Domain
        K.
    lr : float, optional
        η; if not given D_∞/√2 on a box, D/√2 on a ball.

    Returns
    -------
    MirrorDescent
        With metric diag(Σ g_s²)^{1/2}.

    Raises
    ------
    ValueError
        If a parameter is out of range, or η is not given and K is unbounded.

    Notes
    -----
    Regret_T ≤ D_∞²/(2η) tr H_T + (η/2) Σ g_tᵀ H_t⁻¹ g_t ≤ √2·D_∞·Σ_i (Σ_t g_{t,i}²)^{1/2} with the
    default η, where D_∞ = sup ‖x − y‖_∞ over K (2R on a ball).

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, *Adaptive subgradient methods for online learning and stochastic
    optimization*, JMLR 12 (2011).

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = adagrad(2, domain=oco.Box(-1, 1), lr=0.5)
    >>> learner.update(np.array([100.0, 0.01]))
    >>> learner.x
    array([-0.5, -0.5])
    """
    d = checks.integer("d", d, low=1)
    width = domain.width(d)
    return MirrorDescent(
        d,
        DiagonalCovariance(d),
        domain,
        lr,
        diameter=width,
        bounds=("certificate", "trace"),
    )


if ENGINE == "numba":

    @kernel
    def _against(squares, roots, x, g, lr, result):
        """Add g² to `squares`, take `roots`, and fill `result` with x − η H⁻¹g; return gᵀH⁻¹g."""
        for i in range(len(g)):
            squares[i] += g[i] * g[i]
            roots[i] = math.sqrt(squares[i])
            result[i] = g[i] / roots[i] if roots[i] > 0.0 else 0.0
        quadratic = inner(g, result)
        for i in range(len(g)):
            result[i] = x[i] - lr * result[i]
        return quadratic

else:

    def _against(squares, roots, x, g, lr, result):
        """Add g² to `squares`, take `roots`, and fill `result` with x − η H⁻¹g; return gᵀH⁻¹g."""
        squares += g * g
        np.sqrt(squares, roots)
        direction = np.divide(g, roots, out=np.zeros(len(g)), where=roots > 0.0)
        mix(1.0, x, -lr, direction, result)
        return inner(g, direction)


@kernel
def _step(memory, settings, x, g, square, lr, radius, lower, upper, result):
    """Add g² to Σ g_s² and step against H⁻¹g: see `oco.algorithms.fused.step`."""
    squares, roots = memory
    if len(squares) != len(g):
        raise ValueError("x, g: expected vectors of the learner's length")
    quadratic = _against(squares, roots, x, g, lr, result)
    if len(lower) > 0:
        return quadratic, confine(result, lower, upper)
    return quadratic, project(roots, result, radius)


@kernel
def project(roots, x, radius):
    """Replace `x` by its projection onto a ball; return ‖x‖², infinite if it had overflowed."""
    square = inner(x, x)
    if radius == math.inf or square <= radius * radius:
        return square
    project_onto_ball(roots, x, radius)
    # Rounding may leave it a little outside; an overflow, anywhere.
    square = inner(x, x)
    size = math.sqrt(square)
    if not size <= radius:
        x *= radius / size
        square = inner(x, x) if size < math.inf else math.inf
    return square


DiagonalCovariance.kernels = kernels_of(_step)


@released_kernel
def _play_sparse(rounds, squares, roots, x, quadratic, mass, travelled, lr, radius, lower, upper):
    """Do what `_step` does, round after round, at the cost of sparse rows' entries.

    A round whose step leaves the ball costs O(d): each coordinate is shortened by another number.
    In a box, coordinates without an entry stay where they are.
    """
    starts, places, entries, labels, loss, facts, squares_of_x = rounds
    x = x.copy()
    square = inner(x, x)
    t, overflowed, largest = 0, False, square
    while t < len(labels):
        squares_of_x[t] = longest(square, largest)
        where, a = places[starts[t] : starts[t + 1]], entries[starts[t] : starts[t + 1]]
        near = x[where]
        z = np.dot(a, near)
        suffered, slope = suffer(loss, z, labels[t])
        facts[t, 0], facts[t, 1], facts[t, 2], facts[t, 3] = z, slope, labels[t], suffered
        if not math.isfinite(z + suffered + slope):
            break
        g = slope * a
        size = np.dot(g, g)
        if not mass + size < math.inf:
            break
        total = squares[where] + g * g
        root = np.sqrt(total)
        squares[where], roots[where] = total, root
        seen = root > 0.0
        direction = np.where(seen, g / np.where(seen, root, 1.0), 0.0)
        after = clipped(near - lr * direction, where, lower, upper)
        gained = np.dot(g, direction)
        following = square - np.dot(near, near) + np.dot(after, after)
        if not (following < math.inf and gained < math.inf):
            overflowed = True
            break
        x[where] = after
        square = max(following, 0.0)
        if square > radius * radius:
            square = project(roots, x, radius)
        largest = max(largest, square)
        quadratic += gained
        mass += size
        travelled = max(travelled, math.sqrt(square))
        t += 1
    return t, overflowed, x, quadratic, mass, travelled
