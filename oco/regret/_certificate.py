"""The interval that holds the smallest total loss: the best value seen, the best bound proven."""

from __future__ import annotations

import math

import numpy as np

from oco.domains import Domain
from oco.regret._minorants import Minorants
from oco.regret._passes import Rounds

__all__ = ["Certificate"]

# Every sum that enters a bound is trusted to this relative accuracy: a thousand rounding units,
# more than the blocked summation of ten million terms loses.
ROUNDING = 1e-13
# An unbounded K is certified inside a ball of this many times ‖x̂‖.
REACH = 2.0


class Certificate:
    """Upper and lower bounds on min_K F, gathered from every point and every minorant met.

    Parameters
    ----------
    data : Rounds
        The rounds of F.
    domain : Domain
        K.

    Attributes
    ----------
    x : ndarray of shape (d,)
        The point of K with the smallest total loss so far.
    value : float
        Its total loss F(x).
    resolution : float
        A gap that rounding could have made: there is no use in a smaller one.

    Notes
    -----
    Minorants with slopes u_t and offsets c_t give F(x) ≥ ⟨s, x⟩ + Σ c_t with s = Σ u_t a_t, hence
    min_K F ≥ Σ c_t − max_{x in K} ⟨−s, x⟩: weak duality, whatever made the slopes.  If K is
    unbounded, K ∩ {‖x‖ ≤ `radius`} takes its place.  Each bound is lowered by what rounding may
    have added.
    """

    def __init__(self, data: Rounds, domain: Domain) -> None:
        self._norms, self._domain = data.norms, domain
        longest = float(data.norms.max(initial=0.0))
        self._shortest = 1.0 / longest if longest > 0 else 1.0
        self._planes: list[tuple[float, float]] = []
        self.x = domain.start(data.d)
        self.value, self.resolution = math.inf, 0.0

    @property
    def radius(self) -> float | None:
        """The radius of the ball that the lower bound holds in; None if it holds on all of K.

        It is 2‖x̂‖, and at least 2/max‖a_t‖, where predictions reach 2.
        """
        if self._domain.bounded:
            return None
        return REACH * max(self._shortest, float(np.linalg.norm(self.x)))

    @property
    def lower(self) -> float:
        """The best lower bound so far."""
        reach = 1.0 if self._domain.bounded else self.radius
        bound = max((c - reach * size for c, size in self._planes), default=-math.inf)
        return min(bound, self.value)

    @property
    def gap(self) -> float:
        """How far F(x) can be above the minimum: ``value - lower``, at least 0."""
        return self.value - self.lower if self._planes else math.inf

    def add_point(self, x: np.ndarray, value: float) -> None:
        """Keep `x`, with the total loss `value`, if it is the best."""
        if value < self.value:
            self.x, self.value = x, value

    def add_minorants(self, minorants: Minorants, s: np.ndarray) -> None:
        """Keep the lower bound from `minorants` and their combined slope `s`, of shape (d,)."""
        offset_doubt = ROUNDING * float(np.abs(minorants.offset).sum())
        slope = minorants.slope
        lengths = np.abs(slope) if slope.ndim == 1 else np.linalg.norm(slope, axis=1)
        slope_doubt = ROUNDING * float(lengths @ self._norms)
        if self._domain.bounded:
            slope_doubt *= self._domain.radius(len(s))
            size = self._domain.support(-s) + slope_doubt
        else:
            size = float(np.linalg.norm(s)) + slope_doubt
        offset = float(minorants.offset.sum()) - offset_doubt
        if math.isfinite(offset) and math.isfinite(size):
            self._planes.append((offset, size))
            self.resolution = 2 * (offset_doubt + (self.radius or 1.0) * slope_doubt)
