"""The point of a box that is nearest in a metric: a quadratic programme, by projected Newton."""

from __future__ import annotations

import math

import numpy as np

from oco.linalg.operators import SpectralOperator

__all__ = ["project_onto_box", "slack"]

# Eigenvalues below this share of the largest are raised to it in the equations of a Newton step:
# along such directions the objective is flat to rounding, and nothing is divided by less.
FLAT = 1e-11
# What is found is the projection if its objective is proven to be this near to the smallest,
# relative to λ_max ‖x − y‖ (‖x − y‖ + the box's diameter), where ‖x − y‖ counts for at least NEAR
# of ‖x‖ + ‖y‖: nearer points differ by few roundings.
PROVEN, NEAR = 1e-10, 1e-5
# Steps go on to what rounding of x and y may make of it, with ‖x‖ + ‖y‖ for the first ‖x − y‖.
ROUNDING = 1e-15
# A step is shortened until it gains this share of what the slope promises.
SUFFICIENT = 1e-4
# Newton needs about five steps, each of which may be halved so many times.  Where it has not ended
# after STEPS, an active set does, in up to CHANGES changes a coordinate.
STEPS, HALVINGS, CHANGES = 25, 40, 20


def slack(slope, x, lower, upper) -> float:
    """Return ⟨slope, x⟩ − min ⟨slope, u⟩ over the box: 0 where no point is better to first order.

    Examples
    --------
    >>> slack(np.array([1.0, -1.0]), np.array([0.0, 0.5]), 0.0, 1.0)
    0.5
    """
    return float(np.maximum(slope * (x - lower), slope * (x - upper)).sum())


def project_onto_box(metric: SpectralOperator, y: np.ndarray, lower, upper) -> np.ndarray:
    r"""Return argmin (x − y)ᵀ H (x − y) over lower ≤ x ≤ upper, of shape (d,).

    Parameters
    ----------
    metric : SpectralOperator
        H; where it is singular, a minimiser near the clipped `y`.
    y : ndarray of shape (d,)
        What is projected.
    lower, upper : ndarray of shape (d,)
        The box.

    Raises
    ------
    FloatingPointError
        If the variational inequality ⟨H(x − y), u − x⟩ ≥ 0 for all u of the box is not met to
        1e-10, relative to λ_max ‖x − y‖ (‖x − y‖ + ‖upper − lower‖).

    Notes
    -----
    Coordinates at a bound that the slope H(x − y) presses against stay there; on the others, F, a
    step solves H_FF p = −(H(x − y))_F exactly and is clipped, and is halved until it gains enough
    [1]_.  Once the right coordinates are at their bounds one step ends it; where steps go round in
    circles, one bound is changed at a time.  ⟨H(x − y), x − u⟩ at the worst u, a sum over
    coordinates, bounds what any point can gain.

    References
    ----------
    .. [1] D. P. Bertsekas, "Projected Newton methods for optimization problems with simple
       constraints", SIAM J. Control Optim. 20 (1982).

    Examples
    --------
    >>> from oco.linalg.operators import Dense
    >>> H = Dense.of(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> project_onto_box(H, np.array([2.0, 0.0]), np.zeros(2), np.ones(2))
    array([1. , 0.5])
    """
    x = np.clip(y, lower, upper)
    largest = float(metric.values.max())
    if np.array_equal(x, y) or largest == 0.0:
        return x
    search = _Search(metric, y, lower, upper, largest)
    search.visit(x)
    if not (search.newton() or search.active_set()) and not search.least <= PROVEN:
        raise FloatingPointError(
            "domain: the projection onto the box, in a metric with eigenvalues from "
            f"{metric.values.min():.3g} to {largest:.3g}, is off by {search.least:.2g}"
        )
    return search.found


class _Search:
    """Points of the box on the way to the projection, and the best of them."""

    def __init__(self, metric, y, lower, upper, largest: float) -> None:
        self.metric, self.y, self.lower, self.upper, self.largest = metric, y, lower, upper, largest
        self.solve = metric.restricted(FLAT * largest)
        self.width = float(np.linalg.norm(upper - lower))
        self.least, self.found = math.inf, y

    def visit(self, x: np.ndarray) -> bool:
        """Go to `x`; tell whether what it could gain is rounding."""
        self.x, self.slope = x, self.metric @ (x - self.y)
        apart = float(np.linalg.norm(x - self.y))
        size = float(np.linalg.norm(x)) + float(np.linalg.norm(self.y))
        gap = slack(self.slope, x, self.lower, self.upper) / self.largest / (apart + self.width)
        if gap / (apart + NEAR * size) < self.least:
            self.least, self.found = gap / (apart + NEAR * size), x
        return gap <= ROUNDING * size

    def pressed(self) -> np.ndarray:
        """Return which coordinates are at a bound that the slope presses them against."""
        below = (self.x <= self.lower) & (self.slope > 0)
        return below | ((self.x >= self.upper) & (self.slope < 0))

    def direction(self, held: np.ndarray) -> np.ndarray:
        """Return the step to the least objective with the coordinates `held` kept."""
        step, free = np.zeros(len(held)), ~held
        step[free] = -self.solve(free, self.slope[free])
        return step

    def newton(self) -> bool:
        """Take clipped steps; tell whether they ended at the projection."""
        for _ in range(STEPS):
            x = self._shortened(self.direction(self.pressed()))
            if x is None:
                return False
            if self.visit(x):
                return True
        return False

    def _shortened(self, step) -> np.ndarray | None:
        """Return the clipped x + α·step, α = 1, ½, …, that gains enough; None if none does."""
        for halving in range(HALVINGS):
            x = np.clip(self.x + math.ldexp(1.0, -halving) * step, self.lower, self.upper)
            moved = x - self.x
            promised = float(self.slope @ moved)
            # The objective is quadratic: what it changes by is its slope's part and half of this.
            if promised + float(moved @ (self.metric @ moved)) / 2 <= SUFFICIENT * promised < 0:
                return x
        return None

    def active_set(self) -> bool:
        """Change one bound after the other; tell whether that ended at the projection."""
        self.visit(self.found)
        held, movable = self.pressed(), self.lower < self.upper
        for _ in range(CHANGES * len(held)):
            step = self.direction(held)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                towards = np.where(step > 0, self.upper, self.lower)
                room = np.where(step != 0, (towards - self.x) / step, np.inf)
            share = min(1.0, float(room.min()))
            blocked = room <= share
            x = np.clip(self.x + share * step, self.lower, self.upper)
            if share < 1.0:
                x[blocked] = towards[blocked]
                held = held | blocked
                self.visit(x)
                continue
            if self.visit(x):
                return True
            wrong = np.where(held & movable & ~self.pressed(), np.abs(self.slope), 0.0)
            if not wrong.any():
                return False
            held = held.copy()
            held[np.argmax(wrong)] = False
        return False
