"""The box, bounded coordinate by coordinate."""

from __future__ import annotations

import numpy as np

from oco import checks
from oco.domains.domain import LARGEST_RADIUS, Domain
from oco.linalg.bounded import project_onto_box
from oco.linalg.rounding import lengths


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

    def __init__(self, lower=-1.0, upper=1.0) -> None:
        self.lower, self.upper = _bound("lower", lower), _bound("upper", upper)
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

    def bounds(self, d: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower and the upper bound of each of `d` coordinates."""
        for name, bound in (("lower", self.lower), ("upper", self.upper)):
            if bound.ndim and bound.shape != (d,):
                raise ValueError(f"{name}: expected a number or {d} of them, got {bound.size}")
        return np.broadcast_to(self.lower, d), np.broadcast_to(self.upper, d)

    def radius(self, d):
        """Return the length of the corner furthest from the origin."""
        lower, upper = self.bounds(d)
        return float(np.linalg.norm(np.maximum(np.abs(lower), np.abs(upper))))

    def diameter(self, d):
        """Return ‖upper − lower‖₂."""
        lower, upper = self.bounds(d)
        return float(np.linalg.norm(upper - lower))

    def width(self, d):
        """Return ‖upper − lower‖_∞."""
        lower, upper = self.bounds(d)
        return float(np.max(upper - lower))

    def spans(self, d: int) -> np.ndarray:
        """Return sup |x_i − x_{1,i}| over K for each of `d` coordinates, of shape (d,)."""
        lower, upper = self.bounds(d)
        start = self.start(d)
        return np.maximum(upper - start, start - lower)

    def reach(self, d):
        """Return the distance from x_1 to the corner furthest from it."""
        return float(np.linalg.norm(self.spans(d)))

    def support(self, s):
        """Return Σ max(lower_i s_i, upper_i s_i)."""
        return float(np.maximum(self.lower * s, self.upper * s).sum())

    def supports(self, rows):
        """Return Σ max(lower_i s_i, upper_i s_i) of each row."""
        return np.maximum(self.lower * rows, self.upper * rows).sum(axis=1)

    def farthest(self, s):
        """Return the upper bound where s > 0, the lower where s < 0, and x_1 elsewhere."""
        return np.where(s > 0, self.upper, np.where(s < 0, self.lower, self.start(len(s))))

    def nearest(self, y):
        """Return `y` clipped to the bounds."""
        return np.clip(y, self.lower, self.upper)

    def distances(self, points):
        """Return the length of what clipping takes away from each."""
        # Nearly always all of them are inside, which their extremes show in half the time.
        low, high = points.min(axis=0, initial=np.inf), points.max(axis=0, initial=-np.inf)
        if (low >= self.lower).all() and (high <= self.upper).all():
            return np.zeros(len(points))
        beyond = np.maximum(self.lower - points, points - self.upper)
        outside = np.flatnonzero((beyond > 0).any(axis=1))
        result = np.zeros(len(points))
        result[outside] = lengths(np.maximum(beyond[outside], 0.0))
        return result

    def project(self, y, metric):
        """Return `y` clipped, or in a metric that is not diagonal the solution of a programme.

        Notes
        -----
        For the latter see `oco.linalg.bounded.project_onto_box`: a few times O(q²d) for a sketch
        with q directions, O(d³) for other metrics.

        Raises
        ------
        FloatingPointError
            If it is not found to 1e-10.
        """
        if metric.separable:
            return self.nearest(y)
        return project_onto_box(metric, y, *self.bounds(len(y)))

    def __repr__(self) -> str:
        def show(bound):
            return f"{bound:g}" if bound.ndim == 0 else f"<{bound.size} numbers>"

        return f"Box({show(self.lower)}, {show(self.upper)})"


def _bound(name: str, value) -> np.ndarray:
    limits = {"low": -LARGEST_RADIUS, "high": LARGEST_RADIUS}
    if np.ndim(value) == 0:
        return np.asarray(checks.number(name, value, **limits))
    result = checks.real(name, value)
    result = checks.vector(name, result, result.size)
    for extreme in (result.min(initial=0.0), result.max(initial=0.0)):
        checks.number(name, float(extreme), **limits)
    return result
