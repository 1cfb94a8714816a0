"""A learner that plays a linear model's weights against rows and labels."""

from __future__ import annotations

import copy
import inspect
import math

import numpy as np
from scipy import sparse

from oco import algorithms
from oco.algorithms.chunks import Chunk
from oco.algorithms.dual_averaging import SMALLEST_DELTA, DualAveraging
from oco.algorithms.fused import KernelPlayer
from oco.bounds import RUNGS, Account
from oco.cores import one_blas_thread
from oco.domains import Ball, Euclidean
from oco.integrations.sklearn.rates import AdaptiveRate
from oco.integrations.sklearn.record import PlayRecord
from oco.losses.kernels import UNKNOWN, loss_code
from oco.losses.loss import Loss

__all__ = ["LEARNERS", "Player", "new_learner"]

#: Learners that take nothing but what an estimator has to give.
LEARNERS = ("s-adagrad", "ftsl", "adagrad", "full-adagrad", "adagrad-norm", "ogd")
# Numbers of dense rows, and of points, that are held at a time: in the processor's cache.
WINDOW = 1 << 15


def new_learner(name: str, d: int, k: int, radius: float | None, lr: float | None):
    """Return a learner of d weights; `lr` of None is set in each round, as FTSL's δ always is."""
    make = algorithms.ALGORITHMS[name]
    domain = Euclidean() if radius is None else Ball(radius)
    accepted = inspect.signature(make).parameters
    options = {"k": min(k, d + 1)} if "k" in accepted else {}
    if name == "ftsl":
        options["delta"] = SMALLEST_DELTA
    return make(d, domain=domain, lr=1.0 if lr is None else lr, **options)


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
    rate : AdaptiveRate or None
        Sets the learner's rate; None where it has its own.
    alpha : float
        Of the penalty α/2 ‖w‖², which the intercept does not pay.
    intercept : bool
        Whether the last number of a row is a constant 1.
    """

    def __init__(
        self,
        learner,
        loss: Loss,
        outputs: int,
        rate: AdaptiveRate | None,
        alpha: float,
        intercept: bool,
    ) -> None:
        self.learner, self.loss, self.outputs = learner, loss, outputs
        self.rate, self.alpha, self.intercept = rate, alpha, intercept
        self.dual = isinstance(learner, DualAveraging)
        self.rounds = 0
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
        if self.rate is not None or not learner.domain.bounded:
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

    # What is not finite the learner refuses, and names.
    @np.errstate(over="ignore", invalid="ignore")
    @one_blas_thread()
    def play(
        self, rows, labels: np.ndarray, weights: np.ndarray | None, order, record: bool = False
    ) -> float:
        """Play rows in order, and return the sum of what their predictions cost before each."""
        order = np.asarray(order)
        if weights is not None:
            # A row of weight 0 is none.
            order = order[weights[order] > 0]
            weights = weights[order]
        labels = labels[order]
        if self.rate is None:
            rates = np.full(len(order), self.learner.lr)
        else:
            rates = self.rate.follow(rows, order, labels)
        known = weights is None or bool(np.all(weights == 1.0))
        compiled = known and not self.alpha and self._plays_in_kernels
        step = max(1, WINDOW // self.learner.d)
        total, first = 0.0, 0
        while first < len(order):
            stop = min(first + step, len(order))
            lr = float(rates[first])
            changes = np.flatnonzero(rates[first:stop] != lr)
            stop = first + int(changes[0]) if len(changes) else stop
            block = self._dense(rows, order[first:stop])
            if compiled:
                cost, played = self._play_many(block, labels[first:stop], lr, record)
                total += cost
                first += played
                block = block[played:]
            # The round that a kernel has stopped at is met here, and raises what there is to say.
            for a in block[:1] if compiled else block:
                weight = 1.0 if weights is None else float(weights[first])
                total += self._play_one(a, labels[first], weight, lr, record)
                first += 1
        if record:
            self.record.keep(rows, labels, order)
        return total

    @property
    def _plays_in_kernels(self) -> bool:
        known = isinstance(self.learner, KernelPlayer) and self.learner.plays
        return known and self.outputs == 1 and loss_code(self.loss) != UNKNOWN

    def _dense(self, rows, numbers: np.ndarray) -> np.ndarray:
        """Return rows of those numbers with the constant added."""
        block = np.ones((len(numbers), rows.shape[1] + self.intercept))
        some = rows[numbers]
        block[:, : rows.shape[1]] = some.toarray() if sparse.issparse(some) else some
        return block

    def _play_many(
        self, block: np.ndarray, labels: np.ndarray, lr: float, record: bool
    ) -> tuple[float, int]:
        """Play rounds in one kernel as far as it goes; return what they cost and their number."""
        learner, labels = self.learner, np.ascontiguousarray(labels, dtype=np.float64)
        if self.dual:
            # One δ for the rounds before the first that demands a larger one than its own.
            demanded = np.array([self._longest(a, y) for a, y in zip(block, labels, strict=True)])
            self._lengthen(demanded[0])
            longer = np.flatnonzero(demanded > learner.delta)
            block = block[: longer[0]] if len(longer) else block
            labels = labels[: len(block)]
        learner.lr = lr
        facts, squares, points = np.empty((len(block), 4)), np.empty(len(block)), block.copy()
        code = loss_code(self.loss)
        chunk = Chunk.of(block, labels, code, UNKNOWN, facts, squares, points)
        played, error = learner.play(chunk)
        if error is not None:
            raise error
        if not played:
            return 0.0, 0
        if record:
            self.record.note(facts[:played, 0], points[:played])
        # Of round t with the weight t: early points, which know little, are soon forgotten.
        before = self.rounds * (self.rounds + 1) / 2
        shares = np.arange(self.rounds + 1.0, self.rounds + played + 1)
        sums = shares[:-1] @ points[1:played] + shares[-1] * learner.x
        self.rounds += played
        total = self.rounds * (self.rounds + 1) / 2
        self.average = before / total * self.average + sums / total
        return float(facts[:played, 3].sum()), played

    def _play_one(self, a: np.ndarray, y: float, weight: float, lr: float, record: bool) -> float:
        """Play one round, whatever it is, and return what it cost."""
        learner, width = self.learner, len(a)
        self.rounds += 1
        if self.dual:
            self._lengthen(self._longest(a, y) * weight)
        x = learner.x
        z = a @ x if self.outputs == 1 else x.reshape(self.outputs, width) @ a
        slope = weight * self.loss.derivative(z, y)
        if record:
            self.record.note(np.asarray(z)[None], x[None])
        g = slope * a if self.outputs == 1 else np.outer(slope, a).ravel()
        if self.alpha:
            penalty = (self.alpha * weight * x).reshape(self.outputs, width)
            if self.intercept:
                penalty[:, -1] = 0.0
            g += penalty.ravel()
        if self.dual:
            self._lengthen(float(np.linalg.norm(g)))
        # Not before: what is played must not know the label, by which the rate may go.
        learner.lr = lr
        learner.update(g)
        # As in `_play_many`.
        self.average += 2.0 / (self.rounds + 1) * (learner.x - self.average)
        return weight * float(self.loss.value(z, y))

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
