"""The ellipsoid around the origin, along the coordinates."""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.domains.domain import LARGEST_RADIUS, SMALLEST_RADIUS, Domain
from oco.linalg.operators import Dense, Diagonal
from oco.linalg.rounding import UNIT, gamma, lengths


class Ellipsoid(Domain):
    """The ellipsoid {x : Σ (x_i/a_i)² ≤ 1}.

    Parameters
    ----------
    semiaxes : float or array_like of shape (d,)
        a from 1e-150 to 1e150, in the units of x; a number stands for all coordinates.

    Raises
    ------
    TypeError, ValueError
        If one is not in this range; methods raise it for vectors of another length.

    Examples
    --------
    >>> K = Ellipsoid([3.0, 4.0])
    >>> K.diameter(2), K.support(np.array([1.0, 1.0])), K.width(2)
    (8.0, 5.0, 8.0)
    >>> K.project(np.array([9.0, 0.0]), Diagonal(np.array([1.0, 5.0])))
    array([3., 0.])
    """

    name = "ellipsoid"

    def __init__(self, semiaxes=1.0) -> None:
        limits = {"low": SMALLEST_RADIUS, "high": LARGEST_RADIUS}
        if np.ndim(semiaxes):
            given = checks.real("semiaxes", semiaxes)
            given = checks.vector("semiaxes", given, given.size)
            for extreme in (given.min(initial=1.0), given.max(initial=1.0)):
                checks.number("semiaxes", float(extreme), **limits)
        else:
            given = np.asarray(checks.number("semiaxes", semiaxes, **limits))
        self.semiaxes = given

    def axes(self, d: int) -> np.ndarray:
        """Return a, of shape (d,)."""
        if self.semiaxes.ndim and self.semiaxes.shape != (d,):
            raise ValueError(
                f"semiaxes: expected a number or {d} of them, got {self.semiaxes.size}"
            )
        return np.broadcast_to(self.semiaxes, d)

    def radius(self, d):
        """Return max a_i."""
        return float(self.axes(d).max())

    def diameter(self, d):
        """Return 2 max a_i."""
        return 2 * self.radius(d)

    def width(self, d):
        """Return 2 max a_i."""
        return 2 * self.radius(d)

    def support(self, s):
        """Return ‖a ∘ s‖₂."""
        return float(lengths((self.axes(len(s)) * s)[None])[0])

    def farthest(self, s):
        """Return a² ∘ s/‖a ∘ s‖₂, or the origin for s = 0."""
        scaled = self.axes(len(s)) * s
        length = float(lengths(scaled[None])[0])
        return self.axes(len(s)) * (scaled / length) if length else np.zeros_like(s)

    def nearest(self, y):
        """Return the Euclidean projection."""
        return self._projected(y, np.ones(len(y)), None)

    def within(self, x):
        """Return `x`, shortened by a few roundings if it is not certain to be inside."""
        rounding = 2 * gamma(len(x) + 10)
        length = float(lengths((x / self.axes(len(x)))[None])[0]) * (1 + rounding)
        return x if length <= 1 else x * ((1 - 4 * UNIT) / length)

    def project(self, y, metric):
        """Return a ∘ z, with z the point of the unit ball nearest to y/a in the metric AHA.

        A = diag(a); O(d) for a diagonal H, O(d³) for others.
        """
        if metric.separable:
            return self._projected(y, metric @ np.ones(len(y)), None)
        return self._projected(y, None, metric)

    def _projected(self, y: np.ndarray, h: np.ndarray | None, metric) -> np.ndarray:
        a = self.axes(len(y))
        z = y / a
        if float(lengths(z[None])[0]) <= 1:
            return y
        # Eigenvalues relative to the largest: squares of semiaxes may be as large as 1e300.
        scaled = a / a.max()
        if h is not None:
            z = Diagonal(scaled**2 * h).project_on_ball(z, 1.0)
        else:
            z = Dense.of(scaled[:, None] * metric.dense() * scaled).project_on_ball(z, 1.0)
        return a * (z / max(1.0, math.sqrt(float(z @ z))))

    def __repr__(self) -> str:
        a = self.semiaxes
        return f"Ellipsoid({f'{a:g}' if a.ndim == 0 else f'<{a.size} numbers>'})"
