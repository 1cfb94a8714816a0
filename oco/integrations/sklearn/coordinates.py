"""Learners with a metric that is diagonal, at a cost a round that follows the row's entries."""

from __future__ import annotations

import copy
import math

import numpy as np
from scipy import sparse

from oco.integrations.sklearn.rates import AdaptiveRate
from oco.linalg.engine import ENGINE, released_kernel
from oco.losses.kernels import UNKNOWN, loss_code, suffer
from oco.losses.loss import Loss

__all__ = ["SPARSE", "CoordinatePlayer"]

#: Learners whose step changes no weight but of the features that a row has.
SPARSE = ("adagrad", "adagrad-norm", "ogd")
ADAGRAD, ADAGRAD_NORM, OGD = range(3)

NOT_FINITE = "X: expected a finite sum of squared gradients"


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
        self.rate = AdaptiveRate(learner, loss, intercept) if lr is None else None
        self.rounds = 0
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

    # What is not finite is refused.
    @np.errstate(over="ignore", invalid="ignore")
    def play(self, rows, labels: np.ndarray, weights: np.ndarray | None, order) -> float:
        """Play rows in order, and return the sum of what their predictions cost before each."""
        order = np.asarray(order)
        if weights is not None:
            # A row of weight 0 is none.
            order = order[weights[order] > 0]
        labels = np.ascontiguousarray(labels[order], dtype=np.float64)
        scales = np.ones(len(order)) if weights is None else weights[order]
        if self.rate is None:
            rates = np.full(len(order), self.lr)
        else:
            rates = self.rate.follow(rows, order, labels)
        code = loss_code(self.loss) if self.outputs == 1 else UNKNOWN
        if ENGINE == "numba" and code != UNKNOWN:
            return self._in_kernel(rows, order, labels, scales, rates, code)
        return self._in_turn(rows, order, labels, scales, rates)

    def _in_kernel(self, rows, order, labels, scales, rates, code: int) -> float:
        """Play all rounds in one kernel."""
        if sparse.issparse(rows):
            starts, columns, values = rows.indptr, rows.indices, rows.data
        else:
            # All columns, in order.
            starts, columns = rows.shape[1] * np.arange(len(rows) + 1), np.empty(0, dtype=np.int32)
            values = np.ascontiguousarray(rows).reshape(-1)
        state = self.point, self._squares, self._sums, self._counted
        cost = _rounds(
            *(order, labels, scales, rates, starts, columns, values),
            *(code, SPARSE.index(self.learner), self.intercept, self.rounds),
            *state,
        )
        self.rounds += len(order)
        if not math.isfinite(cost):
            raise FloatingPointError(NOT_FINITE)
        return cost

    def _in_turn(self, rows, order, labels, scales, rates) -> float:
        """Play one round after the other."""
        loss, x = self.loss, self.point
        d, cost = rows.shape[1], 0.0
        every = np.arange(d)
        starts = self._width * np.arange(self.outputs)[:, None]
        dense = not sparse.issparse(rows)
        for i, y, weight, lr in zip(order, labels, scales, rates, strict=True):
            if dense:
                columns, values = every, rows[i]
            else:
                part = slice(rows.indptr[i], rows.indptr[i + 1])
                columns, values = rows.indices[part], rows.data[part]
            if self.intercept:
                columns, values = np.append(columns, d), np.append(values, 1.0)
            values = values.astype(np.float64, copy=False)
            if self.outputs == 1:
                places = columns
                z = values @ x[places]
            else:
                y = int(y)
                places = (starts + columns).ravel()
                z = x[places].reshape(self.outputs, -1) @ values
            cost += weight * float(loss.value(z, y))
            slope = weight * loss.derivative(z, y)
            before = self._total()
            self.rounds += 1
            g = slope * values if self.outputs == 1 else np.outer(slope, values).ravel()
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
            raise FloatingPointError(NOT_FINITE)
        return np.sqrt(held)

    def _total(self) -> float:
        return self.rounds * (self.rounds + 1) / 2


@released_kernel
def _rounds(
    order,
    labels,
    scales,
    rates,
    starts,
    columns,
    values,
    loss,
    learner,
    intercept,
    rounds,
    x,
    squares,
    sums,
    counted,
):
    """Do what `_in_turn` does with one prediction a row, and return the cost.

    The cost is not finite where a round has met a number that is not; the rest is not played.
    """
    d, whole, cost = len(x) - intercept, len(columns) == 0 and len(values) > 0, 0.0
    for t in range(len(order)):
        first, last = starts[order[t]], starts[order[t] + 1]
        z, size = 0.0, 0.0
        for e in range(first, last):
            z += values[e] * x[e - first if whole else columns[e]]
            size += values[e] * values[e]
        if intercept:
            z += x[d]
            size += 1.0
        suffered, slope = suffer(loss, z, labels[t])
        cost += scales[t] * suffered
        slope *= scales[t]
        if learner == OGD:
            squares[0] += 1.0
        elif learner == ADAGRAD_NORM:
            squares[0] += slope * slope * size
        if not math.isfinite(cost + slope * slope * size + squares[0]):
            return math.nan
        root = math.sqrt(squares[0])
        before = (rounds + t) * (rounds + t + 1) / 2
        for e in range(first, last + intercept):
            if e == last:
                j, g = d, slope
            else:
                j, g = e - first if whole else columns[e], slope * values[e]
            if learner == ADAGRAD:
                squares[j] += g * g
                root = math.sqrt(squares[j])
            sums[j] += (before - counted[j]) * x[j]
            counted[j] = before
            if root > 0.0:
                x[j] -= rates[t] * (g / root)
    return cost
