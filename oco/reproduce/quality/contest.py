"""The contest: every optimizer tries the same rates, keeps its best, and is run on fresh seeds."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from joblib import delayed

from oco import checks
from oco.memory import ledger, shapes_of
from oco.reproduce.quality.contestants import Contestant, contestants
from oco.reproduce.quality.task import Task, load
from oco.reproduce.quality.timing import ROUNDS, StepTime, one_thread, step_times
from oco.sweeps.local import computed, resolve_jobs

__all__ = ["Contest", "Placement", "Run", "quality", "train"]

# Rates that each optimizer tries, two in a tenfold.
RATES = tuple(float(f"{rate:.1e}") for rate in np.logspace(-3, -0.5, 6))
# Seeds of initialisation and batches: those that choose the rate are not those reported, from 0 on.
TUNING_SEEDS = (100, 101)
SEEDS = 5
# A run whose loss exceeds this many times its first one has diverged.
HOPELESS = 100


@dataclass(frozen=True)
class Run:
    """How a run ended; losses are infinite if it diverged.

    Attributes
    ----------
    validation, test : float
        Losses.
    metric : float
        On the test set.
    """

    validation: float
    test: float
    metric: float


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
    second_moment_bytes, graft_bytes : int
        Memory of the statistics, and of what the graft keeps besides.
    state_bytes : int
        Memory of all that is kept: these, the momentum and the roots.
    time : StepTime
    """

    name: str
    tuning: tuple[float, ...]
    rate: float
    runs: tuple[Run, ...]
    second_moment_bytes: int
    graft_bytes: int
    state_bytes: int
    time: StepTime


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
        How many are reported, from 0 on.
    placements : tuple of Placement
        The rival of all others first.
    versions : dict of str to str
        Of Python and PyTorch.
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


def quality(
    task: str,
    *,
    rates: Sequence[float] = RATES,
    seeds: int = SEEDS,
    steps: int | None = None,
    rounds: int = ROUNDS,
    peers: bool = False,
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
        If a number is out of range, or there is no such task.

    Examples
    --------
    >>> found = quality("digits-mlp", rates=[1e-3, 1e-2], seeds=1, steps=2, rounds=1, jobs=1)
    >>> found.placements[0].name, len(found.placements)
    ('Adam', 7)
    """
    loaded = _loaded(task, steps)
    rates = tuple(checks.number("rates", rate, above=0) for rate in rates)
    if not rates:
        raise ValueError("rates: expected at least one, got none")
    seeds = checks.integer("seeds", seeds, low=1, high=TUNING_SEEDS[0])
    rounds = checks.integer("rounds", rounds, low=1)
    jobs = resolve_jobs(jobs)
    entrants = contestants(loaded.ks, peers)
    for contestant in entrants.values():
        contestant.make(loaded.network(seed=0).parameters(), rates[0])
    total = len(entrants) * (len(rates) * len(TUNING_SEEDS) + seeds)
    done = 0

    def runs(asked: list[tuple[str, float, int]]) -> list[Run]:
        nonlocal done
        found = []
        tasks = (delayed(_train_by_name)(task, steps, peers, *one) for one in asked)
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
    reported = runs(
        [(name, rate, s) for name, rate in zip(entrants, best, strict=True) for s in range(seeds)]
    )
    counted = ledger(shapes_of(loaded.network(seed=0)), loaded.ks, graft="rmsprop")
    times = step_times(loaded, entrants, rounds)
    placements = []
    for i, (name, contestant) in enumerate(entrants.items()):
        state = counted[contestant.entry].state
        graft = state.grafting if contestant.grafted else 0
        placements.append(
            Placement(
                name=name,
                tuning=tuple(losses[i].tolist()),
                rate=best[i],
                runs=tuple(reported[i * seeds : (i + 1) * seeds]),
                second_moment_bytes=state.second_moment,
                graft_bytes=graft,
                state_bytes=state.total - state.grafting + graft,
                time=times[name],
            )
        )
    return Contest(
        task=loaded.name,
        title=loaded.title,
        metric=loaded.metric,
        parameters=counted.numbers,
        steps=loaded.steps,
        rates=rates,
        seeds=seeds,
        placements=tuple(placements),
        versions={"python": platform.python_version(), "torch": torch.__version__},
    )


def train(task: Task, contestant: Contestant, rate: float, seed: int) -> Run:
    """Train a network once; the rate falls linearly to 0."""
    model = task.network(seed)
    optimizer = contestant.make(model.parameters(), rate)
    generator = torch.Generator().manual_seed(seed)
    for step in range(task.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - step / task.steps)
        inputs, targets = task.batch(generator)
        loss = task.loss(model(inputs), targets)
        if step == 0:
            limit = HOPELESS * loss.item()
        if not loss.item() <= limit:
            return Run(math.inf, math.inf, math.nan)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return _judged(task, model)


def _judged(task: Task, model: torch.nn.Module) -> Run:
    with torch.no_grad():
        validation = task.loss(model(task.validation[0]), task.validation[1]).item()
        outputs = model(task.test[0])
        test = task.loss(outputs, task.test[1]).item()
        metric = task.measure(outputs, task.test[1])
    if not (math.isfinite(validation) and math.isfinite(test)):
        return Run(math.inf, math.inf, math.nan)
    return Run(validation, test, metric)


def _loaded(task: str, steps: int | None) -> Task:
    found = load(task)
    return found if steps is None else replace(found, steps=checks.integer("steps", steps, low=1))


def _train_by_name(
    task: str, steps: int | None, peers: bool, contestant: str, rate: float, seed: int
) -> Run:
    """Do what `train` does, in a worker process."""
    loaded = _loaded(task, steps)
    with one_thread():
        return train(loaded, contestants(loaded.ks, peers)[contestant], rate, seed)
