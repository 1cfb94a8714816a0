"""Convex domains K: the sets that a learner may play in, with projection in the learner's metric.

The projection of y in the metric H is argmin_{x in K} (x − y)ᵀ H (x − y).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np

from oco import checks
from oco.linalg.operators import SpectralOperator
from oco.linalg.rounding import UNIT, gamma, lengths

__all__ = ["DOMAINS", "FEASIBLE", "Ball", "Box", "Domain", "Euclidean"]

# Radii whose squares, and those of points a few orders of magnitude outside, are normal numbers.
SMALLEST_RADIUS, LARGEST_RADIUS = 1e-150, 1e150
#: How far from K a point may lie by rounding, relative to K's size.
FEASIBLE = 1e-12


class Domain(ABC):
    """A closed convex set K in R^d.

    Attributes
    ----------
    name : str
        What the command line calls it.
    bounded : bool
        Whether K has a finite diameter.
    separable_only : bool
        Whether `project` needs a metric that is diagonal in the coordinates.
    radial : bool
        Whether K is all of the points of length ≤ `radius`.
    """

    name: str
    bounded: bool = True
    separable_only: bool = False
    radial: bool = False

    @abstractmethod
    def radius(self, d: int) -> float:
        """Return sup ‖x‖₂ over K in dimension `d`."""

    @abstractmethod
    def diameter(self, d: int) -> float:
        """Return sup ‖x − y‖₂ over K in dimension `d`: the D of the regret bounds."""

    @abstractmethod
    def width(self, d: int) -> float:
        """Return sup ‖x − y‖_∞ over K in dimension `d`: the D_∞ of diagonal AdaGrad's bound."""

    def reach(self, d: int) -> float:
        """Return sup ‖x − x_1‖₂ over K in dimension `d`, or a bound on it, with x_1 of `start`."""
        return self.radius(d) + float(np.linalg.norm(self.start(d)))

    @abstractmethod
    def support(self, s: np.ndarray) -> float:
        """Return the support function max_{x in K} ⟨s, x⟩ of `s`, of shape (d,)."""

    @abstractmethod
    def farthest(self, s: np.ndarray) -> np.ndarray:
        """Return a point of K, of shape (d,), where ⟨s, x⟩ is largest."""

    @abstractmethod
    def nearest(self, y: np.ndarray) -> np.ndarray:
        """Return the Euclidean projection of `y`, of shape (d,)."""

    @abstractmethod
    def project(self, y: np.ndarray, metric: SpectralOperator) -> np.ndarray:
        """Return argmin_{x in K} (x − y)ᵀ H (x − y) for the metric H, of shape (d,)."""

    def start(self, d: int) -> np.ndarray:
        """Return x_1, of shape (d,): the origin, or the point of K nearest to it."""
        return self.nearest(np.zeros(d))

    def distances(self, points: np.ndarray) -> np.ndarray:
        """Return the Euclidean distance to K of each row of `points`, of shape (n, d); 0 in K."""
        return np.array([np.linalg.norm(x - self.nearest(x)) for x in points])

    def distance(self, x: np.ndarray) -> float:
        """Return the Euclidean distance of `x`, of shape (d,), to K; 0 in K."""
        return float(self.distances(np.asarray(x, dtype=np.float64)[None])[0])

    def contains(self, x: np.ndarray, tolerance: float = FEASIBLE) -> bool:
        """Tell whether `x` lies within ``tolerance * (1 + ‖x‖)`` of K; the default is rounding."""
        return self.distance(x) <= tolerance * (1 + float(np.linalg.norm(x)))

    def within(self, x: np.ndarray) -> np.ndarray:
        """Return `x`, which lies in K to rounding, or a point next to it that lies in K exactly."""
        return self.nearest(x)


