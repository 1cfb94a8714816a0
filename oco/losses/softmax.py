"""The softmax loss of multi-class logistic regression: a loss of a vector of predictions."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import xlogy

from oco.linalg.rounding import UNIT
from oco.losses.functions import DOMAIN_SLACK
from oco.losses.loss import Loss

__all__ = ["SOFTMAX", "Softmax"]


class Softmax(Loss):
    """φ(z, y) = log Σ_j exp(z_j) − z_y for a vector of predictions z and a class y.

    With z = X a and one row of X a class this is multi-class logistic regression; the gradient in X
    is the outer product of φ'(z, y) and a, of rank one.  Predictions are arrays whose last axis
    counts the classes, labels the numbers 0, 1, … of the classes.

    Examples
    --------
    >>> float(np.exp(SOFTMAX.value(np.zeros(4), 1)))
    4.0
    >>> SOFTMAX.derivative(np.zeros(4), 1)
    array([ 0.25, -0.75,  0.25,  0.25])
    """

    name, smooth, labels = "softmax", True, "class"

    def value(self, z, y):
        """Return log Σ_j exp(z_j) − z_y, one number for each vector."""
        below = _below_the_largest(z)
        which = np.broadcast_to(np.asarray(y, dtype=np.intp), below.shape[:-1])
        own = np.take_along_axis(below, which[..., None], axis=-1)[..., 0]
        return np.log(np.exp(below).sum(axis=-1)) - own

    def derivative(self, z, y):
        """Return the probabilities exp(z_j)/Σ exp(z_i), less 1 for the class y; as `z`."""
        weights = np.exp(_below_the_largest(z))
        return weights / weights.sum(axis=-1, keepdims=True) - _indicator(y, np.shape(z)[-1])

    def lipschitz(self, z_max, y_max):
        """Return √2, the length of the slope where another class is certain."""
        return math.sqrt(2)

    def error(self, z, y, doubt=0.0):
        """Return (2c + 8)u + 10u φ for c classes, and twice the doubt: |p − e_y|₁ ≤ 2."""
        classes = np.shape(z)[-1]
        return (2 * classes + 8 + 10 * self.value(z, y)) * UNIT + 2 * np.asarray(doubt)

    def minorant(self, u, y):
        """Return the entropy of the distribution next to u + e_y, lowered by its rounding."""
        classes = np.shape(u)[-1]
        q = u + _indicator(y, classes)
        inside = np.maximum(q, 0.0)
        total = inside.sum(axis=-1)
        rounding = classes * UNIT
        with np.errstate(divide="ignore", invalid="ignore"):
            # That of q/t with t = Σ q, which sums to 1 though q may not: −Σ (q/t) log (q/t).
            entropy = np.log(total) - xlogy(inside, inside).sum(axis=-1) / total
            scaling = (np.abs(total - 1.0) + 2 * rounding * total) / total
        size = np.sqrt(np.einsum("...c,...c->...", inside, inside))
        cut = np.max(inside - q, axis=-1) * classes
        offset = entropy - (2 * rounding + 24 * UNIT) * (1.0 + np.abs(entropy))
        return offset, scaling * size + cut + UNIT * size

    def conjugate(self, u, y):
        """Return Σ q_j log q_j where q, which is u plus 1 for y, is a distribution; else ∞."""
        q = u + _indicator(y, np.shape(u)[-1])
        inside = np.clip(q, 0.0, 1.0)
        outside = np.maximum(np.max(np.abs(q - inside), axis=-1), np.abs(q.sum(axis=-1) - 1.0))
        entropy = xlogy(inside, inside).sum(axis=-1)
        return np.where(outside <= np.shape(u)[-1] * DOMAIN_SLACK, entropy, math.inf)[()]


def _below_the_largest(z) -> np.ndarray:
    """Return z_j − max z_i: exponentials of it cannot overflow."""
    with np.errstate(over="ignore"):
        return z - np.max(z, axis=-1, keepdims=True)


def _indicator(y, classes: int) -> np.ndarray:
    return (np.asarray(y)[..., None] == np.arange(classes)).astype(np.float64)


SOFTMAX = Softmax()
