"""The contest: every optimizer tries the same rates, keeps its best, and is run on fresh seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from joblib import delayed

from oco import checks
from oco.memory.ledger import NUMBER_BYTES
from oco.reproduce.quality.contestants import contestants
from oco.reproduce.quality.runs import Run, kept, train, versions
from oco.reproduce.quality.task import Task, load
from oco.reproduce.quality.timing import ROUNDS, Cost, costs, one_thread
from oco.results.storage import require_writable
from oco.sweeps.local import computed, resolve_jobs

__all__ = ["Contest", "Placement", "quality"]

# Rates that each optimizer tries, two in a tenfold.
RATES = tuple(float(f"{rate:.1e}") for rate in np.logspace(-3, -0.5, 6))
# Seeds of initialisation and batches: those that choose the rate are not those reported.
TUNING_SEEDS = (100, 101)
FIRST_SEED, MOST_SEEDS = 7000, 100
SEEDS = 5


@dataclass(frozen=True)
class Placement:
    """What became of a contestant.

    Attributes
    ----------
    name : str
    tuning : tuple of float
        Mean validation loss at each of the rates.
    rate : float
        The best of them.
    runs : tuple of Run
        At that rate, one for each seed.
    cost : Cost
        In memory and time.
    """

    name: str
    tuning: tuple[float, ...]
    rate: float
    runs: tuple[Run, ...]
    cost: Cost


@dataclass(frozen=True)
class Contest:
    """The comparison.

    Attributes
    ----------
    task, title, metric : str
        As of `Task`.
    parameters, steps : int
        Numbers that are learnt, and steps of each run.
    rates : tuple of float
        That each contestant tried, with `TUNING_SEEDS`.
    seeds : int
        How many are reported, from `FIRST_SEED` on.
    placements : tuple of Placement
        The rival of all others first.
    versions : dict of str to str
        Of Python and the packages that the numbers depend on.
    """

    task: str
    title: str
    metric: str
    parameters: int
    steps: int
    rates: tuple[float, ...]
    seeds: int
    placements: tuple[Placement, ...]
    versions: dict[str, str]

    @property
    def parameter_bytes(self) -> int:
        """Memory of what is learnt."""
        return NUMBER_BYTES * self.parameters


def quality(
    task: str,
    *,
    rates: Sequence[float] = RATES,
    seeds: int = SEEDS,
    steps: int | None = None,
    rounds: int = ROUNDS,
    peers: bool = False,
    out: str | Path | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Contest:
    """Tune all contestants on the same rates and seeds, then run each at its best rate.

    Parameters
    ----------
    task : str
        A key of `oco.reproduce.quality.TASKS`.
    rates : sequence of float
        > 0, to try on two seeds; the one with the least mean validation loss is the best.
    seeds : int
        How many other seeds to report, from 1 to 100.
    steps : int, optional
        ≥ 1; the task's own by default.
    rounds : int
        ≥ 1, in which the contestants take turns to be timed, ten steps each.
    peers : bool
        Whether SOAP, Muon and Adafactor compete, too; needs the extra ``peers``.
    out : path-like, optional
        Directory where each run is kept as soon as it is done.  What is there is not done again:
        a contest that was interrupted goes on.
    jobs : int, optional
        How many runs at a time, each with one thread; as many as there are cores by default.
    progress : callable, optional
        Called with the number of runs that are done, and with how many there are.

    Returns
    -------
    Contest

    Raises
    ------
    TypeError, ValueError
        If a number is out of range, there is no such task, or `out` cannot be written to.

    Examples
    --------
    >>> found = quality("digits-mlp", rates=[1e-3, 1e-2], seeds=1, steps=2, rounds=1, jobs=1)
    >>> found.placements[0].name, len(found.placements)
    ('Adam', 5)
    """
    loaded = _loaded(task, steps)
    rates = tuple(checks.number("rates", rate, above=0) for rate in rates)
    if not rates:
        raise ValueError("rates: expected at least one, got none")
    seeds = checks.integer("seeds", seeds, low=1, high=MOST_SEEDS)
    rounds = checks.integer("rounds", rounds, low=1)
    jobs = resolve_jobs(jobs)
    directory = None if out is None else require_writable(out)
    entrants = contestants(peers)
    for contestant in entrants.values():
        contestant.make(loaded.network(seed=0).parameters(), rates[0])
    total = len(entrants) * (len(rates) * len(TUNING_SEEDS) + seeds)
    done = 0

    def runs(asked: list[tuple[str, float, int]]) -> list[Run]:
        nonlocal done
        found = []
        tasks = (delayed(_run)(task, steps, peers, directory, *one) for one in asked)
        for run in computed(tasks, jobs, ordered=True):
            found.append(run)
            done += 1
            if progress is not None:
                progress(done, total)
        return found

    tried = runs([(name, rate, s) for name in entrants for rate in rates for s in TUNING_SEEDS])
    losses = np.reshape([run.validation for run in tried], (len(entrants), len(rates), -1))
    losses = losses.mean(axis=2)
    best = [rates[i] for i in losses.argmin(axis=1)]
    chosen = list(zip(entrants, best, strict=True))
    shown = range(FIRST_SEED, FIRST_SEED + seeds)
    reported = runs([(name, rate, s) for name, rate in chosen for s in shown])
    spent = costs(loaded, entrants, rounds)
    placements = [
        Placement(
            name=name,
            tuning=tuple(losses[i].tolist()),
            rate=rate,
            runs=tuple(reported[i * seeds : (i + 1) * seeds]),
            cost=spent[name],
        )
        for i, (name, rate) in enumerate(chosen)
    ]
    return Contest(
        task=loaded.name,
        title=loaded.title,
        metric=loaded.metric,
        parameters=sum(p.numel() for p in loaded.network(seed=0).parameters()),
        steps=loaded.steps,
        rates=rates,
        seeds=seeds,
        placements=tuple(placements),
        versions=versions(),
    )


def _loaded(task: str, steps: int | None) -> Task:
    found = load(task)
    return found if steps is None else replace(found, steps=checks.integer("steps", steps, low=1))


def _run(
    task: str,
    steps: int | None,
    peers: bool,
    directory: Path | None,
    contestant: str,
    rate: float,
    seed: int,
) -> Run:
    """Train, in a worker process, or find the run that is kept."""
    loaded, chosen = _loaded(task, steps), contestants(peers)[contestant]
    with one_thread():
        if directory is None:
            return train(loaded, chosen, rate, seed)
        return kept(directory, loaded, chosen, rate, seed)
