"""Margin losses φ(z, y): what a round costs when the learner's prediction is z = ⟨a, x⟩.

Every loss is convex in the prediction z for a fixed label y.  The gradient in x is φ'(z, y) a, so a
loss, its slope and its conjugate are functions of numbers; they are written as ufunc expressions
and take scalars and arrays alike, without overflow warnings at any finite prediction.

What rounding does to a value is stated by `error`, and what it does to the offset of an affine
minorant by `minorant`; docs/theory.md proves both.  Products with labels of −1 and 1 are exact.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit, xlog1py, xlogy

from oco.linalg.rounding import SMALLEST, UNIT
from oco.losses.loss import Loss

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
LOG2 = math.log(2)


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

    def error(self, z, y, doubt=0.0):
        """Return u|y z|, 0 for y = ±1, and |y| times the doubt."""
        return _of_product(y, -y * z) + np.abs(y) * doubt

    def minorant(self, u, y):
        """Return the loss itself, φ(z) = −y z: its slope is |u + y| away."""
        return 0.0 * u, np.abs(u + y)

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

    def gradient_curvature(self, z_max, y_max):
        """Return 1/max (z − y)²: φ(z) − φ(w) = φ'(z)(z − w) − (z − w)²/2."""
        residual = float(z_max + y_max)
        # If only a residual of 0 is possible, any σ is right.
        return 1.0 / residual / residual if residual else 1.0

    def error(self, z, y, doubt=0.0):
        """Return 3u φ for a difference and a product, and |z − y| h + h²/2 for the doubt h."""
        residual = np.abs(z - y)
        with np.errstate(over="ignore"):
            rounding = 3 * UNIT * (0.5 * residual * residual) + 2 * SMALLEST * (residual > 0)
            return rounding + doubt * (residual + 0.5 * doubt)

    def minorant(self, u, y):
        """Return −u²/2 − u y, lowered by a relative 3u: there is a tangent of every slope."""
        with np.errstate(over="ignore"):
            offset = -u * (0.5 * u + y)
            return offset - 3 * UNIT * np.abs(offset) - 2 * SMALLEST * (u != 0), 0.0 * offset

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

    def error(self, z, y, doubt=0.0):
        """Return u φ for the difference, and the doubt."""
        return UNIT * np.abs(z - y) + doubt

    def minorant(self, u, y):
        """Return −v y, lowered by its rounding, for the slope v in [−1, 1] nearest to u."""
        inside = np.clip(u, -1.0, 1.0)
        offset = -inside * y
        return offset - _of_product(inside, offset), np.abs(u - inside)

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

    def error(self, z, y, doubt=0.0):
        """Return u φ for the difference, u|y z| unless y is ±1, and |y| times the doubt."""
        margin = y * z
        rounding = UNIT * np.maximum(0.0, 1.0 - margin) + _of_product(y, margin)
        return rounding + np.abs(y) * doubt

    def minorant(self, u, y):
        """Return s, as φ(z) ≥ s (1 − y z), for the slope −y s with s in [0, 1] nearest to u."""
        return _share(u, y, 1.0)

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

    def gradient_curvature(self, z_max, y_max):
        """Return exp(−max |y z|), the least φ''/φ'²; docs/theory.md shows that it suffices."""
        return math.exp(-float(y_max) * float(z_max))

    def error(self, z, y, doubt=0.0):
        """Return u φ + 20u min(φ, log 2), what rounding y z adds, and |y| times the doubt."""
        margin = y * z
        value = np.logaddexp(0.0, -margin)
        library = 20 * UNIT * np.minimum(value, LOG2) + 4 * SMALLEST
        product = _of_product(y, margin) * np.minimum(value, 1.0)
        return UNIT * value + library + product + np.abs(y) * doubt

    def minorant(self, u, y):
        """Return the entropy H(s), lowered by a relative 14u, as φ(z) ≥ −y s z + H(s)."""
        share, doubt = _share(u, y, 0.5)
        entropy = -(xlogy(share, share) + xlog1py(1.0 - share, -share))
        inside = (share > 0) & (share < 1)
        return entropy - 14 * UNIT * entropy - 4 * SMALLEST * inside, doubt

    def conjugate(self, u, y):
        """Return s log s + (1 − s) log(1 − s), s = −u y in [0, 1]; infinity elsewhere; y is ±1."""
        share = -u * y
        inside = np.clip(share, 0.0, 1.0)
        entropy = xlogy(inside, inside) + xlog1py(1.0 - inside, -inside)
        return _on_domain(np.abs(share - 0.5), 0.5 + DOMAIN_SLACK, entropy)


def _of_product(factor, product):
    """Return the rounding error of a product with `factor`: none for 0 and ±1."""
    exact = (np.abs(factor) == 1.0) | (np.asarray(factor) == 0.0)
    return np.where(exact, 0.0, UNIT * np.abs(product) + SMALLEST)[()]


def _share(u, y, without: float):
    """Return the s in [0, 1] with −y s nearest to u, `without` for y = 0, and the distance."""
    u, y = np.asarray(u, dtype=np.float64), np.asarray(y, dtype=np.float64)
    share = np.full(np.broadcast(u, y).shape, without)
    with np.errstate(over="ignore"):
        share = np.clip(np.divide(-u, y, out=share, where=y != 0), 0.0, 1.0)
    return share, np.abs(u + y * share) + _of_product(y, share * y)


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
