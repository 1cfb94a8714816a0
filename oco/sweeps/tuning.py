"""The best learning rate in hindsight, with the whole curve: what diverged is part of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from oco import checks
from oco.experiment import Experiment, perform
from oco.experiment.game import Game
from oco.linalg.engine import ENGINE
from oco.regret import cumulative_losses
from oco.results import Interval
from oco.results.records import Record
from oco.rounds import plays_in_kernels
from oco.simulator import Play, log_checkpoints, play_all
from oco.sweeps.games import game_of
from oco.sweeps.local import in_parallel, require_files, resolve_jobs
from oco.sweeps.outcomes import Outcome, typed_message

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from oco.results.options import TuneOptions

__all__ = [
    "CRITERIA",
    "DIVERGED",
    "FAILED",
    "FINE",
    "Trial",
    "Tuning",
    "document",
    "measure",
    "tune",
]

CRITERIA = ("loss", "regret")
# Games that are played in one pass: what is recorded of them all is held at a time.
TOGETHER = 16
FINE, FAILED, DIVERGED = "", "failed", "diverged"


@dataclass(frozen=True, eq=False)
class Trial(Record):
    """A run at one rate, and what it came to.

    Attributes
    ----------
    experiment : Experiment
        What was run, with its `lr` and `delta`.
    average_loss : float or None
        Over all rounds; None if the run did not finish.
    regret : Interval or None
        Where it was asked for.
    verdict : {"", "failed", "diverged"}
        ``"failed"`` if the run ended early, as when a number overflowed; ``"diverged"`` if it
        finished with a loss above that of never leaving x_1 on an unbounded domain.
    message : str
        What ended it.
    t, curve : ndarray of shape (c,)
        Checkpoints and the average loss up to each.
    seconds : float
        Time spent in the rounds.
    """

    experiment: Experiment
    average_loss: float | None
    regret: Interval | None
    verdict: str
    message: str
    t: np.ndarray
    curve: np.ndarray
    seconds: float

    @property
    def finished(self) -> bool:
        """Whether there is a number to compare with those of other rates."""
        return self.average_loss is not None


@dataclass(frozen=True, eq=False)
class Tuning(Record):
    """Runs at each rate of a grid, and what each came to.

    Attributes
    ----------
    by : {"loss", "regret"}
        What the best is chosen by.
    trials : tuple of Trial
        All of them, in the order of the grid.
    start : float
        Average loss of never leaving x_1.
    """

    by: str
    trials: tuple[Trial, ...]
    start: float

    @property
    def best(self) -> Trial | None:
        """The trial with the least average loss, or regret; None if every run failed."""
        finished = [trial for trial in self.trials if trial.finished and trial.verdict == FINE]
        return min(finished, key=self.score, default=None)

    def score(self, trial: Trial) -> float:
        """Return what the trials are compared by."""
        score = trial.average_loss
        if self.by == "regret":
            score = None if trial.regret is None else trial.regret.hi
        return math.inf if score is None else score


def tune(
    algorithm: str,
    rates: Sequence[float],
    *,
    deltas: Sequence[float] | None = None,
    delta: float | None = None,
    by: str = "loss",
    jobs: int | None = 1,
    progress: Callable[[int], None] | None = None,
    **options: Unpack[TuneOptions],
) -> Tuning:
    """Run a learner at each of several rates and keep what every one came to.

    Parameters
    ----------
    algorithm : str
        A learner's name or import string.
    rates : sequence of float
        η > 0 to try.
    deltas : sequence of float, optional
        δ > 0 to try, each with each rate.
    delta : float, optional
        One δ > 0 for all rates.
    by : {"loss", "regret"}
        Choose the best by average loss or by the certified regret (slower where the stream adapts
        to the learner or the runs are short).
    jobs : int, optional
        How many runs at a time; None for as many as there are cores.
    progress : callable, optional
        Called with the number of runs that are done.
    **options
        Others of `oco.run`.

    Returns
    -------
    Tuning

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        If an option is wrong; before the first round.

    Examples
    --------
    >>> tuning = tune("adagrad", [1e-3, 1e-1, 10.0], d=10, T=200, domain="unconstrained")
    >>> tuning.best.experiment.lr
    0.1
    """
    checks.choice("by", by, CRITERIA)
    if deltas and delta is not None:
        raise ValueError(f"deltas: expected either deltas or one delta, got both (delta = {delta})")
    settings: dict[str, Any] = {**options}
    to_try: Sequence[float | None] = deltas or [delta]
    experiments = [
        Experiment(algorithm, lr=lr, delta=one, **settings) for one in to_try for lr in rates
    ]
    if not experiments:
        raise ValueError("rates: expected at least one rate, got none")
    require_files(experiments)
    game = game_of(experiments[0])
    start = _start(game)
    outcomes: Iterator[Trial | Outcome]
    if by == "loss" and ENGINE == "numba" and plays_in_kernels(*game.parts):
        # Compiled, they need no processes of their own, each of which would read the data.
        outcomes = measure_together(experiments, jobs)
    else:
        outcomes = in_parallel(experiments, jobs, measure if by == "loss" else measure_regret)
    found: dict[str, Trial] = {}
    for outcome in outcomes:
        trial = outcome if isinstance(outcome, Trial) else _unfinished(outcome)
        found[repr(trial.experiment.plain())] = _judged(trial, game, start)
        if progress is not None:
            progress(len(found))
    return Tuning(by, tuple(found[repr(e.plain())] for e in experiments), start)


def document(tuning: Tuning) -> dict:
    """Return a tuning as JSON data: the best rate, and what every one came to.

    Examples
    --------
    >>> tuning = tune("ogd", [0.1, 1.0], d=3, T=50)
    >>> [entry["lr"] for entry in document(tuning)["rates"]]
    [0.1, 1.0]
    """
    best = tuning.best
    return {
        "by": tuning.by,
        "experiment": tuning.trials[0].experiment.replace(lr=None, delta=None).plain(),
        "start": None if math.isnan(tuning.start) else tuning.start,
        "best": None if best is None else _entry(best),
        "rates": [_entry(trial) for trial in tuning.trials],
    }


def _entry(trial: Trial) -> dict:
    content = trial.replace(t=(), curve=()).plain()
    for name in ("experiment", "t", "curve"):
        del content[name]
    return {"lr": trial.experiment.lr, "delta": trial.experiment.delta, **content}


def measure(experiment: Experiment) -> Trial:
    """Play an experiment for its average loss alone; whatever goes wrong becomes a message."""
    (trial,) = measure_together([experiment], 1)
    return trial


def measure_together(experiments: Sequence[Experiment], jobs: int | None) -> Iterator[Trial]:
    """Play experiments for their average losses, several in one pass over their stream.

    Parameters
    ----------
    experiments : sequence of Experiment
        Of one stream and loss.
    jobs : int or None
        How many play at a time, in threads; None for as many as there are cores.

    Yields
    ------
    Trial
        In the order of the experiments; whatever goes wrong with one becomes its message.
    """
    threads = resolve_jobs(jobs)
    for start in range(0, len(experiments), TOGETHER):
        trials: list[Trial | None] = []
        games: list[Game] = []
        for experiment in experiments[start : start + TOGETHER]:
            try:
                games.append(game_of(experiment))
                trials.append(None)
            except Exception as error:
                trials.append(_failed(experiment, typed_message(error)))
        played = iter(_played(games, threads))
        yield from (next(played) if trial is None else trial for trial in trials)


def _played(games: list[Game], threads: int) -> list[Trial]:
    """Return what came of games on one stream."""
    if not games:
        return []
    _, loss, stream = games[0].parts
    t = log_checkpoints(stream.T, games[0].experiment.checkpoints)
    learners = [game.learner for game in games]
    try:
        plays = play_all(learners, loss, stream, checkpoints=t, threads=threads)
        return [
            _trial(game.experiment, play.unless_interrupted())
            for game, play in zip(games, plays, strict=True)
        ]
    except Exception as error:
        return [_failed(game.experiment, typed_message(error)) for game in games]


def _trial(experiment: Experiment, played: Play) -> Trial:
    if played.status != "complete":
        return _failed(experiment, played.message)
    curve = played.cumulative_loss / played.checkpoints
    seconds = float(played.seconds[-1])
    return Trial(experiment, float(curve[-1]), None, FINE, "", played.checkpoints, curve, seconds)


def measure_regret(experiment: Experiment) -> Trial:
    """Run an experiment for its certified regret; whatever goes wrong becomes a message."""
    try:
        result = perform(game_of(experiment), partly=False)
    except Exception as error:
        return _failed(experiment, typed_message(error))
    summary, trace = result.summary, result.trace
    if summary.status == "interrupted":
        raise KeyboardInterrupt
    if summary.status != "complete":
        return _failed(experiment, summary.message)
    curve = trace.loss / trace.t
    return Trial(
        experiment,
        summary.average_loss,
        summary.regret,
        FINE,
        "",
        trace.t,
        curve,
        summary.seconds,
    )


def _failed(experiment: Experiment, message: str) -> Trial:
    nothing = np.empty(0)
    return Trial(experiment, None, None, FAILED, message, nothing.astype(int), nothing, 0.0)


def _unfinished(outcome) -> Trial:
    """Return the trial of an experiment whose worker died."""
    return _failed(outcome.experiment, outcome.message)


def _judged(trial: Trial, game: Game, start: float) -> Trial:
    """Return the trial with its verdict: on a bounded domain no run can diverge."""
    loss = trial.average_loss
    if loss is not None and not game.domain.bounded and loss > start:
        return trial.replace(verdict=DIVERGED, message="worse than never leaving the start")
    return trial


def _start(game: Game) -> float:
    """Return the average loss of staying at x_1; NaN where the labels depend on the play."""
    if game.stream.adaptive:
        return math.nan
    x, T = game.domain.start(game.stream.d), game.stream.T
    return float(cumulative_losses(game.loss, x, game.stream, [T])[0]) / T
