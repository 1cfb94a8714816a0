"""The convex comparison of *Sketchy* (Feinberg et al., NeurIPS 2023, Appendix A) on data files.

Logistic loss, rows in file order, no constraint, x_1 = 0.  Each learner is tuned on the training
file by its average loss and then plays the test file, from 0 again, at the rate that was best.
Beside the sketched learners stand the same with the numerics that were published.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joblib import delayed

from oco import checks
from oco.experiment import Experiment
from oco.experiment.game import set_up
from oco.experiment.takers import taken
from oco.losses import DataFile, Stream
from oco.notations import log_grid
from oco.reproduce.numerics import Numerics, numerics
from oco.reproduce.passes import Pass, passed, wrong_signs
from oco.reproduce.references import REFERENCES, Reference, applicable
from oco.sweeps.local import computed, require_files, resolve_jobs
from oco.sweeps.tuning import Tuning, measure, tune

__all__ = ["LEARNERS", "REFERENCES", "AppendixA", "Evaluation", "Reference", "appendix_a"]

RATES = log_grid(1e-6, 1.0, 49)
# Learners with two parameters to tune have as many pairs as the others have rates.
PAIRED_RATES = log_grid(1e-6, 1.0, 7)
DELTAS = log_grid(1e-6, 1.0, 7)
PAIRED = ("ada-fd", "fd-son")
# Learners whose rounds take several times as long as the others': unless all are asked for, they
# try the 9 largest of the rates, from 0.1 to 1.
SLOW = ("full-adagrad", "ftsl")
FEW_RATES = RATES[-9:]
# What to run by the name of the learner: the six of the paper, and three of ours.  Newton steps are
# those without curvature, and not those that have a certificate.
SCALED = "oco.algorithms.scaled_newton:"
LEARNERS = {
    "ogd": "ogd",
    "adagrad": "adagrad",
    "s-adagrad": "s-adagrad",
    "rfd-son": f"{SCALED}rfd_son",
    "fd-son": f"{SCALED}fd_son",
    "ada-fd": "ada-fd",
    "s-ons": f"{SCALED}s_ons",
    "ftsl": "ftsl",
    "full-adagrad": "full-adagrad",
}


@dataclass(frozen=True)
class Evaluation:
    """One learner's tuning and evaluation.

    Attributes
    ----------
    name, algorithm : str
        What it is called, and what was run.
    tuning : Tuning
        All rates on the training file.
    train, test : Pass or None
        At the best rate: over the training file, and from 0 again over the test file.
    last_error : float or None
        Fraction of the test file that the last point of the training pass gets wrong.
    numerics : tuple of Numerics
        Of a sketched learner of the paper: this package's, and as published.
    """

    name: str
    algorithm: str
    tuning: Tuning
    train: Pass | None
    test: Pass | None
    last_error: float | None
    numerics: tuple[Numerics, ...] = ()

    @property
    def train_error(self) -> float | None:
        """Fraction of rounds of the training pass in which the sign was wrong."""
        return None if self.train is None else self.train.error

    @property
    def test_error(self) -> float | None:
        """Fraction of rounds of the test pass in which the sign was wrong."""
        return None if self.test is None else self.test.error

    @property
    def test_loss(self) -> float | None:
        """Average loss of the test pass."""
        return None if self.test is None else self.test.average_loss

    @property
    def message(self) -> str:
        """What stopped it; empty if nothing did."""
        return "every rate diverged" if self.test is None else self.test.message


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
    data : str
        The training file.
    """

    entries: tuple[Evaluation, ...]
    references: tuple[tuple[Reference, float | None], ...]
    k: int
    d: int
    train_rows: int
    test_rows: int
    data: str = ""

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
    published: bool = True,
    jobs: int | None = None,
    algorithms: tuple[str, ...] = tuple(LEARNERS),
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
        Whether full-matrix AdaGrad and FTSL try all 49 rates, and not the 9 largest only.
    published : bool
        Whether to run the sketched learners with the published numerics too.
    jobs : int, optional
        How many runs at a time; as many as there are cores by default.
    algorithms : tuple of str
        Which learners: keys of `LEARNERS`.
    progress : callable, optional
        Called with what is run, how many of its runs are done, and how many there are.

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
    options: dict[str, Any] = {
        "data": str(data),
        "features": streams[0].d - 1,
        "domain": "unconstrained",
        "k": checks.integer("k", k, low=2, high=streams[0].d + 1),
        "positive": positive,
    }
    runs = {name: LEARNERS[checks.choice("alg", name, LEARNERS)] for name in algorithms}
    # What is wrong with an option shows here, before the first round.
    for algorithm in runs.values():
        set_up(Experiment(algorithm, lr=1.0, **_own(algorithm, options)), {"stream": streams[0]})
    tunings: dict[str, Tuning] = {}
    for name, algorithm in runs.items():
        rates, deltas = _grid(name, all_rates)
        told = _progress_of(name, len(rates) * len(deltas or [None]), progress)
        own = _own(algorithm, options)
        tunings[name] = tune(algorithm, rates, deltas=deltas, jobs=jobs, progress=told, **own)
    best = {
        name: tuning.best.experiment for name, tuning in tunings.items() if tuning.best is not None
    }
    beside = numerics(best, jobs, progress) if published else {}
    references = applicable(streams[0], k, algorithms)
    losses = {(n, t.experiment.lr): t.average_loss for n in runs for t in tunings[n].trials}
    others = [
        Experiment(one.algorithm, lr=one.lr, **_own(one.algorithm, options))
        for one in references
        if (one.algorithm, one.lr) not in losses
    ]
    trained, tested, wrong, measured = _evaluated(best, str(test), others, jobs)
    losses |= {(one.algorithm, one.lr): loss for one, loss in zip(others, measured, strict=True)}
    known = tuple((one, losses[one.algorithm, one.lr]) for one in references)
    entries = tuple(
        Evaluation(
            name=name,
            algorithm=algorithm,
            tuning=tunings[name],
            train=trained.get(name),
            test=tested.get(name),
            last_error=wrong.get(name),
            numerics=beside.get(name, ()),
        )
        for name, algorithm in runs.items()
    )
    sizes = k, streams[0].d, streams[0].T, streams[1].T
    return AppendixA(entries, known, *sizes, data=str(data))


