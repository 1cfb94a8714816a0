"""The interval that holds the smallest total loss: the best value seen, the best bound proven."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from oco.domains import Domain
from oco.linalg.rounding import ABOVE, SMALLEST, UNIT, exact_sum, gamma, lengths
from oco.regret.enclosures import above, below, running_losses
from oco.regret.inspection import LossError
from oco.regret.minorants import Minorants
from oco.regret.passes import Rounds

__all__ = ["Certificate", "Proof"]

# Where K is unbounded, the lower bound is proven in the ball of this many times ‖x̂‖.
REACH = 2.0
# How much rounding a loss or an offset is taken to carry, relative to its size, when the smallest
# gap that can be proven is estimated.
TYPICAL = 20 * UNIT


class Proof(NamedTuple):
    """What is proven of min_K F.

    Attributes
    ----------
    x : ndarray of shape (d,)
        x̂, which lies in K exactly.
    value, upper : float
        F(x̂) as computed, and what it is at most; so is min_K F.
    lower : float
        min_K F is at least this.
    """

    x: np.ndarray
    value: float
    upper: float
    lower: float


class _Plane(NamedTuple):
    """A lower bound F(x) ≥ ⟨slope, x⟩ + offset, with the minorants that it is the sum of.

    `size` is what is to be taken off the offset: max_{x in K} ⟨−slope, x⟩ on a bounded K, and that
    maximum on the unit ball on an unbounded one, both with the doubt in the slope.
    """

    minorants: Minorants
    slope: np.ndarray
    offset: float
    size: float


class Certificate:
    """Upper and lower bounds on min_K F, gathered from every point and every minorant met.

    Parameters
    ----------
    loss : Loss
        φ.
    data : Rounds
        The rounds of F.
    domain : Domain
        K.

    Attributes
    ----------
    x : ndarray of shape (d,)
        The point of K with the smallest total loss so far.
    value : float
        Its total loss F(x), as computed.
    resolution : float
        A gap that rounding could have made: there is no use in a smaller one.

    Notes
    -----
    Minorants with slopes v_t and offsets c_t give F(x) ≥ ⟨s, x⟩ + Σ c_t with s = Σ v_t a_t, hence
    min_K F ≥ Σ c_t − max_{x in K} ⟨−s, x⟩: weak duality, whatever made the slopes.  If K is
    unbounded, K ∩ {‖x‖ ≤ `radius`} takes its place.

    While the search goes on, sums are taken as they come; what is returned in the end is `proof`,
    in which the error of each sum is bounded.
    """

    def __init__(self, loss, data: Rounds, domain: Domain) -> None:
        self._loss, self._data, self._domain = loss, data, domain
        longest = float(data.norms.max(initial=0.0))
        self._shortest = 1.0 / longest if longest > 0 else 1.0
        # The plane with the smallest size is the best one in a ball that is large enough.
        self._floor: _Plane | None = None
        self._best: _Plane | None = None
        self.x = domain.start(data.d)
        self.value, self.resolution = math.inf, 0.0

    @property
    def radius(self) -> float | None:
        """The radius of the ball that the lower bound holds in; None if it holds on all of K.

        It is 2‖x̂‖, and at least 2/max‖a_t‖, where predictions reach 2.
        """
        return None if self._domain.bounded else self._reach

    @property
    def lower(self) -> float:
        """The best lower bound so far, as computed."""
        return min(max(map(self._level, self._planes()), default=-math.inf), self.value)

    @property
    def gap(self) -> float:
        """How far F(x) can be above the minimum, as computed: ``value - lower``, at least 0."""
        return self.value - self.lower if self._planes() else math.inf

    @property
    def minorants(self) -> Minorants | None:
        """The minorants of the best lower bound so far."""
        return None if self._best is None else self._best.minorants

    def add_point(self, x: np.ndarray, value: float) -> None:
        """Keep `x`, with the total loss `value`, if it is the best."""
        if value < self.value:
            self.x, self.value = x, value

    def add_minorants(self, minorants: Minorants, s: np.ndarray) -> None:
        """Keep the lower bound from `minorants` and their combined slope `s`, of shape (d,)."""
        doubt = float(minorants.doubt @ self._data.norms)
        if self._domain.bounded:
            size = self._domain.support(-s) + self._domain.radius(len(s)) * doubt
        else:
            size = float(np.linalg.norm(s)) + doubt
        plane = _Plane(minorants, s, float(minorants.offset.sum()), size)
        if not (math.isfinite(plane.offset) and math.isfinite(size)):
            return
        if self._floor is None or size < self._floor.size:
            self._floor = plane
        if self._best is None or self._level(plane) > self._level(self._best):
            self._best = plane
        terms = float(np.abs(minorants.offset).sum()) + abs(self.value)
        rounding = 2 * self._data.summing + gamma(len(s))
        self.resolution = TYPICAL * terms + rounding * self._reach * self._weight(minorants)

    def closed(self, target: float) -> bool:
        """Tell whether the gap is proven to be at most `target`, or what rounding makes of it."""
        if self.gap > max(target - self.resolution, self.resolution):
            return False
        found = self.proof()
        return found.upper - found.lower <= target or self.gap <= self.resolution

    def proof(self) -> Proof:
        """Return the interval that is proven, with x̂ moved into K by a rounding if need be.

        Raises
        ------
        LossError
            If the lower bound lies above the value attained.
        """
        x = self._domain.within(self.x)
        z = self._data.predictions(x)
        doubt = self._data.prediction_doubt(float(lengths(x[None])[0]) * ABOVE)
        total = running_losses(self._loss, z, self._data.labels, doubt, [len(self._data)])
        upper = float(total.upper[0])
        lower = max(map(self._proven, self._planes()), default=-math.inf)
        if lower > upper:
            raise LossError(
                f"loss: a lower bound on the best fixed point's loss, {lower:.9g}, lies above the "
                f"{upper:.9g} that is attained: {self._loss.name!r} is not convex, or its "
                "derivative, conjugate or minorant is wrong"
            )
        return Proof(x, float(total.value[0]), upper, lower)

    def _planes(self) -> list[_Plane]:
        return [plane for plane in (self._floor, self._best) if plane is not None]

    def _proven(self, plane: _Plane) -> float:
        """Return the lower bound from a plane, less what rounding may have added to it."""
        minorants, s, *_ = plane
        radius = self._reach
        # How far the exact combined slope may be from s: the rounding of each term, and the
        # distance between the slopes as computed and those that are proven.
        off = self._data.summing * self._weight(minorants)
        off += float(minorants.doubt @ self._data.norms) + self._lost(minorants)
        if self._domain.bounded:
            size = self._domain.support(-s)
        else:
            size = radius * float(lengths(s[None])[0])
        # The support function of s is itself rounded: d products, their sum, and R‖s‖.
        off += gamma(2 * len(s) + 8) * float(lengths(s[None])[0])
        offset = exact_sum(minorants.offset)
        lower = below(offset - above(size + above(radius * off * ABOVE)))
        lower = below(lower - 2 * UNIT * abs(offset))
        return float(lower) if math.isfinite(lower) else -math.inf

    def _lost(self, minorants: Minorants) -> float:
        """Return what products that underflow may have taken from the combined slope."""
        if not np.any(minorants.slope):
            return 0.0
        return SMALLEST * self._data.d * np.count_nonzero(self._data.norms)

    @property
    def _reach(self) -> float:
        """The radius of K, or of the ball that takes its place where K is unbounded."""
        if self._domain.bounded:
            return self._domain.radius(self._data.d)
        return REACH * max(self._shortest, float(np.linalg.norm(self.x)))

    def _weight(self, minorants: Minorants) -> float:
        """Return Σ ‖u_t‖‖a_t‖."""
        slope = minorants.slope
        sizes = np.abs(slope) if slope.ndim == 1 else lengths(slope)
        return float(sizes @ self._data.norms)

    def _level(self, plane: _Plane) -> float:
        return plane.offset - (1.0 if self._domain.bounded else self._reach) * plane.size
