"""Losses of a classifier and of a regressor, by name."""

from __future__ import annotations

import numpy as np

from oco.losses.functions import ABSOLUTE, HINGE, LOGISTIC, SQUARED
from oco.losses.loss import Loss
from oco.losses.softmax import SOFTMAX

__all__ = ["CLASSIFICATION", "REGRESSION", "Huber", "Pinball", "regression_loss"]


class Huber(Loss):
    """φ(z, y) = r²/2 for the residual r = z − y up to ε, and ε|r| − ε²/2 beyond.

    Examples
    --------
    >>> Huber(1.0).value(np.array([0.5, 3.0]), 0.0)
    array([0.125, 2.5  ])
    """

    name, labels = "huber", "real"

    def __init__(self, epsilon: float) -> None:
        self.epsilon = epsilon

    def value(self, z, y):
        """Return the loss of each prediction."""
        residual = np.abs(z - y)
        inside = np.minimum(residual, self.epsilon)
        return inside * (residual - 0.5 * inside)

    def derivative(self, z, y):
        """Return the residual, at most ε in magnitude."""
        return np.clip(z - y, -self.epsilon, self.epsilon)

    def lipschitz(self, z_max, y_max):
        """Return ε."""
        return float(self.epsilon)


class Pinball(Loss):
    """φ(z, y) = max(q (y − z), (1 − q)(z − y)), least at the quantile q.

    Examples
    --------
    >>> Pinball(0.9).value(np.array([-1.0, 1.0]), 0.0)
    array([0.9, 0.1])
    """

    name, labels = "pinball", "real"

    def __init__(self, quantile: float) -> None:
        self.quantile = quantile

    def value(self, z, y):
        """Return the loss of each prediction."""
        residual = y - z
        return np.maximum(self.quantile * residual, (self.quantile - 1.0) * residual)

    def derivative(self, z, y):
        """Return −q below y, 1 − q above it, 0 at it."""
        return np.where(z < y, -self.quantile, np.where(z > y, 1.0 - self.quantile, 0.0))

    def lipschitz(self, z_max, y_max):
        """Return the larger of q and 1 − q."""
        return max(self.quantile, 1.0 - self.quantile)


CLASSIFICATION = {"hinge": HINGE, "logistic": LOGISTIC, "softmax": SOFTMAX, "squared": SQUARED}
REGRESSION = ("squared", "absolute", "huber", "pinball")


def regression_loss(name: str, epsilon: float, quantile: float) -> Loss:
    """Return a regressor's loss by its name."""
    if name == "huber":
        return Huber(epsilon)
    if name == "pinball":
        return Pinball(quantile)
    return {"squared": SQUARED, "absolute": ABSOLUTE}[name]
