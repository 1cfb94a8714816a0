"""AdaGrad with a diagonal metric (Duchi, Hazan, Singer, JMLR 2011)."""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.algorithms.chunks import Progress, Tally, confine, meet
from oco.algorithms.mirror_descent import FusedStep, MirrorDescent
from oco.domains import Domain
from oco.linalg.engine import ENGINE, kernel, released_kernel, summing_kernel
from oco.linalg.operators import Diagonal
from oco.linalg.products import inner, mix, scaled
from oco.linalg.secular import project_onto_ball
from oco.linalg.travel import Travelling

__all__ = ["DiagonalCovariance", "adagrad"]


class DiagonalCovariance(Travelling, FusedStep):
    """H_t = diag(Σ g_s²)^{1/2}.

    Examples
    --------
    >>> DiagonalCovariance(d=2).update(np.array([3.0, 0.0]), 9.0)
    array([1., 0.])
    """

    separable = True
    escaped_mass = None

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

    def descend(
        self, x: np.ndarray, g: np.ndarray, mass: float, lr: float, radius: float
    ) -> tuple[np.ndarray, float, float]:
        """Absorb g_t and return x_{t+1} on a ball, g_tᵀ H_t⁻¹ g_t and Σ ‖g_s‖²."""
        answer = np.empty(len(x))
        quadratic, mass = _descend(self._squares, self._roots, x, g, mass, lr, radius, answer)
        return answer if math.isfinite(mass) else x, quadratic, mass

    def play(self, rounds, x, tally, lr, region):
        """Play rounds from x on, as far as they go."""
        played, overflowed, x, *sums = _play(
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

    @summing_kernel
    def _step(squares, roots, x, g, lr, result):
        """Add g² to `squares`, take `roots`, and fill `result` with x − η H⁻¹g; return gᵀH⁻¹g."""
        quadratic = 0.0
        for i in range(len(g)):
            squares[i] += g[i] * g[i]
            roots[i] = math.sqrt(squares[i])
            direction = g[i] / roots[i] if roots[i] > 0.0 else 0.0
            result[i] = x[i] - lr * direction
            quadratic += g[i] * direction
        return quadratic

else:

    def _step(squares, roots, x, g, lr, result):
        """Add g² to `squares`, take `roots`, and fill `result` with x − η H⁻¹g; return gᵀH⁻¹g."""
        squares += g * g
        np.sqrt(squares, roots)
        direction = np.divide(g, roots, out=np.zeros(len(g)), where=roots > 0.0)
        mix(1.0, x, -lr, direction, result)
        return inner(g, direction)


@kernel
def _descend(squares, roots, x, g, mass, lr, radius, result):
    """Do what `DiagonalCovariance.descend` says, with x_{t+1} in `result`."""
    if not len(x) == len(g) == len(result) == len(squares):
        # Compiled loops would read and write beyond the arrays.
        raise ValueError("x, g: expected vectors of the learner's length")
    # Neither BLAS nor a float says anything of an overflow, which the caller reports.
    mass += float(inner(g, g))
    if not math.isfinite(mass):
        return 0.0, mass
    quadratic = _step(squares, roots, x, g, lr, result)
    return quadratic if _project(roots, result, radius) < math.inf else math.nan, mass


@kernel
def _project(roots, x, radius):
    """Replace `x` by its projection onto a ball; return ‖x‖², infinite if it had overflowed."""
    square = inner(x, x)
    if radius == math.inf or square <= radius * radius:
        return square
    project_onto_ball(roots, x, radius)
    # Rounding may leave it a little outside; an overflow, anywhere.
    size = math.sqrt(inner(x, x))
    if size > radius:
        x *= radius / size
    return inner(x, x) if size < math.inf else math.inf


@released_kernel
def _play(rounds, squares, roots, x, quadratic, mass, travelled, lr, radius, lower, upper):
    """Do what `_descend` does, on a box too, round after round; see `Progress`."""
    x, following, g = x.copy(), np.empty(len(x)), np.empty(len(x))
    # Taken out once: in each round they would be counted in and out.
    features, labels, loss, answers, facts, squares_of_x, held = rounds
    t, overflowed, square = 0, False, inner(x, x)
    while t < len(features):
        squares_of_x[t] = square
        if len(held) > 0:
            held[t] = x
        a = features[t]
        slope = meet(loss, answers, a, labels[t], x, facts[t])
        grown = mass + scaled(slope, a, g)
        if not grown < math.inf:
            break
        gained = _step(squares, roots, x, g, lr, following)
        if len(lower) > 0:
            square = confine(following, lower, upper)
        else:
            square = _project(roots, following, radius)
        if not (square < math.inf and gained < math.inf):
            overflowed = True
            break
        x, following = following, x
        quadratic += gained
        mass = grown
        travelled = max(travelled, math.sqrt(square))
        t += 1
    return t, overflowed, x, quadratic, mass, travelled
