"""Run many experiments, keep each one's outcome as it comes, skip what is there already."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from oco.experiment import Experiment
from oco.sweeps.cluster import on_cluster
from oco.sweeps.local import in_parallel, require_files, resolve_jobs
from oco.sweeps.outcomes import Outcome, attempt, typed_message
from oco.sweeps.store import Store

__all__ = ["Sweep", "sweep"]


@dataclass
class Sweep:
    """What a sweep came to.

    Attributes
    ----------
    total : int
        Experiments of the study.
    skipped : int
        How many of them were finished before.
    computed : int
        How many were computed now.
    faults : list of Outcome
        Those, of before and of now, that failed, were interrupted or violated a bound.
    interrupted : bool
        Whether Ctrl-C ended it early.
    """

    total: int
    skipped: int = 0
    computed: int = 0
    faults: list[Outcome] = field(default_factory=list)
    interrupted: bool = False

    @property
    def missing(self) -> int:
        """How many experiments were not reached."""
        return self.total - self.skipped - self.computed


def sweep(
    experiments: Iterable[Experiment],
    out: str | os.PathLike[str],
    *,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Callable[[Sweep], None] | None = None,
) -> Sweep:
    """Run the experiments that are not in a directory yet, and keep each outcome there.

    Parameters
    ----------
    experiments : iterable of Experiment
        As of ``read_study(path).experiments``.
    out : str or path-like
        The directory; created if need be.
    jobs : int, optional
        How many at a time on this machine; as many as there are cores by default.
    dask : str, optional
        Address of a Dask scheduler whose workers compute instead.
    progress : callable, optional
        Called after each experiment.

    Returns
    -------
    Sweep

    Raises
    ------
    ImportError, ValueError
        If the directory cannot be written to or the scheduler cannot be reached; before the first
        experiment.

    Notes
    -----
    An outcome is on disk before the next is waited for: a sweep that is killed at any time loses
    at most the experiments in flight.

    Examples
    --------
    >>> import tempfile
    >>> study = [Experiment("ogd", d=3, T=20, seed=seed) for seed in range(2)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first, again = (sweep(study, folder, jobs=1) for _ in range(2))
    >>> (first.computed, first.skipped), (again.computed, again.skipped)
    ((2, 0), (0, 2))
    """
    store = Store(out)
    store.require_writable()
    jobs = resolve_jobs(jobs)
    experiments = list(experiments)
    require_files(experiments)
    state = Sweep(len(experiments))
    waiting = []
    for experiment in experiments:
        saved = store.saved(experiment)
        if saved is None:
            waiting.append(experiment)
            continue
        state.skipped += 1
        if saved.fault:
            state.faults.append(saved)
    if progress is not None:
        progress(state)
    if not waiting:
        return state
    outcomes = in_parallel(waiting, jobs, attempt) if dask is None else on_cluster(waiting, dask)
    try:
        for outcome in outcomes:
            _keep(store, outcome, state)
            if progress is not None:
                progress(state)
            if state.interrupted:
                break
    except KeyboardInterrupt:
        state.interrupted = True
    return state


def _keep(store: Store, outcome: Outcome, state: Sweep) -> None:
    if outcome.result is not None and not outcome.finished:
        # Ctrl-C reached whoever computes, this process itself perhaps: half of it is not kept.
        state.interrupted = True
        return
    try:
        store.save(outcome)
    except (OSError, ValueError) as error:
        outcome = Outcome(outcome.experiment, None, f"not saved: {typed_message(error)}")
    state.computed += 1
    if outcome.fault:
        state.faults.append(outcome)
