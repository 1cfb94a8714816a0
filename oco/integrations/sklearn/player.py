"""A learner that plays a linear model's weights against rows and labels."""

from __future__ import annotations

import copy
import inspect
import math

import numpy as np
from scipy import sparse

from oco import algorithms
from oco.cores import one_blas_thread
from oco.domains import Ball, Euclidean
from oco.linalg.operators import Diagonal
from oco.losses.loss import Loss

__all__ = ["LEARNERS", "CoordinatePlayer", "Player", "new_learner"]

#: Learners that take nothing but what an estimator has to give.
LEARNERS = ("s-adagrad", "adagrad", "full-adagrad", "adagrad-norm", "ogd")
# Of the default rate, by whether a step changes coordinates alike or in all directions together:
# the first prediction moves by about as much.  Of 0.1, 0.3, 1 and 3, with two learners, one pass
# and ten, on a9a, the digits and breast cancer, 1 or 3 had the least log-loss on held out rows.
RATE = 2.0


def new_learner(name: str, d: int, k: int, radius: float | None, lr: float | None):
    """Return a learner of d weights; `lr` of None is set in each round."""
    make = algorithms.ALGORITHMS[name]
    domain = Euclidean() if radius is None else Ball(radius)
    options = {"k": min(k, d + 1)} if "k" in inspect.signature(make).parameters else {}
    return make(d, domain=domain, lr=1.0 if lr is None else lr, **options)


class Player:
    """One learner, its average, and what its rate goes by.

    Parameters
    ----------
    learner : MirrorDescent
        Of `outputs` times as many weights as a row has numbers.
    loss : Loss
        Of one prediction, or of a vector of `outputs` of them.
    outputs : int
        Predictions that one label judges.
    adapt : bool
        Whether the rate is set in each round: RATE times the root mean square of the labels, over
        that of the rows' lengths (for a diagonal metric, of their sums of magnitudes).
    alpha : float
        Of the penalty α/2 ‖w‖², which the intercept does not pay.
    intercept : bool
        Whether the last number of a row is a constant 1.
    """

    def __init__(
        self, learner, loss: Loss, outputs: int, adapt: bool, alpha: float, intercept: bool
    ):
        self.learner, self.loss, self.outputs = learner, loss, outputs
        self.adapt, self.alpha, self.intercept = adapt, alpha, intercept
        self.coordinates = isinstance(learner.preconditioner.metric, Diagonal)
        self.rounds = 0
        self.lengths = self.labels = 0.0
        self.average = learner.x.copy()

    @property
    def point(self) -> np.ndarray:
        """The point to play next."""
        return self.learner.x

    def copy(self):
        """Return a player that goes on by itself."""
        return copy.deepcopy(self)

    @one_blas_thread()
    def play(self, rows, labels: np.ndarray, weights: np.ndarray | None, order) -> float:
        """Play rows in order, and return the sum of what their predictions cost before each."""
        learner, loss, alpha = self.learner, self.loss, self.alpha
        width = rows.shape[1] + self.intercept
        a = np.zeros(width)
        if self.intercept:
            a[-1] = 1.0
        dense = not sparse.issparse(rows)
        total, real = 0.0, loss.labels == "real"
        for i in order:
            weight = 1.0 if weights is None else float(weights[i])
            if weight == 0.0:
                continue
            if dense:
                a[: rows.shape[1]] = rows[i]
            else:
                part = slice(rows.indptr[i], rows.indptr[i + 1])
                columns = rows.indices[part]
                a[columns] = rows.data[part]
            y = labels[i]
            self.rounds += 1
            x = learner.x
            z = a @ x if self.outputs == 1 else x.reshape(self.outputs, width) @ a
            total += weight * float(loss.value(z, y))
            slope = weight * loss.derivative(z, y)
            if self.adapt:
                self._measure(a, y if real else 1.0)
            g = slope * a if self.outputs == 1 else np.outer(slope, a).ravel()
            if alpha:
                penalty = (alpha * weight * x).reshape(self.outputs, width)
                if self.intercept:
                    penalty[:, -1] = 0.0
                g += penalty.ravel()
            if not dense:
                a[columns] = 0.0
            if g.any():
                learner.update(g)
            # Of round t with the weight t: early points, which know little, are soon forgotten.
            self.average += 2.0 / (self.rounds + 1) * (learner.x - self.average)
        return total

    def _measure(self, a: np.ndarray, y: float) -> None:
        """Set the rate by the rows and labels so far."""
        size = float(np.abs(a).sum()) if self.coordinates else 0.0
        self.lengths += size * size if self.coordinates else float(a @ a)
        self.labels += y * y
        if self.lengths > 0 and self.labels > 0:
            self.learner.lr = RATE * math.sqrt(self.labels / self.lengths)