class Euclidean(Domain):
    """All of R^d: no projection, and no diameter, so bounds use the distances that occurred.

    Examples
    --------
    >>> Euclidean().diameter(3)
    inf
    """

    name = "unconstrained"
    bounded = False

    def radius(self, d):
        """Return infinity."""
        return math.inf

    def diameter(self, d):
        """Return infinity."""
        return math.inf

    def width(self, d):
        """Return infinity."""
        return math.inf

    def support(self, s):
        """Return infinity, or 0 for s = 0."""
        return math.inf if np.any(s) else 0.0

    def farthest(self, s):
        """Return the origin for s = 0; for any other there is none.

        Raises
        ------
        ValueError
            If s is not 0.
        """
        if np.any(s):
            raise ValueError("s: expected 0 on an unbounded domain, got another vector")
        return np.zeros_like(s)

    def nearest(self, y):
        """Return `y` itself."""
        return y

    def distances(self, points):
        """Return 0 for each."""
        return np.zeros(len(points))

    def project(self, y, metric):
        """Return `y` itself."""
        return y

    def __repr__(self) -> str:
        return "Euclidean()"


class Ball(Domain):
    """The Euclidean ball {x : ‖x‖₂ ≤ R}.

    Parameters
    ----------
    radius : float
        R from 1e-150 to 1e150, in the units of x.

    Raises
    ------
    ValueError
        If `radius` is not a number in this range.

    Examples
    --------
    >>> from oco.linalg.operators import Diagonal
    >>> K = Ball(1.0)
    >>> K.diameter(3), K.support(np.array([3.0, 4.0]))
    (2.0, 5.0)
    >>> K.project(np.array([3.0, 4.0]), Diagonal(np.array([1.0, 1.0])))
    array([0.6, 0.8])
    """

    name = "ball"
    radial = True

    def __init__(self, radius: float = 1.0) -> None:
        self._radius = checks.number("radius", radius, low=SMALLEST_RADIUS, high=LARGEST_RADIUS)

    def radius(self, d):
        """Return R."""
        return self._radius

    def diameter(self, d):
        """Return 2R."""
        return 2 * self._radius

    def width(self, d):
        """Return 2R."""
        return 2 * self._radius

    def support(self, s):
        """Return R‖s‖₂."""
        return self._radius * float(lengths(s[None])[0])

    def farthest(self, s):
        """Return R s/‖s‖₂, or the origin for s = 0."""
        length = float(lengths(s[None])[0])
        return (s / length) * self._radius if length else np.zeros_like(s)

    def nearest(self, y):
        """Return `y`, shortened to length R if it is longer."""
        length = math.sqrt(np.dot(y, y))
        return y if length <= self._radius else y * (self._radius / length)

    def distances(self, points):
        """Return max(‖x‖₂ − R, 0) for each."""
        return np.maximum(lengths(points) - self._radius, 0.0)

    def within(self, x):
        """Return `x`, shortened by a few roundings if ‖x‖₂ ≤ R is not certain."""
        rounding = 2 * gamma(len(x) + 8)
        length = float(lengths(x[None])[0]) * (1 + rounding)
        return x if length <= self._radius else x * (self._radius / length * (1 - 4 * UNIT))

    def project(self, y, metric):
        """Return (H + μI)⁻¹ H y, with μ ≥ 0 the root of ‖x‖₂ = R if ‖y‖₂ > R.

        Notes
        -----
        Costs what two applications of the metric cost; see `SpectralOperator.project_on_ball`, and
        `ball_weights` for singular H.
        """
        if np.dot(y, y) <= self._radius**2:
            return y
        # The root is met to rounding; `nearest` removes what rounding left outside.
        return self.nearest(metric.project_on_ball(y, self._radius))

    def __repr__(self) -> str:
        return f"Ball({self._radius:g})"


