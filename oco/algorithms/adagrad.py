"""AdaGrad with a diagonal metric (Duchi, Hazan, Singer, JMLR 2011)."""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.algorithms.mirror_descent import MirrorDescent
from oco.domains import Domain
from oco.linalg.engine import kernel
from oco.linalg.operators import Diagonal
from oco.linalg.secular import ball_weights

__all__ = ["DiagonalCovariance", "adagrad"]


class DiagonalCovariance:
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

    def update(self, g: np.ndarray, square: float) -> np.ndarray:
        """Return g_i/(Σ g_{s,i}²)^{1/2} (0 for a coordinate that was always 0)."""
        return _absorb(self._squares, self._roots, g)

    def descend(
        self, x: np.ndarray, g: np.ndarray, mass: float, lr: float, radius: float
    ) -> tuple[np.ndarray, float, float]:
        """Absorb g_t and return x_{t+1} on a ball, g_tᵀ H_t⁻¹ g_t and Σ ‖g_s‖²."""
        return _descend(self._squares, self._roots, x, g, mass, lr, radius)


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


@kernel
def _absorb(squares, roots, g):
    """Add g² to `squares` and take `roots`, in place; return g over the roots, and 0 over 0."""
    squares += g * g
    roots[:] = np.sqrt(squares)
    seen = roots > 0
    return np.where(seen, g / np.where(seen, roots, 1.0), 0.0)


@kernel
def _descend(squares, roots, x, g, mass, lr, radius):
    """Do what `DiagonalCovariance.descend` says; changes `squares` and `roots` in place."""
    # Neither vdot nor a float says anything of an overflow, which the caller reports.
    mass += float(np.vdot(g, g))
    if not math.isfinite(mass):
        return x, 0.0, mass
    direction = _absorb(squares, roots, g)
    y = x - lr * direction
    if radius < math.inf and np.dot(y, y) > radius * radius:
        y *= ball_weights(roots, y * y, radius)
    return y, np.dot(g, direction), mass
