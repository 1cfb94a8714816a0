"""The protocol loop: play x_t, suffer φ(z_t, y_t), absorb the gradient; and record it.

The prediction z_t is ⟨a_t, x_t⟩, or a vector X_t a_t where the stream's `outputs` say so.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from oco.algorithms import Diagnostics
from oco.cores import one_blas_thread
from oco.domains import Domain
from oco.feasibility import Outside, Points
from oco.linalg.rounding import running_sums

__all__ = ["Play", "log_checkpoints", "play"]

# What a stream states was computed in floating point: its bounds may be exceeded by some roundings.
STATED = 1e-9


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
        Rounds after which the rest was recorded; the last is n.
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


def log_checkpoints(T: int, per_decade: int = 5) -> np.ndarray:
    """Return rounds spaced evenly in log t, from 1 to `T`.

    Examples
    --------
    >>> log_checkpoints(100, per_decade=3).tolist()
    [1, 2, 5, 10, 22, 46, 100]
    """
    count = 1 + math.ceil(per_decade * math.log10(T)) if T > 1 else 1
    return np.unique(np.rint(np.geomspace(1, T, count)).astype(np.int64))


def play(
    learner,
    loss,
    stream,
    *,
    checkpoints: np.ndarray,
    domain: Domain | None = None,
    stated: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Play:
    """Play a learner against a stream of losses.

    Parameters
    ----------
    learner : object
        With `x`, of shape (d,), and `update(g)`; with `diagnostics()` its bounds can be checked.
    loss : Loss
        φ.
    stream : Stream
        Hands out (a_t, y_t); an adaptive one is asked for y_t when z_t is known.
    checkpoints : ndarray of int
        Rounds after which to record, ascending, the last at most T.
    domain : Domain, optional
        K: every point that is played must lie in it, to rounding.
    stated : bool
        Whether features and labels must be as short as the stream states, which bounds on the
        regret may rest on.
    progress : callable, optional
        Called with the number of rounds played, once a chunk of the stream.

    Returns
    -------
    Play
        Also when an interrupt (Ctrl-C), an error in the learner or loss, a number that is not
        finite, a point outside K or a stream that does not keep what it states ended it early:
        `status` and `message` say so and nothing played is lost.  Points are held against K, and an
        adaptive stream's labels against what it states, a few at a time, so that a few rounds may
        have been played after the one that the message names.
    """
    kind = _Game if stream.outputs is None else _VectorGame
    game = kind(learner, loss, stream, checkpoints, Points(domain, stream))
    status, message, where = "complete", "", ""
    diagnose = _accountant(learner)
    # Numbers that are not finite are caught and named below.
    with (
        _interrupts() as interrupted,
        one_blas_thread(),
        np.errstate(all="ignore"),
    ):
        try:
            for features, labels in stream.chunks():
                answer = stream.answer if stream.adaptive else None
                broken = _first_beyond(stream, features, labels) if stated else None
                if broken is not None:
                    features, labels = features[: broken[0]], labels[: broken[0]]
                first = game.t
                game.chunk(features, labels, answer, diagnose, interrupted)
                if broken is None and stated and answer is not None:
                    # What an adaptive stream answers is known only now.
                    answers = game.columns["labels"][first : game.t]
                    broken = _first_beyond(stream, features[: len(answers)], answers)
                if broken is not None and not interrupted:
                    raise _NotAsStated(f"round {first + broken[0] + 1}: {broken[1]}")
                if progress is not None:
                    progress(game.t)
                if interrupted:
                    status, message = "interrupted", f"interrupted after round {game.t}"
                    break
        except _Unaccounted as error:
            status, message = "failed", f"after round {game.t}: {error}"
            where, diagnose = _traceback(error), None
        except (Outside, _NotAsStated) as error:
            status, message = "failed", str(error)
        except Exception as error:
            status, message = "failed", f"round {game.t + 1}: {_describe(error)}"
            where = "" if isinstance(error, _NotFinite) else _traceback(error)
        try:
            return game.result(status, message, where, diagnose)
        except _Unaccounted as error:
            # After a failure its own message stands.
            if status != "failed":
                message, where = f"after round {game.t}: {error}", _traceback(error)
            return game.result("failed", message, where, None)


def _accountant(learner) -> Callable | None:
    """Return what asks the learner for its account, and names what is wrong with it."""
    diagnose = getattr(learner, "diagnostics", None)
    if diagnose is None:
        return None

    def account() -> Diagnostics | None:
        try:
            found = diagnose()
        except Exception as error:
            raise _Unaccounted(f"the learner's diagnostics(): {_describe(error)}") from error
        if not isinstance(found, Diagnostics | None):
            raise _Unaccounted(
                "the learner's diagnostics() must give an oco.algorithms.Diagnostics, got "
                f"{type(found).__name__}"
            )
        return found

    return account


def _traceback(error: Exception) -> str:
    return "".join(traceback.format_exception(error))


class _Unaccounted(Exception):
    """The learner's account of itself is none."""