def _own(algorithm: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return those of the options that runs of a learner on a file take."""
    own = taken({"algorithm": algorithm, "data": options["data"]})
    return {name: value for name, value in options.items() if name in own}


def _progress_of(
    name: str, total: int, progress: Callable[[str, int, int], None] | None
) -> Callable[[int], None] | None:
    if progress is None:
        return None
    return lambda done: progress(name, done, total)


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


def _grid(name: str, all_rates: bool) -> tuple:
    if name in PAIRED:
        return PAIRED_RATES, DELTAS
    return (RATES if name not in SLOW or all_rates else FEW_RATES), None


def _evaluated(
    best: dict[str, Experiment],
    test: str,
    others: list[Experiment],
    jobs: int | None,
) -> tuple[dict[str, Pass], dict[str, Pass], dict[str, float], list[float | None]]:
    """Return each learner's passes over both files, and what its last point gets wrong.

    Last come the average losses of other experiments on the training file.
    """
    # The longest begin first; and one file after the other, so that each worker reads it once.
    names = sorted(best, key=lambda name: name not in SLOW)
    there = [best[name].replace(data=test) for name in names]
    tasks = [
        *(delayed(passed)(best[name]) for name in names),
        *(delayed(measure)(one) for one in others),
        *(delayed(passed)(one) for one in there),
    ]
    found = list(computed(tasks, resolve_jobs(jobs), ordered=True))
    trained, tested = found[: len(names)], found[len(names) + len(others) :]
    losses = [trial.average_loss for trial in found[len(names) : len(names) + len(others)]]
    wrong = [wrong_signs(one, run.x) for one, run in zip(there, trained, strict=True)]
    return (
        dict(zip(names, trained, strict=True)),
        dict(zip(names, tested, strict=True)),
        dict(zip(names, wrong, strict=True)),
        losses,
    )
