"""The bounds on the regret from dense metrics: the formulas of the theorems, term by term."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from oco import checks
from oco.verification.definitions import Metric, escape_limit

__all__ = ["DenseAccount"]


@dataclass
class DenseAccount:
    """What the bounds of a game are made of, gradient by gradient.

    Attributes
    ----------
    lr : float
        η.
    k : int
        Sketch size ℓ.
    shape : tuple of int
        Of the gradients, with axes of length 1 left out.
    covariance : ndarray of shape (d, d)
        G_t.
    axis_covariances : list of ndarray
        Σ GGᵀ along each axis.
    quadratic, squares : float
        Σ gᵀH⁻¹g and Σ ‖g‖².
    rounds : int
        t.
    """

    lr: float
    k: int
    shape: tuple[int, ...]
    covariance: np.ndarray = field(init=False)
    axis_covariances: list[np.ndarray] = field(init=False)
    quadratic: float = 0.0
    squares: float = 0.0
    rounds: int = 0
    metric: Metric | None = None

    def __post_init__(self) -> None:
        d = math.prod(self.shape)
        self.covariance = np.zeros((d, d))
        self.axis_covariances = [np.zeros((n, n)) for n in self.shape]

    def enter(self, g: np.ndarray, metric: Metric) -> None:
        """Add a gradient and the metric after it."""
        self.rounds += 1
        self.covariance += np.outer(g, g)
        tensor = g.reshape(self.shape)
        for i, covariance in enumerate(self.axis_covariances):
            columns = np.moveaxis(tensor, i, 0).reshape(self.shape[i], -1)
            covariance += columns @ columns.T
        self.quadratic += float(g @ metric.direction)
        self.squares += float(g @ g)
        self.metric = metric

    @property
    def gradient_rank(self) -> float:
        """The largest rank that a gradient can have."""
        return float(min(self.shape)) if len(self.shape) > 1 else 1.0

    def resolution(self, diameter: float) -> float:
        """Return (D²/(2η) + η)·d·(Σ‖g‖²)^{1/2}, beside which bounds have their rounding.

        Escapes enter by their roots, and so does their rounding.
        """
        growth = len(self.covariance) * math.sqrt(self.squares)
        return diameter**2 / (2 * self.lr) * growth + self.lr * growth

    def bound(self, name: str, diameter: float, gradient_bound: float) -> float:
        """Return the bound called `name` for D and G."""
        grown, eta = diameter**2 / (2 * self.lr), self.lr
        metric = checks.known("metric", self.metric)
        potential = metric.potential
        spectrum = np.maximum(np.linalg.eigvalsh(self.covariance), 0.0)
        roots, d = float(np.sqrt(spectrum).sum()), len(spectrum)
        rank = self.gradient_rank
        if name == "certificate":
            return grown * potential + eta / 2 * self.quadratic
        if name == "rounds":
            return (grown + eta * gradient_bound**2) * math.sqrt(self.rounds)
        if name in ("trace", "one-sided-trace"):
            return (grown + eta) * potential
        if name == "sketch":
            return grown * (roots + d * math.sqrt(checks.known("tau", metric.tau))) + eta * roots
        if name == "theorem-3":
            omega = escape_limit(spectrum, self.k)
            return grown * (roots + d * math.sqrt(omega)) + eta * roots
        if name == "shampoo-trace":
            return (grown + eta * rank) * potential
        if name == "shampoo-theorem":
            return (grown + eta * rank) * math.prod(self._axis_bounds(metric))
        if name == "one-sided-theorem":
            (axis,) = metric.axes
            spectrum = np.maximum(np.linalg.eigvalsh(self.axis_covariances[axis.index]), 0.0)
            omega = escape_limit(spectrum, self.k) if self.k < len(spectrum) else 0.0
            traced = float(np.sqrt(spectrum).sum())
            return grown * (traced + len(spectrum) * math.sqrt(omega)) + eta * traced
        raise KeyError(name)

    def _axis_bounds(self, metric: Metric) -> Iterator[float]:
        power = 1 / (2 * len(self.shape))
        for axis, covariance in zip(metric.axes, self.axis_covariances, strict=True):
            spectrum = np.maximum(np.linalg.eigvalsh(covariance), 0.0)
            omega = escape_limit(spectrum, self.k) if self.k < len(spectrum) else 0.0
            exact = float(((spectrum + axis.epsilon) ** power).sum())
            yield exact + len(spectrum) * omega**power
