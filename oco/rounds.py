"""The rounds of a play: one after the other, or many in one kernel; and what happened in them.

The loop is the reference: it plays whatever has the methods of a learner, a loss and a stream.  A
kernel plays what is built in, until something in a round is out of the ordinary, which the loop
then meets.  The prediction z_t is ⟨a_t, x_t⟩, or a vector X_t a_t where the stream's `outputs` say
so.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass

import numpy as np

from oco.algorithms import Diagnostics
from oco.algorithms.chunks import Chunk
from oco.algorithms.fused import KernelPlayer
from oco.linalg.rounding import running_sums
from oco.losses.kernels import UNKNOWN, answer_code, loss_code

__all__ = ["Log", "NotFinite", "Play", "VectorLog", "plays_in_kernels"]

# Ctrl-C waits for a kernel to end: after so many seconds, as far as the rounds before tell, or
# after so many rounds where there were none.
RESPONSE, FIRST = 0.05, 16


class NotFinite(ArithmeticError):
    """A number that is not finite appeared in a round."""


@dataclass(frozen=True)
class Play:
    """What happened in the rounds that were played.

    Attributes
    ----------
    margins, slopes : ndarray of shape (n,), or (n, c) with vectors of c predictions
        z_t and u_t = φ'(z_t, y_t) of each round; the gradient was u_t a_t, or the matrix u_t a_tᵀ.
    labels : ndarray of shape (n,)
        y_t.
    losses : ndarray of shape (n,)
        φ(z_t, y_t), as computed.
    lengths : ndarray of shape (n,)
        ‖x_t‖, to rounding; 1e-140 where it is less.
    checkpoints : ndarray of shape (c,)
        Chunk after which the rest was recorded; the last is n.
    cumulative_loss : ndarray of shape (c,)
        Σ_{s≤t} φ(z_s, y_s), to rounding of the sum.
    diagnostics : tuple of Diagnostics or None
        The learner's account at each checkpoint; None for a learner that gives none.
    seconds : ndarray of shape (c,)
        Time spent in the rounds, without making the stream's features.
    status : {"complete", "interrupted", "failed"}
        How it ended.
    message : str
        What stopped it, naming the round; empty if it is complete.
    traceback : str
        Where in the learner, loss or stream it was raised; empty if nothing was.
    """

    margins: np.ndarray
    slopes: np.ndarray
    labels: np.ndarray
    losses: np.ndarray
    lengths: np.ndarray
    checkpoints: np.ndarray
    cumulative_loss: np.ndarray
    diagnostics: tuple[Diagnostics | None, ...]
    seconds: np.ndarray
    status: str
    message: str
    traceback: str = ""

    @property
    def rounds(self) -> int:
        """Number of rounds that were played to their end."""
        return len(self.margins)

    def unless_interrupted(self) -> Play:
        """Return it; where Ctrl-C ended it, let that end whoever cannot use half a game too.

        Raises
        ------
        KeyboardInterrupt
        """
        if self.status == "interrupted":
            raise KeyboardInterrupt
        return self


def plays_in_kernels(learner, loss, stream) -> bool:
    """Tell whether there are kernels for all three.

    Examples
    --------
    >>> import oco
    >>> from oco.losses import LOSSES, STREAMS
    >>> learner = oco.algorithms.adagrad(3, domain=oco.Ball(1.0))
    >>> plays_in_kernels(learner, LOSSES["hinge"], STREAMS["stochastic"](d=3, T=5))
    True
    """
    known = isinstance(learner, KernelPlayer) and learner.plays and loss_code(loss) != UNKNOWN
    answers = not stream.adaptive or answer_code(stream) != UNKNOWN
    return known and answers and stream.outputs is None


class Log:
    """The running record of a play."""

    def __init__(self, learner, loss, stream, checkpoints, points) -> None:
        self.learner, self.loss, self.points = learner, loss, points
        self.t = 0
        self.columns = self._columns(stream)
        self.due = [int(t) for t in checkpoints]
        self.seen: list[tuple[int, Diagnostics | None, float]] = []
        self.seconds = 0.0
        self.compiled = plays_in_kernels(learner, loss, stream)
        self.codes = loss_code(loss), answer_code(stream) if stream.adaptive else UNKNOWN
        self.pace = FIRST

    def _columns(self, stream) -> tuple[np.ndarray, ...]:
        """Return what takes predictions, slopes, labels and losses: the columns of one array."""
        self.facts = np.empty((stream.T, 4))
        return tuple(self.facts.T)

    def chunk(self, features, labels, answer, diagnose, interrupted) -> None:
        """Play the rounds of one chunk."""
        started = time.perf_counter() - self.seconds
        try:
            if self.compiled and _regular(features, labels, self.learner.d):
                self._in_kernels(features, labels, answer, diagnose, interrupted, started)
            else:
                self._in_turn(features, labels, answer, diagnose, interrupted, started)
            self.points.check(self.t)
        finally:
            self.seconds = time.perf_counter() - started

    def _in_turn(self, features, labels, answer, diagnose, interrupted, started) -> None:
        """Play rounds one after the other."""
        margins, slopes, answers, losses = self.columns
        learner, value, derivative = self.learner, self.loss.value, self.loss.derivative
        squares, hold = self.points.squares, self.points.hold
        due = self._due()
        for a, y in zip(features, labels.tolist(), strict=True):
            if interrupted:
                break
            x = learner.x
            z = float(a @ x)
            squares[self.t] = np.dot(x, x)
            if hold is not None:
                hold(x)
            if answer is not None:
                y = answer(z)
            suffered, slope = float(value(z, y)), float(derivative(z, y))
            # The sum is finite only if all three are (or they overflow, which is as bad).
            if not math.isfinite(z + suffered + slope):
                raise NotFinite(
                    f"expected finite numbers, got prediction {z}, loss {suffered}, "
                    f"derivative {slope}"
                )
            learner.update(slope * a)
            t = self.t
            margins[t], slopes[t], answers[t], losses[t] = z, slope, y, suffered
            self.t = t = t + 1
            if t == due:
                self._see(diagnose, started)
                due = self._due()

    def _in_kernels(self, features, labels, answer, diagnose, interrupted, started) -> None:
        """Play many rounds at a time; those that a kernel leaves, in turn."""
        done = 0
        while done < len(features) and not interrupted:
            some = slice(done, min(done + self._room(), len(features)))
            began, first = time.perf_counter(), self.t
            stopped = self._many(features[some], labels[some])
            played = self.t - first
            done += played
            if played:
                pace = (time.perf_counter() - began) / played
                self.pace = max(1, int(RESPONSE / max(pace, sys.float_info.min)))
            if self.t == self._due():
                self._see(diagnose, started)
            if stopped is not None:
                raise stopped
            if done < some.stop:
                one = slice(done, done + 1)
                self._in_turn(features[one], labels[one], answer, diagnose, interrupted, started)
                done += 1

    def _many(self, features, labels) -> Exception | None:
        """Play rounds in one kernel, as far as it goes; return the error that it stopped at."""
        now = slice(self.t, self.t + len(features))
        slots = self.points.slots(len(features))
        rounds = Chunk.of(
            features, labels, *self.codes, self.facts[now], self.points.squares[now], slots
        )
        played, error = self.learner.play(rounds)
        self.t += played
        self.points.took(played)
        return error

    def _room(self) -> int:
        """Return how many rounds may be played until something else is to be done."""
        due = self._due() - self.t
        return min(self.pace, self.points.room, due if due > 0 else self.pace)

    def _due(self) -> int:
        """Return the next checkpoint; -1 where there is none."""
        return self.due[len(self.seen)] if len(self.seen) < len(self.due) else -1

    def _see(self, diagnose, started) -> None:
        """Take down what is recorded at a checkpoint."""
        self.seconds = time.perf_counter() - started
        self.seen.append((self.t, diagnose() if diagnose else None, self.seconds))

    def result(self, status: str, message: str, where: str, diagnose) -> Play:
        """Close the record after the last round that was played to its end."""
        n = self.t
        if n and (not self.seen or self.seen[-1][0] != n):
            self.seen.append((n, diagnose() if diagnose else None, self.seconds))
        checkpoints = np.array([t for t, _, _ in self.seen], dtype=np.int64)
        margins, slopes, labels, losses = (
            np.ascontiguousarray(column[:n]) for column in self.columns
        )
        return Play(
            margins=margins,
            slopes=slopes,
            labels=labels,
            losses=losses,
            lengths=self.points.lengths(0, n),
            checkpoints=checkpoints,
            cumulative_loss=running_sums(losses, checkpoints)[0],
            diagnostics=tuple(account for _, account, _ in self.seen),
            seconds=np.array([seconds for _, _, seconds in self.seen]),
            status=status,
            message=message,
            traceback=where,
        )


class VectorLog(Log):
    """The record of a play with vectors of predictions, z_t = X_t a_t, X_t flattened by rows."""

    def _columns(self, stream):
        predictions = (stream.T, stream.outputs)
        return np.empty(predictions), np.empty(predictions), np.empty(stream.T), np.empty(stream.T)

    def chunk(self, features, labels, answer, diagnose, interrupted) -> None:
        """Play the rounds of one chunk."""
        for a, y in zip(features, labels.tolist(), strict=True):
            if interrupted:
                break
            started = time.perf_counter()
            try:
                self._round(a, y, answer)
            finally:
                self.seconds += time.perf_counter() - started
            if len(self.seen) < len(self.due) and self.t == self.due[len(self.seen)]:
                self.seen.append((self.t, diagnose() if diagnose else None, self.seconds))
        self.points.check(self.t)

    def _round(self, a: np.ndarray, y: float, answer) -> None:
        margins, slopes, answers, losses = self.columns
        x = self.learner.x
        z = x.reshape(-1, len(a)) @ a
        self.points.squares[self.t] = np.dot(x, x)
        if self.points.hold is not None:
            self.points.hold(x)
        if answer is not None:
            y = answer(z)
        suffered, slope = float(self.loss.value(z, y)), self.loss.derivative(z, y)
        if not (math.isfinite(suffered) and np.isfinite(z).all() and np.isfinite(slope).all()):
            raise NotFinite(
                f"expected finite numbers, got predictions {z}, loss {suffered}, derivative {slope}"
            )
        self.learner.update(np.multiply.outer(slope, a).reshape(-1))
        t = self.t
        margins[t], slopes[t], answers[t], losses[t] = z, slope, y, suffered
        self.t = t + 1


def _regular(features, labels, d: int) -> bool:
    """Tell whether a chunk is what kernels take: not all that a loop goes through is."""
    for array in (features, labels):
        if type(array) is not np.ndarray or array.dtype != np.float64:
            return False
        if not (array.flags.c_contiguous and array.flags.aligned):
            return False
    return features.shape == (len(labels), d)
