"""Learners with a metric that is diagonal, at a cost a round that follows the row's entries."""

from __future__ import annotations

import copy
import math

import numpy as np
from scipy import sparse

from oco.integrations.sklearn.player import rate
from oco.losses.loss import Loss

__all__ = ["SPARSE", "CoordinatePlayer"]

#: Learners whose step changes no weight but of the features that a row has.
SPARSE = ("adagrad", "adagrad-norm", "ogd")


class CoordinatePlayer:
    """Gradient descent or AdaGrad by coordinates or by length, in Euclidean space.

    It plays what a `Player` of the learner in `oco.algorithms` does.  A weight stays what it is
    between rows that have its feature, and so its part of the average is added up when one comes.

    Parameters
    ----------
    learner : str
        One of `SPARSE`.
    d : int
        Features, without the intercept's.
    loss : Loss
        Of one prediction, or of a vector of `outputs` of them.
    outputs : int
        Predictions that one label judges.
    lr : float or None
        η; set in each round, as a `Player` does, for None.
    intercept : bool
        Whether there is one more weight a prediction, of a constant 1.
    """

    def __init__(
        self, learner: str, d: int, loss: Loss, outputs: int, lr: float | None, intercept: bool
    ) -> None:
        self.learner, self.loss, self.outputs = learner, loss, outputs
        self.lr, self.intercept = lr, intercept
        self.rounds = 0
        self.lengths = self.labels = 0.0
        self._width = d + intercept
        size = outputs * self._width
        self.point = np.zeros(size)
        # Σ g² of each coordinate; Σ‖g‖², or how many gradients there were, for all of them.
        self._squares = np.zeros(size if learner == "adagrad" else 1)
        # Σ s x_s over the rounds s that each weight has been added up for, and Σ s over those.
        self._sums = np.zeros(size)
        self._counted = np.zeros(size)

    @property
    def average(self) -> np.ndarray:
        """Σ s x_{s+1}/Σ s over the rounds so far: the points after each of them."""
        total = self._total()
        if not total:
            return self.point
        return (self._sums + (total - self._counted) * self.point) / total

    @property
    def state_bytes(self) -> int:
        """Memory of the weights and of what is kept beside them."""
        return 3 * self.point.nbytes + self._squares.nbytes

    # In Euclidean space nothing is proven before a comparator is known.
    regret_bound = math.inf

    def copy(self):
        """Return a player that goes on by itself."""
        return copy.deepcopy(self)

    def play(self, rows, labels: np.ndarray, weights: np.ndarray | None, order) -> float:
        """Play rows in order, and return the sum of what their predictions cost before each."""
        loss, x = self.loss, self.point
        d = rows.shape[1]
        every = np.arange(d)
        starts = self._width * np.arange(self.outputs)[:, None]
        dense = not sparse.issparse(rows)
        cost, real = 0.0, loss.labels == "real"
        for i in order:
            weight = 1.0 if weights is None else float(weights[i])
            if weight == 0.0:
                continue
            if dense:
                columns, values = every, rows[i]
            else:
                part = slice(rows.indptr[i], rows.indptr[i + 1])
                columns, values = rows.indices[part], rows.data[part]
            if self.intercept:
                columns, values = np.append(columns, d), np.append(values, 1.0)
            values = values.astype(np.float64, copy=False)
            y = labels[i]
            if self.outputs == 1:
                places = columns
                z = values @ x[places]
            else:
                places = (starts + columns).ravel()
                z = x[places].reshape(self.outputs, -1) @ values
            cost += weight * float(loss.value(z, y))
            slope = weight * loss.derivative(z, y)
            before = self._total()
            self.rounds += 1
            size = float(np.abs(values).sum()) if self.learner == "adagrad" else 0.0
            self.lengths += size * size if self.learner == "adagrad" else float(values @ values)
            self.labels += float(y) ** 2 if real else 1.0
            g = slope * values if self.outputs == 1 else np.outer(slope, values).ravel()
            if not g.any():
                continue
            lr = self.lr or rate(self.labels, self.lengths) or 1.0
            roots = self._absorbed(places, g)
            self._sums[places] += (before - self._counted[places]) * x[places]
            self._counted[places] = before
            x[places] -= lr * np.divide(g, roots, out=np.zeros_like(g), where=roots > 0)
        return cost

    def _absorbed(self, places: np.ndarray, g: np.ndarray):
        """Absorb a gradient and return the metric, of its coordinates or of all alike."""
        if self.learner == "adagrad":
            held = self._squares[places] + g * g
            self._squares[places] = held
        else:
            self._squares += 1.0 if self.learner == "ogd" else float(g @ g)
            held = self._squares
        if not np.isfinite(held).all():
            raise FloatingPointError("X: expected a finite sum of squared gradients")
        return np.sqrt(held)

    def _total(self) -> float:
        return self.rounds * (self.rounds + 1) / 2
