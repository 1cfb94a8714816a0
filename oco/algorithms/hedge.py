"""Hedge: exponentiated gradients on the simplex, with a rate or with AdaHedge's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco import checks, marks
from oco.algorithms.adahedge import AdaHedge
from oco.algorithms.mirror_descent import Diagnostics
from oco.domains import Domain, Simplex
from oco.linalg.lengths import squared_length
from oco.linalg.travel import Travelling

__all__ = ["ExponentiatedGradient", "HedgeDiagnostics", "hedge"]


@dataclass(frozen=True)
class HedgeDiagnostics(Diagnostics):
    """What the bounds of Hedge are made of, after t rounds.

    Here `potential` is ln d/η_{t+1}, with the rate of the next round; it and `quadratic`, the sum
    of the mixability gaps δ_s, add up to the certificate.

    Attributes
    ----------
    widest : float
        S = max_s (max_i g_{s,i} − min_i g_{s,i}).
    squared_ranges : float
        Σ_s (max_i g_{s,i} − min_i g_{s,i})².
    """

    widest: float
    squared_ranges: float


@marks.learner
class ExponentiatedGradient(Travelling):
    r"""Weights x_{t,i} ∝ exp(−η_t Σ_{s<t} g_{s,i}) on the simplex.

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1.
    domain : Domain
        K: the simplex.
    lr : float or None
        η > 0, in one over the units of the gradient; if None AdaHedge's ln d/Σ_{s<t} δ_s.

    Attributes
    ----------
    x : ndarray of shape (d,)
        The point to play, x_t; a new array after each update.
    diameter : float
        √2, which no bound here contains.

    Raises
    ------
    ValueError
        If a parameter is out of range, or K is another domain.

    Notes
    -----
    With m_s = −(1/η_s) ln Σ_i x_{s,i} exp(−η_s g_{s,i}) and δ_s = ⟨g_s, x_s⟩ − m_s ≥ 0, for every u
    of the simplex (docs/theory.md proves it)

        Σ⟨g_s, x_s − u⟩ ≤ ln d/η_{t+1} + Σ δ_s,

    which is 2 Σ δ_s with AdaHedge's rates.
    """

    k = None

    def __init__(self, d: int, domain: Domain, lr: float | None) -> None:
        self.d = checks.integer("d", d, low=1)
        if not isinstance(domain, Simplex):
            raise ValueError(f"domain: hedge plays on the simplex, got {domain!r}")
        self.domain, self.diameter = domain, domain.diameter(d)
        self.lr = None if lr is None else checks.number("lr", lr, above=0)
        self.bounds = ("hedge-certificate", "hedge-ranges")
        self.weights = AdaHedge(self.d, self.lr)
        self._squared_gradients = self._squared_ranges = 0.0
        self._x = self.weights.weights

    @property
    def x(self) -> np.ndarray:
        """The point to play, x_t."""
        return self._x

    def update(self, g) -> None:
        """Absorb the gradient of the loss at `x` and move to the next point.

        Parameters
        ----------
        g : array_like of shape (d,)
            g_t.

        Raises
        ------
        TypeError, ValueError
            If it holds no real numbers, the shape is wrong, or Σ‖g_s‖² is not finite; the learner
            is then unchanged.
        """
        g = checks.entries("g", g, self.d)
        mass = self._squared_gradients + squared_length("g", g)
        if not mass < math.inf:
            raise ValueError(f"g: expected a finite sum of squares of all gradients, got {mass}")
        self.weights.absorb(g)
        self._squared_gradients = mass
        widest = float(g.max() - g.min())
        # A product, which may overflow to infinity, and then so does one of the bounds.
        self._squared_ranges += widest * widest
        self._x = self.weights.weights

    def diagnostics(self) -> HedgeDiagnostics:
        """Return what the bounds of this learner's regret are made of."""
        return HedgeDiagnostics(
            potential=self.weights.gap if self.lr is None else math.log(self.d) / self.lr,
            quadratic=self.weights.gap,
            squared_gradients=self._squared_gradients,
            escaped_mass=None,
            travelled=None,
            state_bytes=2 * self._x.nbytes,
            widest=self.weights.widest,
            squared_ranges=self._squared_ranges,
        )

    def __repr__(self) -> str:
        rate = "AdaHedge's" if self.lr is None else f"{self.lr:.6g}"
        return f"{type(self).__name__}(d={self.d}, lr={rate})"


def hedge(d: int, *, domain: Domain, lr: float | None = None) -> ExponentiatedGradient:
    r"""Hedge, or exponentiated gradients: x_{t+1,i} ∝ exp(−η Σ_{s≤t} g_{s,i}) on the simplex.

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1; memory and a round cost O(d).
    domain : Domain
        K: the simplex.
    lr : float, optional
        η; without it AdaHedge's rates, which need to know nothing.

    Returns
    -------
    ExponentiatedGradient

    Raises
    ------
    ValueError
        If a parameter is out of range, or K is another domain.

    Notes
    -----
    With s_t = max_i g_{t,i} − min_i g_{t,i}, Regret_T ≤ ln d/η + (η/8) Σ s_t², or with AdaHedge's
    rates Regret_T ≤ (ln d Σ s_t²)^{1/2} + 2 max s_t: the dimension enters by its logarithm.

    References
    ----------
    J. Kivinen, M. K. Warmuth, *Exponentiated gradient versus gradient descent for linear
    predictors*, Information and Computation 132 (1997).
    S. de Rooij, T. van Erven, P. D. Grünwald, W. M. Koolen, *Follow the leader if you can, hedge if
    you must*, JMLR 15 (2014).

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = hedge(2, domain=oco.Simplex(), lr=1.0)
    >>> learner.update(np.array([np.log(3), 0.0]))
    >>> learner.x
    array([0.25, 0.75])
    """
    return ExponentiatedGradient(d, domain, lr)
