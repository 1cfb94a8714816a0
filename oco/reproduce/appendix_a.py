"""The convex comparison of *Sketchy* (Feinberg et al., NeurIPS 2023, Appendix A) on data files.

Logistic loss, rows in file order, no constraint, x_1 = 0.  Each learner is tuned on the training
file by its average loss and then plays the test file, from 0 again, at the rate that was best.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from joblib import delayed

from oco import checks
from oco.algorithms import MirrorDescent
from oco.experiment import Experiment
from oco.experiment.game import set_up
from oco.experiment.takers import taken
from oco.losses import DataFile, Stream
from oco.notations import log_grid
from oco.simulator import Play, log_checkpoints, play
from oco.sweeps.local import computed, require_files, resolve_jobs
from oco.sweeps.tuning import Tuning, measure, tune

__all__ = ["REFERENCES", "AppendixA", "Evaluation", "Reference", "appendix_a"]

RATES = log_grid(1e-6, 1.0, 49)
# Ada-FD has two parameters to tune, and as many pairs as the others have rates.
PAIRED_RATES = log_grid(1e-6, 1.0, 7)
DELTAS = log_grid(1e-6, 1.0, 7)
# A round of full-matrix AdaGrad costs O(d²) and more: unless all are asked for, it tries the 9
# largest of the rates, from 0.1 to 1.
FEW_RATES = RATES[-9:]
LEARNERS = ("ogd", "adagrad-norm", "adagrad", "s-adagrad", "ada-fd", "full-adagrad")


@dataclass(frozen=True)
class Reference:
    """An average loss on a9a known from dense computation.

    Attributes
    ----------
    algorithm : str
        The learner.
    lr : float
        η.
    loss : float
        Its average loss.
    tolerance : float
        Half a unit of the last digit that is known.
    k : int or None
        Sketch size.
    """

    algorithm: str
    lr: float
    loss: float
    tolerance: float
    k: int | None = None


# On the 32,560 rows of a9a in file order with a constant feature: computed with dense
# eigendecompositions of the covariance, or from the definition, in every round.  The last of a9a's
# 123 features never occurs in these rows, and changes nothing.
REFERENCES = (
    Reference("ogd", 1.0, 0.33459, 5e-6),
    Reference("adagrad", RATES[41], 0.33226, 5e-6),
    Reference("full-adagrad", 0.1, 0.331620444, 5e-10),
    Reference("full-adagrad", 0.178, 0.330756505, 5e-10),
    Reference("s-adagrad", 0.1, 0.342660216, 5e-10, k=10),
)
REFERENCE_ROWS, REFERENCE_DIMENSIONS = 32_560, (123, 124)


@dataclass(frozen=True)
class Evaluation:
    """One learner's tuning and evaluation.

    Attributes
    ----------
    algorithm : str
        The learner.
    tuning : Tuning
        All rates on the training file.
    train_error, test_error : float or None
        Fraction of rounds of the one pass in which the sign of the prediction was wrong.
    test_loss : float or None
        Average loss of one pass over the test file.
    last_error : float or None
        Fraction of the test file that the last point of the training pass gets wrong.
    t, test_curve : ndarray
        Checkpoints, and the average loss on the test file up to each.
    message : str
        What stopped it; empty if nothing did.
    """

    algorithm: str
    tuning: Tuning
    train_error: float | None
    test_loss: float | None
    test_error: float | None
    last_error: float | None
    t: np.ndarray
    test_curve: np.ndarray
    message: str = ""


@dataclass(frozen=True)
class AppendixA:
    """The comparison.

    Attributes
    ----------
    entries : tuple of Evaluation
        By learner.
    references : tuple of (Reference, float or None)
        Known figures that apply here, each with the average loss measured at that rate.
    k, d, train_rows, test_rows : int
        Sketch size, dimension with the constant feature, rounds.
    """

    entries: tuple[Evaluation, ...]
    references: tuple[tuple[Reference, float | None], ...]
    k: int
    d: int
    train_rows: int
    test_rows: int

    @property
    def missed(self) -> tuple[Reference, ...]:
        """Known figures that were not met to their last digit."""
        return tuple(
            reference
            for reference, loss in self.references
            if loss is None or abs(loss - reference.loss) > reference.tolerance
        )


def appendix_a(
    data,
    test,
    *,
    k: int = 10,
    positive: float | str | None = None,
    all_rates: bool = False,
    jobs: int | None = None,
    algorithms: tuple[str, ...] = LEARNERS,
    progress: Callable[[str, int, int], None] | None = None,
) -> AppendixA:
    """Tune every learner on one file and evaluate it on another.

    Parameters
    ----------
    data, test : str or path-like
        Training and test file: svmlight, ``.npz`` or ``.npy``.
    k : int
        Sketch size.
    positive : float or str, optional
        The label that is +1, as of `oco.run`; by default the larger of two.
    all_rates : bool
        Whether full-matrix AdaGrad tries all 49 rates, and not the 9 largest only.
    jobs : int, optional
        How many runs at a time; as many as there are cores by default.
    algorithms : tuple of str
        Which learners.
    progress : callable, optional
        Called with the learner, how many of its runs are done, and how many there are.

    Returns
    -------
    AppendixA

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        If a file or option is wrong; before the first round.
    """
    require_files([Experiment("ogd", data=str(path)) for path in (data, test)])
    streams = _streams(data, test, positive)
    # What is wrong with an option shows here, before the first round.
    for algorithm in algorithms:
        checked = _experiment(algorithm, data, streams[0], k, lr=1.0, positive=positive)
        set_up(checked, {"stream": streams[0]})
    options: dict[str, Any] = {
        "data": str(data),
        "features": streams[0].d - 1,
        "domain": "unconstrained",
        "k": k,
        "positive": positive,
    }
    tunings: dict[str, Tuning] = {}
    for algorithm in algorithms:
        rates, deltas = _grid(algorithm, all_rates)
        total = len(rates) * len(deltas or [None])
        own = _own(algorithm, options)
        told = _progress_of(algorithm, total, progress)
        tunings[algorithm] = tune(algorithm, rates, deltas=deltas, jobs=jobs, progress=told, **own)
    tasks = (
        delayed(_evaluated)(algorithm, tuning, str(data), str(test), positive)
        for algorithm, tuning in tunings.items()
    )
    entries = list(computed(tasks, resolve_jobs(jobs), ordered=True))
    known = tuple(
        (reference, _measured(reference, entries, options))
        for reference in _applicable(streams[0], k, algorithms)
    )
    return AppendixA(tuple(entries), known, k, streams[0].d, streams[0].T, streams[1].T)


def _own(algorithm: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return those of the options that runs of a learner on a file take."""
    own = taken({"algorithm": algorithm, "data": options["data"]})
    return {name: value for name, value in options.items() if name in own}