class Box(Domain):
    """The box {x : lower ≤ x ≤ upper}, coordinate by coordinate.

    Parameters
    ----------
    lower, upper : float or array_like of shape (d,)
        Bounds, in the units of x; a number stands for all coordinates.

    Raises
    ------
    ValueError
        If a bound is not finite or beyond ±1e150, the shapes disagree, or lower > upper somewhere.

    Examples
    --------
    >>> K = Box(-1, [1.0, 2.0])
    >>> K.diameter(2) == 13**0.5, K.width(2), K.nearest(np.array([5.0, -5.0]))
    (True, 3.0, array([ 1., -1.]))
    """

    name = "box"
    separable_only = True

    def __init__(self, lower=-1.0, upper=1.0) -> None:
        self.lower, self.upper = (
            _bound("lower", lower),
            _bound("upper", upper),
        )
        try:
            crossed = np.argwhere(np.atleast_1d(self.lower > self.upper))
        except ValueError:
            raise ValueError(
                f"lower: expected the shape of upper, {self.upper.shape}, got {self.lower.shape}"
            ) from None
        if len(crossed):
            raise ValueError(
                f"lower: expected lower <= upper, got lower {lower} and upper {upper} "
                f"(coordinate {int(crossed[0, 0])})"
            )

    def _bounds(self, d: int) -> tuple[np.ndarray, np.ndarray]:
        for name, bound in (("lower", self.lower), ("upper", self.upper)):
            if bound.ndim and bound.shape != (d,):
                raise ValueError(f"{name}: expected a number or {d} of them, got {bound.size}")
        return np.broadcast_to(self.lower, d), np.broadcast_to(self.upper, d)

    def radius(self, d):
        """Return the length of the corner furthest from the origin."""
        lower, upper = self._bounds(d)
        return float(np.linalg.norm(np.maximum(np.abs(lower), np.abs(upper))))

    def diameter(self, d):
        """Return ‖upper − lower‖₂."""
        lower, upper = self._bounds(d)
        return float(np.linalg.norm(upper - lower))

    def width(self, d):
        """Return ‖upper − lower‖_∞."""
        lower, upper = self._bounds(d)
        return float(np.max(upper - lower))

    def spans(self, d: int) -> np.ndarray:
        """Return sup |x_i − x_{1,i}| over K for each of `d` coordinates, of shape (d,)."""
        lower, upper = self._bounds(d)
        start = self.start(d)
        return np.maximum(upper - start, start - lower)

    def reach(self, d):
        """Return the distance from x_1 to the corner furthest from it."""
        return float(np.linalg.norm(self.spans(d)))

    def support(self, s):
        """Return Σ max(lower_i s_i, upper_i s_i)."""
        return float(np.maximum(self.lower * s, self.upper * s).sum())

    def farthest(self, s):
        """Return the upper bound where s > 0, the lower where s < 0, and x_1 elsewhere."""
        return np.where(s > 0, self.upper, np.where(s < 0, self.lower, self.start(len(s))))

    def nearest(self, y):
        """Return `y` clipped to the bounds."""
        return np.clip(y, self.lower, self.upper)

    def distances(self, points):
        """Return the length of what clipping takes away from each."""
        beyond = np.maximum(self.lower - points, points - self.upper)
        outside = np.flatnonzero((beyond > 0).any(axis=1))
        result = np.zeros(len(points))
        result[outside] = lengths(np.maximum(beyond[outside], 0.0))
        return result

    def project(self, y, metric):
        """Return `y` clipped: the projection in any metric that is diagonal in the coordinates.

        Raises
        ------
        ValueError
            If the metric is not diagonal: the projection would be a quadratic programme.
        """
        if not metric.separable:
            raise ValueError(
                "domain: a box needs a scalar or diagonal metric (ogd, adagrad-norm, adagrad), "
                f"got {type(metric).__name__}; use a ball"
            )
        return self.nearest(y)

    def __repr__(self) -> str:
        def show(bound):
            return f"{bound:g}" if bound.ndim == 0 else f"<{bound.size} numbers>"

        return f"Box({show(self.lower)}, {show(self.upper)})"


DOMAINS: dict[str, type[Domain]] = {K.name: K for K in (Euclidean, Ball, Box)}


def _bound(name: str, value) -> np.ndarray:
    limits = {"low": -LARGEST_RADIUS, "high": LARGEST_RADIUS}
    if np.ndim(value) == 0:
        return np.asarray(checks.number(name, value, **limits))
    result = checks.real(name, value)
    result = checks.vector(name, result, result.size)
    for extreme in (result.min(initial=0.0), result.max(initial=0.0)):
        checks.number(name, float(extreme), **limits)
    return result
