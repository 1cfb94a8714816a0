"""How close each learner's certificate is to the regret that occurs, on every stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from oco.algorithms import ALGORITHMS
from oco.domains import Ball, Simplex
from oco.experiment import Experiment
from oco.experiment.game import set_up
from oco.experiment.takers import options_of, taken
from oco.losses import MATRIX_STREAMS, STREAMS
from oco.losses.functions import SQUARED
from oco.results import Interval
from oco.sweeps.local import in_parallel, resolve_jobs
from oco.sweeps.outcomes import Outcome, attempt

__all__ = ["Tightness", "Versus", "tightness"]

# Where a learner plays that plays on no ball.
ELSEWHERE = {"hedge": Simplex.name}


@dataclass(frozen=True)
class Versus:
    """A learner's certificate after the last round of a stream, beside its regret.

    Attributes
    ----------
    algorithm, stream, loss, domain : str
        What was run.
    certificate : float or None
        None if the run failed.
    regret : Interval or None
        The regret lies in it.
    holds : bool or None
        Whether the regret is below the certificate; None where the interval leaves that open.
    message : str
        What is wrong with the run; empty if nothing is.
    """

    algorithm: str
    stream: str
    loss: str
    domain: str
    certificate: float | None
    regret: Interval | None
    holds: bool | None
    message: str

    @property
    def ratio(self) -> Interval | None:
        """Certificate ÷ regret lies in it; None where the regret is not known to be positive."""
        if self.certificate is None or self.regret is None or self.regret.lo <= 0:
            return None
        return Interval(self.certificate / self.regret.hi, self.certificate / self.regret.lo)


@dataclass(frozen=True)
class Tightness:
    """The comparison.

    Attributes
    ----------
    d, T, k, seed : int
        The setting.
    shape : str
        Of x on the streams of matrices.
    spectrum : str
        Of the features, on streams that take one.
    entries : tuple of Versus
        In the order of the streams, then of the learners.
    """

    d: int
    T: int
    k: int
    seed: int
    shape: str
    spectrum: str
    entries: tuple[Versus, ...]

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The learners, in the order of `oco.algorithms.ALGORITHMS`."""
        named = {entry.algorithm for entry in self.entries}
        return tuple(name for name in ALGORITHMS if name in named)

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams, in the order in which they were played."""
        return tuple(dict.fromkeys(entry.stream for entry in self.entries))

    def of(self, algorithm: str, stream: str) -> Versus | None:
        """Return a learner on a stream; None if it does not play there."""
        for entry in self.entries:
            if (entry.algorithm, entry.stream) == (algorithm, stream):
                return entry
        return None


def tightness(
    *,
    d: int = 50,
    T: int = 2000,
    k: int = 10,
    shape: str = "16x12",
    spectrum: str = "exp:0.8",
    seed: int = 0,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Tightness:
    """Run every learner that has a certificate on every stream.

    Parameters
    ----------
    d, T, k, seed : int
        Dimension, rounds, sketch size, seed.
    shape : str
        Rows and columns of x on the streams of matrices.
    spectrum : str
        Of the features, on streams that take one.
    jobs : int, optional
        How many runs at a time; as many as there are cores by default.
    progress : callable, optional
        Called with the numbers of runs that are done and that there are.

    Returns
    -------
    Tightness

    Raises
    ------
    TypeError, ValueError
        If a number is out of range; before the first round.

    Notes
    -----
    All play on the ball of radius 1, but for hedge, which plays on the simplex.
    Each stream is played with its own loss, and by Newton steps, which need curvature, with the
    squared loss where it takes that.  Learners of matrices play on the streams of matrices, where
    the others see x as a vector.  Each learner has the rate that minimises its bound.

    Examples
    --------
    >>> found = tightness(d=10, T=200, k=4, shape="4x3", jobs=1)
    >>> found.of("ftsl", "adversary").ratio.hi < found.of("s-adagrad", "adversary").ratio.hi
    True
    """
    jobs = resolve_jobs(jobs)
    options = {"T": T, "k": k, "seed": seed, "spectrum": spectrum}
    experiments = [
        experiment
        for experiment in _experiments(options, d, shape)
        if getattr(set_up(experiment).learner, "bounds", ())
    ]
    found: dict[tuple[str, str | None], Versus] = {}
    for outcome in in_parallel(experiments, jobs, partial(attempt, partly=False)):
        found[outcome.experiment.algorithm, outcome.experiment.stream] = _versus(outcome)
        if progress is not None:
            progress(len(found), len(experiments))
    entries = tuple(found[one.algorithm, one.stream] for one in experiments)
    shown = experiments[0]
    return Tightness(d, T, k, seed, shape, str(shown.spectrum), entries)


def _experiments(options: dict, d: int, shape: str) -> Iterator[Experiment]:
    for stream, kind in STREAMS.items():
        if stream == "data":
            continue
        of_matrices = stream in MATRIX_STREAMS
        for algorithm, factory in ALGORITHMS.items():
            takes = options_of(factory)
            loss = SQUARED.name if "curvature" in takes else kind.default_loss
            if not kind.supports(loss) or ("shape" in takes and not of_matrices):
                continue
            asked = {"algorithm": algorithm, "stream": stream, "loss": loss, **options}
            asked["domain"] = ELSEWHERE.get(algorithm, Ball.name)
            asked |= {"shape": shape} if of_matrices else {"d": d}
            own = taken(asked)
            yield Experiment(**{name: value for name, value in asked.items() if name in own})


def _versus(outcome: Outcome) -> Versus:
    experiment, result = outcome.experiment, outcome.result
    names = (
        *(experiment.algorithm, str(experiment.stream)),
        *(str(experiment.loss), experiment.domain),
    )
    if result is None:
        return Versus(*names, None, None, None, outcome.fault)
    summary = result.summary
    if summary.status == "interrupted":
        raise KeyboardInterrupt
    if summary.status != "complete":
        return Versus(*names, None, None, None, outcome.fault)
    holds = summary.bounds[0].holds
    return Versus(*names, summary.certificate, summary.regret, holds, outcome.fault)
