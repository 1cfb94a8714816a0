"""Experiments in parallel on this machine, each in a worker process with one BLAS thread."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TypeVar

from joblib import Parallel, cpu_count, delayed, parallel_config
from joblib.externals.loky.backend import resource_tracker as loky_tracker
from joblib.externals.loky.process_executor import TerminatedWorkerError

from oco import checks
from oco.experiment import Experiment
from oco.losses.sources import is_pipe
from oco.sweeps.outcomes import Outcome

__all__ = ["computed", "in_parallel", "require_files", "resolve_jobs"]

# How often an experiment may take down a worker that runs nothing else.
MOST_DEATHS = 2
Found = TypeVar("Found")
# Python's own switch: see its documentation of the command line and environment.
SAFE_PATH = "PYTHONSAFEPATH"


def resolve_jobs(jobs: int | None) -> int:
    """Return how many experiments to run at a time: as many as there are cores, unless told."""
    return cpu_count() if jobs is None else checks.integer("jobs", jobs, low=1)


def computed(tasks: Iterable, jobs: int, *, ordered: bool = False, **settings) -> Iterator:
    """Iterate over the results of joblib's tasks, computed in worker processes.

    Parameters
    ----------
    tasks : iterable
        Of `joblib.delayed` calls.
    jobs : int
        How many workers, each with one BLAS thread; one is this process itself.
    ordered : bool
        Whether the results come in the order of the tasks, or as they are there.
    **settings
        Others of `joblib.Parallel`.

    Notes
    -----
    Ctrl-C is for this process, which ends its workers.  They work in its current directory, and
    look for modules where it does, not first of all in that directory, which Python before 3.11
    cannot be told.
    """
    kind = "generator" if ordered else "generator_unordered"
    # joblib takes workers that are there for its next tasks, but none that began otherwise: so not
    # those that others have started, nor those that were started in another directory.
    backend = parallel_config(
        backend="loky",
        n_jobs=jobs,
        inner_max_num_threads=1,
        initializer=_begin,
        initargs=(os.getcwd(),),
    )
    with _environment(SAFE_PATH, "1"), backend:
        parallel = Parallel(return_as=kind, batch_size=1, **settings)
        with _deaf_to_interrupts():
            # Starts the workers.
            results = parallel(tasks)
        yield from results


def _begin(directory: str) -> None:
    """Begin a worker: it leaves Ctrl-C to who started it, and finds the files that they find."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.chdir(directory)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Put Ctrl-C off until later; processes that are started meanwhile are loaded without it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # What watches over the workers' files, and lets Ctrl-C through again where it is started.
    for tracker in (loky_tracker, resource_tracker):
        tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def require_files(experiments: Sequence[Experiment]) -> None:
    """Refuse data that a process of its own could not read again.

    Raises
    ------
    ValueError
        If it comes through a pipe.
    """
    for name in {e.data for e in experiments} | {e.labels for e in experiments}:
        if name is not None and is_pipe(name):
            raise ValueError(
                f"data: {name}: is a pipe, and every run reads the data: save it to a file first"
            )


def in_parallel(
    experiments: Sequence[Experiment],
    jobs: int | None,
    compute: Callable[[Experiment], Found],
) -> Iterator[Found | Outcome]:
    """Iterate over the outcomes of experiments as they finish.

    Parameters
    ----------
    experiments : sequence of Experiment
        In the order in which to start them.
    jobs : int or None
        How many at a time; None for as many as there are cores.  One runs in this process.
    compute : callable
        What to do with each.

    Yields
    ------
    object or Outcome
        What `compute` returns of each experiment, once.  Where a worker process dies, as when it is
        killed or out of memory, the experiments that were in flight are tried again, each alone;
        one that takes worker after worker down becomes a failure, an `Outcome`.
    """
    jobs = resolve_jobs(jobs)
    waiting = dict(enumerate(experiments))
    suspects: list[int] = []
    deaths: Counter[int] = Counter()
    while waiting:
        alone = suspects.pop() if suspects else None
        batch = {alone: waiting[alone]} if alone is not None else dict(waiting)
        started: list[int] = []
        try:
            for index, outcome in _batch(batch, started, jobs, alone is not None, compute):
                del waiting[index]
                yield outcome
        except TerminatedWorkerError:
            if alone is None:
                suspects = [index for index in started if index in waiting]
                continue
            deaths[alone] += 1
            if deaths[alone] < MOST_DEATHS:
                suspects.append(alone)
            else:
                message = f"its worker process died {MOST_DEATHS} times: killed, or out of memory?"
                yield Outcome(waiting.pop(alone), None, message)


def _batch(batch: dict[int, Experiment], started: list[int], jobs: int, alone: bool, compute):
    """Iterate over (index, outcome), noting which were handed to a worker."""

    def tasks():
        for index, experiment in batch.items():
            started.append(index)
            yield delayed(_numbered)(index, experiment, compute)

    if alone:
        # Never in this process, which must survive.
        jobs = max(jobs, 2)
    # One at a time to each worker: what is not in flight is not lost.
    yield from computed(tasks(), jobs, pre_dispatch=jobs)


def _numbered(index: int, experiment: Experiment, compute) -> tuple[int, Outcome]:
    return index, compute(experiment)
