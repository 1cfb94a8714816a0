"""A learner that plays a linear model's weights against rows and labels."""

from __future__ import annotations

import copy
import inspect
import math

import numpy as np
from scipy import sparse

from oco import algorithms
from oco.algorithms.dual_averaging import SMALLEST_DELTA, DualAveraging
from oco.bounds import RUNGS, Account
from oco.cores import one_blas_thread
from oco.domains import Ball, Euclidean
from oco.integrations.sklearn.record import PlayRecord
from oco.linalg.operators import Diagonal
from oco.losses.loss import Loss

__all__ = ["LEARNERS", "Player", "new_learner", "rate"]

#: Learners that take nothing but what an estimator has to give.
LEARNERS = ("s-adagrad", "ftsl", "adagrad", "full-adagrad", "adagrad-norm", "ogd")
# Of the default rate, by whether a step changes coordinates alike or in all directions together:
# the first prediction moves by about as much.  Of 0.1, 0.3, 1 and 3, with two learners, one pass
# and ten, on a9a, the digits and breast cancer, 1 or 3 had the least log-loss on held out rows.
RATE = 2.0


def new_learner(name: str, d: int, k: int, radius: float | None, lr: float | None):
    """Return a learner of d weights; `lr` of None is set in each round, as FTSL's δ always is."""
    make = algorithms.ALGORITHMS[name]
    domain = Euclidean() if radius is None else Ball(radius)
    accepted = inspect.signature(make).parameters
    options = {"k": min(k, d + 1)} if "k" in accepted else {}
    if name == "ftsl":
        options["delta"] = SMALLEST_DELTA
    return make(d, domain=domain, lr=1.0 if lr is None else lr, **options)


def rate(labels: float, lengths: float) -> float | None:
    """Return the default rate, from the sums of squares so far; None where there are none."""
    return RATE * math.sqrt(labels / lengths) if lengths > 0 and labels > 0 else None


class Player:
    """One learner, its average, and what its rate goes by.

    Parameters
    ----------
    learner : MirrorDescent or DualAveraging
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
        self.dual = isinstance(learner, DualAveraging)
        self.coordinates = not self.dual and isinstance(learner.preconditioner.metric, Diagonal)
        self.rounds = 0
        self.lengths = self.labels = 0.0
        self.average = learner.x.copy()
        self.record = PlayRecord(learner.domain, loss, outputs, intercept)

    @property
    def point(self) -> np.ndarray:
        """The point to play next."""
        return self.learner.x

    @property
    def sketch(self):
        """What the learner has of the gradients; None for one that does not sketch."""
        held = self.learner.statistic if self.dual else self.learner.preconditioner
        return getattr(held, "sketch", None)

    @property
    def state_bytes(self) -> int:
        """Memory of the weights, their average and what the learner keeps beside them."""
        return self.average.nbytes + self.learner.diagnostics().state_bytes

    def copy(self):
        """Return a player that goes on by itself."""
        return copy.deepcopy(self)

    @property
    def regret_bound(self) -> float:
        """What the learner's regret is proven to be at most, in a ball at one rate; else inf."""
        learner = self.learner
        if self.adapt or not learner.domain.bounded:
            return math.inf
        account = Account(
            t=self.rounds,
            d=learner.d,
            k=learner.k,
            lr=learner.lr,
            diameter=learner.diameter,
            gradient_bound=math.inf,
            diagnostics=learner.diagnostics(),
        )
        return RUNGS[learner.bounds[0]].value(account)

    @one_blas_thread()
    def play(
        self, rows, labels: np.ndarray, weights: np.ndarray | None, order, record: bool = False
    ) -> float:
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
            if self.dual:
                self._lengthen(self._longest(a, y) * weight)
            x = learner.x
            z = a @ x if self.outputs == 1 else x.reshape(self.outputs, width) @ a
            total += weight * float(loss.value(z, y))
            slope = weight * loss.derivative(z, y)
            if record:
                self.record.note(z, x)
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
                if self.dual:
                    self._lengthen(float(np.linalg.norm(g)))
                learner.update(g)
            # Of round t with the weight t: early points, which know little, are soon forgotten.
            self.average += 2.0 / (self.rounds + 1) * (learner.x - self.average)
        if record:
            self.record.keep(rows, labels, weights, order)
        return total

    def _measure(self, a: np.ndarray, y: float) -> None:
        """Set the rate by the rows and labels so far."""
        size = float(np.abs(a).sum()) if self.coordinates else 0.0
        self.lengths += size * size if self.coordinates else float(a @ a)
        self.labels += y * y
        self.learner.lr = rate(self.labels, self.lengths) or self.learner.lr

    def _longest(self, a: np.ndarray, y: float) -> float:
        """Return what a gradient at this row is at most as long as; 0 where nothing is known."""
        length = math.sqrt(float(a @ a))
        radius = self.learner.domain.radius(self.learner.d)
        most = self.loss.lipschitz(radius * length if length else 0.0, abs(float(y))) * length
        most += self.alpha * radius if self.alpha else 0.0
        return most if math.isfinite(most) else 0.0

    def _lengthen(self, delta: float) -> None:
        """Let δ be at least this: before the round where it is known, so that bounds hold."""
        if delta > self.learner.delta:
            self.learner.lengthen(delta)
