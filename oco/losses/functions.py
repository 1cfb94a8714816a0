"""Margin losses φ(z, y): what a round costs when the learner's prediction is z = ⟨a, x⟩.

Every loss is convex in the prediction z for a fixed label y.  The gradient in x is φ'(z, y) a, so a
loss, its slope and its conjugate are functions of numbers; they are written as ufunc expressions
and take scalars and arrays alike, without overflow warnings at any finite prediction.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from scipy.special import expit, xlog1py, xlogy

from oco import marks

__all__ = [
    "ABSOLUTE",
    "HINGE",
    "LINEAR",
    "LOGISTIC",
    "MARGIN_LOSSES",
    "SQUARED",
    "Absolute",
    "Hinge",
    "Linear",
    "Logistic",
    "Loss",
    "Squared",
]

# How far outside the conjugate's domain a slope may lie and still count as on its edge: the slopes
# that solvers and products of labels hand in are off by a few roundings, never by this much.
DOMAIN_SLACK = 1e-12


@marks.loss
class Loss(ABC):
    """A loss φ(z, y), convex in the prediction z.

    A loss of one's own needs `value` and `derivative`; everything else has a default.

    Attributes
    ----------
    name : str
        How the command line calls it.
    smooth : bool
        Whether φ is twice differentiable in z, so that `curvature` exists.
    labels : {"binary", "real", "class"}
        Whether y is a sign, −1 or +1, any real number, or the number 0, 1, … of a class; with
        classes, a prediction is a vector with one entry a class.
    conjugate : callable or None
        ``conjugate(u, y)`` is sup_z u z − φ(z, y); None where it is not known.
    curvature : callable or None
        ``curvature(z, y)`` is φ''(z, y); None for a loss that is not smooth, or of vectors.

    Examples
    --------
    >>> class Exponential(Loss):
    ...     name, labels = "exponential", "binary"
    ...
    ...     def value(self, z, y):
    ...         return np.exp(-y * z)
    ...
    ...     def derivative(self, z, y):
    ...         return -y * np.exp(-y * z)
    >>> Exponential().lipschitz(1.0, 1.0)
    inf
    """

    name: str = "custom"
    smooth: bool = False
    labels: str = "real"
    conjugate = None
    curvature = None

    @abstractmethod
    def value(self, z, y):
        """Return φ(z, y), elementwise."""

    @abstractmethod
    def derivative(self, z, y):
        """Return a subgradient of φ in z, elementwise."""

    def lipschitz(self, z_max: float, y_max: float) -> float:
        """Return sup |φ'(z, y)| over |z| ≤ `z_max`, |y| ≤ `y_max`; infinite unless overridden."""
        return math.inf

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Linear(Loss):
    """φ(z, y) = −y z; the label −1 makes the feature itself the gradient.

    Examples
    --------
    >>> LINEAR.value(2.0, -1.0)
    2.0
    """

    name, smooth, labels = "linear", True, "binary"

    def value(self, z, y):
        """Return −y z."""
        return -y * z

    def derivative(self, z, y):
        """Return −y."""
        return -y * np.ones_like(z, dtype=np.float64)

    def curvature(self, z, y):
        """Return 0."""
        return np.zeros(np.broadcast(z, y).shape)[()]

    def lipschitz(self, z_max, y_max):
        """Return sup |y|."""
        return float(y_max)

    def conjugate(self, u, y):
        """Return 0 at u = −y, infinity elsewhere."""
        return _on_domain(np.abs(u + y), DOMAIN_SLACK * np.maximum(1.0, np.abs(y)), 0.0 * u)


class Squared(Loss):
    """φ(z, y) = (z − y)² / 2.

    Examples
    --------
    >>> SQUARED.value(3.0, 1.0)
    2.0
    """

    name, smooth, labels = "squared", True, "real"

    def value(self, z, y):
        """Return (z − y)² / 2; infinite where that is beyond the floating-point range."""
        residual = z - y
        with np.errstate(over="ignore"):
            return 0.5 * residual * residual

    def derivative(self, z, y):
        """Return z − y."""
        return z - y

    def curvature(self, z, y):
        """Return 1."""
        return np.ones(np.broadcast(z, y).shape)[()]

    def lipschitz(self, z_max, y_max):
        """Return sup |z − y|, taken where the prediction is as wrong as it can be."""
        return float(z_max + y_max)

    def conjugate(self, u, y):
        """Return u²/2 + u y."""
        with np.errstate(over="ignore"):
            return u * (0.5 * u + y)


