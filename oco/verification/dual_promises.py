"""Dual averaging and its bounds, from dense metrics: the formulas of the theorems, term by term."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from oco.domains import Box, Domain
from oco.verification.definitions import DenseSketch, escape_limit

__all__ = ["DUALS", "DenseDual"]

DUALS = ("da-norm", "da-diagonal", "da-full", "ftsl")


@dataclass
class DenseDual:
    """What the definition says, gradient by gradient.

    Attributes
    ----------
    name : str
        The learner's.
    d, k : int
        Dimension and sketch size.
    delta : float
        δ.
    """

    name: str
    d: int
    k: int
    delta: float
    rounds: int = 0
    quadratic: float = 0.0
    covariance: np.ndarray = field(init=False)
    total: np.ndarray = field(init=False)
    sketch: DenseSketch = field(init=False)

    def __post_init__(self) -> None:
        self.covariance, self.total = np.zeros((self.d, self.d)), np.zeros(self.d)
        self.sketch = DenseSketch(self.d, self.k)

    @property
    def statistic(self) -> np.ndarray:
        """What is added to δ²I."""
        if self.name == "da-norm":
            return np.trace(self.covariance) * np.eye(self.d)
        if self.name == "da-diagonal":
            return np.diag(np.diag(self.covariance))
        if self.name == "da-full":
            return self.covariance
        return self.sketch.matrix + self.sketch.tau * np.eye(self.d)

    @property
    def metric(self) -> np.ndarray:
        """H_t, the root of δ²I and the statistic."""
        values, vectors = np.linalg.eigh(self.delta**2 * np.eye(self.d) + self.statistic)
        return (vectors * np.sqrt(values)) @ vectors.T

    def absorb(self, g: np.ndarray) -> None:
        """Pay for a gradient in the metric before it, and add it to that."""
        self.rounds += 1
        self.quadratic += float(g @ np.linalg.solve(self.metric, g))
        self.covariance += np.outer(g, g)
        self.total += g
        self.sketch.absorb(np.outer(g, g))

    def growth(self, domain: Domain, start: np.ndarray, reach: float) -> float:
        """Return max (u − x_1)ᵀH(u − x_1) over u within `reach` of x_1.

        For a diagonal metric on a box over the box.
        """
        metric = self.metric
        if isinstance(domain, Box) and self.name in ("da-norm", "da-diagonal"):
            # A corner is farthest.
            sides = np.maximum(domain.upper - start, start - domain.lower)
            return float(np.diag(metric) @ sides**2)
        return reach**2 * float(np.linalg.eigvalsh(metric)[-1])

    def bound(self, name: str, lr: float, growth: float, reach: float) -> float:
        """Return the bound called `name`, with what the metric has grown to."""
        spectrum = np.maximum(np.linalg.eigvalsh(self.covariance), 0.0)
        roots = float(np.sqrt(spectrum).sum())
        if name == "certificate":
            return growth / (2 * lr) + lr / 2 * self.quadratic
        if name == "dual-trace":
            entries = np.diag(self.covariance)
            norm = self.name == "da-norm"
            paid = math.sqrt(entries.sum()) if norm else float(np.sqrt(entries).sum())
            return growth / (2 * lr) + lr * paid
        if name == "ftsl-sketch":
            return growth / (2 * lr) + lr * roots
        if name == "ftsl-theorem":
            escaped = escape_limit(spectrum, self.k) if self.name == "ftsl" else 0.0
            largest = math.sqrt(self.delta**2 + spectrum[-1] + escaped)
            return reach**2 * largest / (2 * lr) + lr * roots
        raise KeyError(name)
