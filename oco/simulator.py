"""The protocol: play x_t, suffer φ(z_t, y_t), absorb the gradient, whatever comes in between."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from oco.algorithms import Diagnostics
from oco.cores import one_blas_thread
from oco.domains import Domain
from oco.feasibility import Outside, Points
from oco.interrupts import interrupts_noted
from oco.linalg.rounding import lengths as row_lengths
from oco.rounds import Log, NotFinite, Play
from oco.sparse_rounds import log_for

__all__ = ["Play", "log_checkpoints", "play", "play_all"]

GOING = ""
# What a stream states was computed in floating point: its bounds may be exceeded by some roundings.
STATED = 1e-9


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
    (played,) = play_all(
        [learner],
        loss,
        stream,
        checkpoints=checkpoints,
        domain=domain,
        stated=stated,
        progress=progress,
    )
    return played


def play_all(
    learners: Sequence,
    loss,
    stream,
    *,
    checkpoints: np.ndarray,
    domain: Domain | None = None,
    stated: bool = False,
    progress: Callable[[int], None] | None = None,
    threads: int = 1,
) -> list[Play]:
    """Play each of several learners against a stream of losses, in one pass over the stream.

    Parameters
    ----------
    learners : sequence of object
        As that of `play`; each plays a chunk of the stream while it is in the processor's cache.
    loss, stream, checkpoints, domain, stated
        As for `play`, the same for all.
    progress : callable, optional
        Called with the number of rounds that one of them has played, once a chunk of the stream.
    threads : int
        How many learners play at a time: worth it for those that play in compiled kernels.

    Returns
    -------
    list of Play
        In the order of the learners; what ends one early does not end the others, but for Ctrl-C.
    """
    kind = log_for(stream)
    players = [
        _Player(learner, kind(learner, loss, stream, checkpoints, Points(domain, stream)))
        for learner in learners
    ]
    going = players
    # Numbers that are not finite are caught and named.
    with (
        interrupts_noted() as interrupted,
        one_blas_thread(),
        np.errstate(all="ignore"),
        _mapping(threads) as mapped,
    ):
        try:
            for features, labels in stream.chunks():
                broken = _first_beyond(stream, features, labels) if stated else None
                rounds = {"features": features, "labels": labels, "broken": broken}
                take = functools.partial(
                    _Player.take, stream=stream, stated=stated, flag=interrupted, **rounds
                )
                for _ in mapped(take, going):
                    pass
                going = [player for player in going if player.status == GOING]
                if going and progress is not None:
                    progress(going[0].log.t)
                if interrupted:
                    for player in going:
                        player.end("interrupted", f"interrupted after round {player.log.t}")
                    going = []
                if not going:
                    break
        except Exception as error:
            for player in going:
                player.fail(error)
        plays = [player.result() for player in players]
    # It may have come after the last round, while the records were closed.
    return [_cut(play) if interrupted and play.status == "complete" else play for play in plays]


def _cut(play: Play) -> Play:
    message = f"interrupted after round {play.rounds}"
    return dataclasses.replace(play, status="interrupted", message=message)


@contextlib.contextmanager
def _mapping(threads: int) -> Iterator[Callable]:
    """Give a `map` that works in so many threads."""
    if threads == 1:
        yield map
        return
    with ThreadPoolExecutor(threads) as pool:
        yield pool.map


class _Player:
    """A learner, what it has played, and how that has ended."""

    def __init__(self, learner, log: Log) -> None:
        self.log, self.diagnose = log, _accountant(learner)
        self.status, self.message, self.where = GOING, "", ""

    def end(self, status: str, message: str, where: str = "") -> None:
        """Say how it has ended."""
        self.status, self.message, self.where = status, message, where

    def fail(self, error: Exception) -> None:
        """End with an error of the round that is played."""
        if isinstance(error, _Unaccounted):
            self.end("failed", f"after round {self.log.t}: {error}", _traceback(error))
            self.diagnose = None
        elif isinstance(error, Outside | _NotAsStated):
            self.end("failed", str(error))
        else:
            where = "" if isinstance(error, NotFinite) else _traceback(error)
            self.end("failed", f"round {self.log.t + 1}: {_describe(error)}", where)

    def take(self, *, stream, features, labels, broken, stated, flag) -> None:
        """Play the rounds of a chunk, up to one that is not as the stream states."""
        if broken is not None:
            features, labels = features[: broken[0]], labels[: broken[0]]
        log, answer = self.log, stream.answer if stream.adaptive else None
        first = log.t
        try:
            # It may be a thread of its own.
            with np.errstate(all="ignore"):
                log.chunk(features, labels, answer, self.diagnose, flag)
                if broken is None and stated and answer is not None:
                    # What an adaptive stream answers is known only now.
                    answers = log.columns[2][first : log.t]
                    broken = _first_beyond(stream, features[: len(answers)], answers)
            if broken is not None and not flag:
                raise _NotAsStated(f"round {first + broken[0] + 1}: {broken[1]}")
        except Exception as error:
            self.fail(error)

    def result(self) -> Play:
        """Close the record."""
        status = "complete" if self.status == GOING else self.status
        try:
            return self.log.result(status, self.message, self.where, self.diagnose)
        except _Unaccounted as error:
            # After a failure its own message stands.
            if status != "failed":
                self.fail(error)
            return self.log.result("failed", self.message, self.where, None)


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


class _NotAsStated(ValueError):
    """A stream has given a round beyond the bounds that it states."""


def _first_beyond(stream, features, labels) -> tuple[int, str] | None:
    """Return the first round that is beyond what the stream states, and in what; None if none is.

    What is no number is found when it is played.
    """
    found = []
    for name, sizes, bound in (
        ("feature_norm", row_lengths(features), stream.feature_norm),
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


def _describe(error: Exception) -> str:
    return str(error) if isinstance(error, NotFinite) else f"{type(error).__name__}: {error}"