class CoordinatePlayer:
    """Diagonal AdaGrad in Euclidean space, at a cost a round that follows the row's entries.

    It plays what a `Player` of `oco.algorithms.adagrad` does.  A weight stays what it is between
    rows that have its feature, and so its part of the average is added up when one comes.

    Parameters
    ----------
    d : int
        Weights, without the intercept's.
    loss : Loss
        Of one prediction.
    lr : float or None
        η; set in each round, as a `Player` does, for None.
    intercept : bool
        Whether there is one more weight, of a constant 1.
    """

    outputs = 1

    def __init__(self, d: int, loss: Loss, lr: float | None, intercept: bool) -> None:
        self.loss, self.lr, self.intercept = loss, lr, intercept
        self.rounds = 0
        self.lengths = self.labels = 0.0
        self.point = np.zeros(d + intercept)
        self._squares = np.zeros(d + intercept)
        # Σ s x_s over the rounds s that each weight has been added up for, and Σ s over those.
        self._sums = np.zeros(d + intercept)
        self._counted = np.zeros(d + intercept)

    @property
    def average(self) -> np.ndarray:
        """Σ s x_{s+1}/Σ s over the rounds so far: the points after each of them."""
        total = self._total()
        if not total:
            return self.point
        return (self._sums + (total - self._counted) * self.point) / total

    def copy(self):
        """Return a player that goes on by itself."""
        return copy.deepcopy(self)

    def play(self, rows, labels: np.ndarray, weights: np.ndarray | None, order) -> float:
        """Play rows in order, and return the sum of what their predictions cost before each."""
        loss, x, squares = self.loss, self.point, self._squares
        d = rows.shape[1]
        every = np.arange(d + self.intercept)
        dense = not sparse.issparse(rows)
        cost, real = 0.0, loss.labels == "real"
        for i in order:
            weight = 1.0 if weights is None else float(weights[i])
            if weight == 0.0:
                continue
            if dense:
                columns, values = every[:d], rows[i]
            else:
                part = slice(rows.indptr[i], rows.indptr[i + 1])
                columns, values = rows.indices[part], rows.data[part]
            if self.intercept:
                columns, values = np.append(columns, d), np.append(values, 1.0)
            values = values.astype(np.float64, copy=False)
            y = labels[i]
            z = values @ x[columns]
            cost += weight * float(loss.value(z, y))
            slope = weight * float(loss.derivative(z, y))
            before = self._total()
            self.rounds += 1
            self.lengths += float(np.abs(values).sum()) ** 2
            self.labels += float(y) ** 2 if real else 1.0
            if slope == 0.0 or not self.lengths:
                continue
            lr = self.lr
            if lr is None:
                lr = RATE * math.sqrt(self.labels / self.lengths)
            g = slope * values
            held = squares[columns] + g * g
            squares[columns] = held
            roots = np.sqrt(held)
            self._sums[columns] += (before - self._counted[columns]) * x[columns]
            self._counted[columns] = before
            x[columns] -= lr * np.divide(g, roots, out=np.zeros_like(g), where=roots > 0)
            if not np.isfinite(held).all():
                raise FloatingPointError("X: expected a finite sum of squared gradients")
        return cost

    def _total(self) -> float:
        return self.rounds * (self.rounds + 1) / 2
