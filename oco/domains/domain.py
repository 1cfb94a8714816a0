"""What a domain is asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from oco.linalg.operators import Scalar, SpectralOperator

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
    metrics : {"any", "diagonal", "scalar"}
        Which metrics `project` takes.
    radial : bool
        Whether K is all of the points of length ≤ `radius`.
    """

    name: str
    bounded: bool = True
    metrics: str = "any"
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

    def supports(self, rows: np.ndarray) -> np.ndarray:
        """Return the support function of each row, of shape (n, d)."""
        return np.array([self.support(s) for s in rows])

    @abstractmethod
    def farthest(self, s: np.ndarray) -> np.ndarray:
        """Return a point of K, of shape (d,), where ⟨s, x⟩ is largest."""

    @abstractmethod
    def nearest(self, y: np.ndarray) -> np.ndarray:
        """Return the Euclidean projection of `y`, of shape (d,)."""

    @abstractmethod
    def project(self, y: np.ndarray, metric: SpectralOperator) -> np.ndarray:
        """Return argmin_{x in K} (x − y)ᵀ H (x − y) for the metric H, of shape (d,)."""

    def require(self, metric: SpectralOperator, separable: bool) -> None:
        """Raise a ValueError if `project` does not take metrics of a learner's kind.

        Parameters
        ----------
        metric : SpectralOperator
            One of them.
        separable : bool
            Whether all of them are diagonal in the coordinates.
        """
        scalar = separable and isinstance(metric, Scalar)
        if self.metrics == "any" or scalar or (self.metrics == "diagonal" and separable):
            return
        asked = {
            "diagonal": "scalar or diagonal metric (ogd, adagrad-norm, adagrad, da-diagonal)",
            "scalar": "scalar metric (ogd, adagrad-norm, da-norm)",
        }[self.metrics]
        raise ValueError(
            f"domain: {self.name} needs a learner with a {asked}, got {self!r} and a "
            f"{type(metric).__name__}; use a ball, a box or an ellipsoid"
        )

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