def _progress_of(
    algorithm: str, total: int, progress: Callable[[str, int, int], None] | None
) -> Callable[[int], None] | None:
    if progress is None:
        return None
    return lambda done: progress(algorithm, done, total)


def _applicable(stream: Stream, k: int, algorithms: tuple[str, ...]) -> list[Reference]:
    """Return the known figures, if the training file has the shape of a9a."""
    if stream.T != REFERENCE_ROWS or stream.d not in REFERENCE_DIMENSIONS:
        return []
    return [r for r in REFERENCES if r.algorithm in algorithms and r.k in (None, k)]


def _measured(reference: Reference, entries: list[Evaluation], options: dict) -> float | None:
    """Return the average loss at the rate of a known figure, playing it if the grid has it not."""
    for entry in entries:
        for trial in entry.tuning.trials:
            if (entry.algorithm, trial.experiment.lr) == (reference.algorithm, reference.lr):
                return trial.average_loss
    own = _own(reference.algorithm, options)
    return measure(Experiment(reference.algorithm, lr=reference.lr, **own)).average_loss


def _streams(data, test, positive) -> tuple[Stream, Stream]:
    """Return both files with as many features as the wider one has."""
    first, second = (DataFile(path=path, bias=True, positive=positive) for path in (data, test))
    if positive is None:
        (_, upper), (lower, other) = (
            checks.known("classes", stream.classes) for stream in (first, second)
        )
        # The lower label may differ: some files write 0 for −1.
        if upper != other:
            raise ValueError(
                f"test: expected +1 to stand for the label {upper:g}, as in the training "
                f"file, got labels {lower:g} and {other:g}"
            )
    features = max(first.d, second.d) - 1
    if first.d != second.d:
        first, second = (
            DataFile(path=path, bias=True, positive=positive, features=features)
            for path in (data, test)
        )
    return first, second


def _grid(algorithm: str, all_rates: bool) -> tuple:
    if algorithm == "ada-fd":
        return PAIRED_RATES, DELTAS
    return (RATES if algorithm != "full-adagrad" or all_rates else FEW_RATES), None


def _experiment(algorithm: str, path, stream: Stream, k: int, **options) -> Experiment:
    return Experiment(
        algorithm,
        data=str(path),
        features=stream.d - 1,
        domain="unconstrained",
        k=checks.integer("k", k, low=2, high=stream.d + 1),
        **options,
    )


def _evaluated(algorithm: str, tuning: Tuning, data: str, test: str, positive) -> Evaluation:
    best = tuning.best
    if best is None:
        nothing = np.empty(0)
        return Evaluation(
            algorithm, tuning, None, None, None, None, nothing, nothing, "every rate diverged"
        )
    plays: list[Play] = []
    points: list[np.ndarray] = []
    streams = _streams(data, test, positive)
    for stream in streams:
        game = set_up(best.experiment, {"stream": stream})
        t = log_checkpoints(stream.T, best.experiment.checkpoints)
        played = play(game.learner, game.loss, stream, checkpoints=t)
        plays.append(played.unless_interrupted())
        points.append(cast(MirrorDescent, game.learner).x)
    trained, tested = plays
    return Evaluation(
        algorithm=algorithm,
        tuning=tuning,
        train_error=_error(trained),
        test_loss=float(tested.cumulative_loss[-1] / tested.rounds),
        test_error=_error(tested),
        last_error=_error_of(points[0], streams[1]),
        t=tested.checkpoints,
        test_curve=tested.cumulative_loss / tested.checkpoints,
        message=tested.message,
    )


def _error(played: Play) -> float:
    """Return the fraction of wrong signs; no prediction, 0, is wrong."""
    return float(np.mean(played.margins * played.labels <= 0))


def _error_of(x: np.ndarray, stream: Stream) -> float:
    wrong = sum(int(np.sum((features @ x) * labels <= 0)) for features, labels in stream.chunks())
    return wrong / stream.T