class Absolute(Loss):
    """φ(z, y) = |z − y|; its subgradient at z = y is taken as 0.

    Examples
    --------
    >>> ABSOLUTE.value(3.0, 1.0)
    2.0
    """

    name, labels = "absolute", "real"

    def value(self, z, y):
        """Return |z − y|."""
        return abs(z - y)

    def derivative(self, z, y):
        """Return sign(z − y)."""
        return np.sign(z - y)

    def lipschitz(self, z_max, y_max):
        """Return 1."""
        return 1.0

    def conjugate(self, u, y):
        """Return u y for |u| ≤ 1, infinity elsewhere."""
        return _on_domain(np.abs(u), 1.0 + DOMAIN_SLACK, u * y)


class Hinge(Loss):
    """φ(z, y) = max(0, 1 − y z); its subgradient at the margin y z = 1 is taken as 0.

    Examples
    --------
    >>> float(HINGE.value(0.25, 1.0))
    0.75
    """

    name, labels = "hinge", "binary"

    def value(self, z, y):
        """Return max(0, 1 − y z)."""
        return np.maximum(0.0, 1.0 - y * z)

    def derivative(self, z, y):
        """Return −y where y z < 1 and 0 elsewhere."""
        return -y * (y * z < 1.0)

    def lipschitz(self, z_max, y_max):
        """Return sup |y|."""
        return float(y_max)

    def conjugate(self, u, y):
        """Return u y for −u y in [0, 1], infinity elsewhere; y is ±1."""
        share = -u * y
        return _on_domain(np.abs(share - 0.5), 0.5 + DOMAIN_SLACK, -share)


class Logistic(Loss):
    """φ(z, y) = log(1 + exp(−y z)).

    Examples
    --------
    >>> float(LOGISTIC.value(-1e300, 1.0)), float(LOGISTIC.derivative(-1e300, 1.0))
    (1e+300, -1.0)
    """

    name, smooth, labels = "logistic", True, "binary"

    def value(self, z, y):
        """Return log(1 + exp(−y z))."""
        return np.logaddexp(0.0, -y * z)

    def derivative(self, z, y):
        """Return −y / (1 + exp(y z))."""
        return -y * expit(-y * z)

    def curvature(self, z, y):
        """Return y² p (1 − p) with p = 1 / (1 + exp(y z))."""
        margin = y * z
        return y * y * expit(margin) * expit(-margin)

    def lipschitz(self, z_max, y_max):
        """Return sup |y| / (1 + exp(y z)), taken at the worst prediction of the largest label."""
        return float(y_max * expit(y_max * z_max)) if y_max else 0.0

    def conjugate(self, u, y):
        """Return s log s + (1 − s) log(1 − s), s = −u y in [0, 1]; infinity elsewhere; y is ±1."""
        share = -u * y
        inside = np.clip(share, 0.0, 1.0)
        entropy = xlogy(inside, inside) + xlog1py(1.0 - inside, -inside)
        return _on_domain(np.abs(share - 0.5), 0.5 + DOMAIN_SLACK, entropy)


def _on_domain(distance, limit, value):
    """Return `value` where `distance` ≤ `limit` and infinity elsewhere, a scalar for scalars."""
    return np.where(distance <= limit, value, math.inf)[()]


LINEAR = Linear()
SQUARED = Squared()
ABSOLUTE = Absolute()
HINGE = Hinge()
LOGISTIC = Logistic()

#: Every built-in loss of a single prediction by its name.
MARGIN_LOSSES: dict[str, Loss] = {
    loss.name: loss for loss in (LINEAR, SQUARED, ABSOLUTE, HINGE, LOGISTIC)
}