class _NotFinite(ArithmeticError):
    """A number that is not finite appeared in a round."""


class _Game:
    """The running record of a play."""

    def __init__(self, learner, loss, stream, checkpoints, points) -> None:
        self.learner, self.loss, self.points = learner, loss, points
        self.t = 0
        predictions = (stream.T,) if stream.outputs is None else (stream.T, stream.outputs)
        self.columns = {
            "margins": np.empty(predictions),
            "slopes": np.empty(predictions),
            "labels": np.empty(stream.T),
            "losses": np.empty(stream.T),
        }
        self.due = [int(t) for t in checkpoints]
        self.seen: list[tuple[int, Diagnostics | None, float]] = []
        self.seconds = 0.0

    def chunk(self, features, labels, answer, diagnose, interrupted) -> None:
        """Play the rounds of one chunk."""
        margins, slopes, answers, losses = self.columns.values()
        learner, value, derivative = self.learner, self.loss.value, self.loss.derivative
        squares, hold = self.points.squares, self.points.hold
        started = time.perf_counter() - self.seconds
        due = self.due[len(self.seen)] if len(self.seen) < len(self.due) else -1
        try:
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
                    raise _NotFinite(
                        f"expected finite numbers, got prediction {z}, loss {suffered}, "
                        f"derivative {slope}"
                    )
                learner.update(slope * a)
                t = self.t
                margins[t], slopes[t], answers[t], losses[t] = z, slope, y, suffered
                self.t = t = t + 1
                if t == due:
                    self.seconds = time.perf_counter() - started
                    self.seen.append((t, diagnose() if diagnose else None, self.seconds))
                    due = self.due[len(self.seen)] if len(self.seen) < len(self.due) else -1
            self.points.check(self.t)
        finally:
            self.seconds = time.perf_counter() - started

    def result(self, status: str, message: str, where: str, diagnose) -> Play:
        """Close the record after the last round that was played to its end."""
        n = self.t
        if n and (not self.seen or self.seen[-1][0] != n):
            self.seen.append((n, diagnose() if diagnose else None, self.seconds))
        checkpoints = np.array([t for t, _, _ in self.seen], dtype=np.int64)
        margins, slopes, labels, losses = (column[:n] for column in self.columns.values())
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


class _VectorGame(_Game):
    """The record of a play with vectors of predictions, z_t = X_t a_t, X_t flattened by rows."""

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
        margins, slopes, answers, losses = self.columns.values()
        x = self.learner.x
        z = x.reshape(-1, len(a)) @ a
        self.points.squares[self.t] = np.dot(x, x)
        if self.points.hold is not None:
            self.points.hold(x)
        if answer is not None:
            y = answer(z)
        suffered, slope = float(self.loss.value(z, y)), self.loss.derivative(z, y)
        if not (math.isfinite(suffered) and np.isfinite(z).all() and np.isfinite(slope).all()):
            raise _NotFinite(
                f"expected finite numbers, got predictions {z}, loss {suffered}, derivative {slope}"
            )
        self.learner.update(np.multiply.outer(slope, a).reshape(-1))
        t = self.t
        margins[t], slopes[t], answers[t], losses[t] = z, slope, y, suffered
        self.t = t + 1


class _NotAsStated(ValueError):
    """A stream has given a round beyond the bounds that it states."""


def _first_beyond(stream, features, labels) -> tuple[int, str] | None:
    """Return the first round that is beyond what the stream states, and in what; None if none is.

    What is no number is found when it is played.
    """
    lengths = np.sqrt(np.einsum("ij,ij->i", features, features))
    found = []
    for name, sizes, bound in (
        ("feature_norm", lengths, stream.feature_norm),
        ("label_bound", np.abs(labels), stream.label_bound),
    ):
        beyond = np.flatnonzero(sizes > bound * (1 + STATED))
        if len(beyond):
            said = (
                f"the stream states {name} = {bound:g} and gives {sizes[beyond[0]]:g}; the "
                "learner's bounds rest on it"
            )
            found.append((int(beyond[0]), said))
    return min(found, default=None)


class _Interrupted:
    """True once an interrupt has come."""

    def __init__(self) -> None:
        self.pending = False

    def __bool__(self) -> bool:
        return self.pending


@contextlib.contextmanager
def _interrupts() -> Iterator[_Interrupted]:
    """Turn Ctrl-C into a flag, so that a round is never cut in half; a second one is immediate."""
    flag = _Interrupted()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return

    def handle(signum, frame):
        flag.pending = True
        signal.signal(signal.SIGINT, previous)

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, previous)


def _describe(error: Exception) -> str:
    return str(error) if isinstance(error, _NotFinite) else f"{type(error).__name__}: {error}"
