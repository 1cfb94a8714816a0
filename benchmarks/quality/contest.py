"""The contest: every optimizer tries the same rates, keeps its best, and is run on fresh seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import joblib
import numpy as np
import torch
from torch import Tensor

from benchmarks.quality.task import Task, load
from oco.integrations.torch import SShampoo
from oco.memory import ledger, shapes_of

__all__ = [
    "Contestant",
    "Placement",
    "Run",
    "contest",
    "contestants",
    "second_moment_bytes",
    "train",
]

# Rates that each optimizer tries, two in a tenfold.
RATES = tuple(float(f"{rate:.1e}") for rate in np.logspace(-3, -0.5, 6))
# Seeds of initialisation and batches: those that choose the rate are not those reported.
TUNING_SEEDS, REPORTED_SEEDS = (100, 101), (0, 1, 2, 3, 4)
# Adam's second moment forgets as fast as the covariances do by default, so that the optimizers
# differ in nothing else.
BETAS = (0.9, 0.99)
# A run whose loss exceeds this many times its first one has diverged.
HOPELESS = 100
# Steps between two refreshes of the covariances.
UPDATE_EVERY = 10


@dataclass(frozen=True)
class Contestant:
    """An optimizer with everything chosen but its rate.

    Attributes
    ----------
    name : str
    entry : str
        Its row in the memory ledger.
    grafted : bool
        Whether it also keeps the diagonal second moment that a graft needs.
    make : callable
        ``make(parameters, lr)`` returns a PyTorch optimizer.
    """

    name: str
    entry: str
    grafted: bool
    make: Callable[[Iterable[Tensor], float], torch.optim.Optimizer]


def contestants(ks: tuple[int, ...]) -> dict[str, Contestant]:
    """Return all that compete, by name; S-Shampoo at each k, and ungrafted at the middle one."""

    def shampoo(name: str, rank: int | None, graft: str) -> Contestant:
        def make(parameters, lr):
            return SShampoo(parameters, lr, rank=rank, graft=graft, update_every=UPDATE_EVERY)

        entry = "shampoo" if rank is None else f"s-shampoo k={rank}"
        return Contestant(name, entry, graft != "none", make)

    middle = ks[len(ks) // 2]
    everyone = (
        Contestant("Adam", "adam", False, lambda p, lr: torch.optim.Adam(p, lr, betas=BETAS)),
        shampoo("Shampoo", None, "rmsprop"),
        *(shampoo(f"S-Shampoo k={k}", k, "rmsprop") for k in ks),
        shampoo(f"S-Shampoo k={middle}, no graft", middle, "none"),
    )
    return {contestant.name: contestant for contestant in everyone}


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
    contestant : Contestant
    tuning : tuple of float
        Mean validation loss at each of `RATES`.
    rate : float
        The best of them.
    runs : tuple of Run
        One for each of `REPORTED_SEEDS`.
    """

    contestant: Contestant
    tuning: tuple[float, ...]
    rate: float
    runs: tuple[Run, ...]


def train(task: Task, contestant: Contestant, rate: float, seed: int) -> Run:
    """Train a network once; the rate falls linearly to 0."""
    torch.manual_seed(seed)
    model = task.model()
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


def _train_by_name(task: str, contestant: str, rate: float, seed: int) -> Run:
    """Do what `train` does, in a worker process with one thread."""
    torch.set_num_threads(1)
    loaded = load(task)
    return train(loaded, contestants(loaded.ks)[contestant], rate, seed)


def contest(task: Task, jobs: int) -> list[Placement]:
    """Tune all contestants on the same rates and seeds, then run each at its best rate."""
    run = joblib.delayed(_train_by_name)
    entrants = contestants(task.ks)
    with joblib.Parallel(n_jobs=jobs) as parallel:
        tried = parallel(
            run(task.name, name, rate, seed)
            for name in entrants
            for rate in RATES
            for seed in TUNING_SEEDS
        )
        losses = np.reshape(
            [run.validation for run in tried], (len(entrants), len(RATES), len(TUNING_SEEDS))
        ).mean(axis=2)
        best = [RATES[i] for i in losses.argmin(axis=1)]
        reported = parallel(
            run(task.name, name, rate, seed)
            for name, rate in zip(entrants, best, strict=True)
            for seed in REPORTED_SEEDS
        )
    each = len(REPORTED_SEEDS)
    return [
        Placement(contestant, tuple(losses[i]), best[i], tuple(reported[i * each : (i + 1) * each]))
        for i, contestant in enumerate(entrants.values())
    ]


def second_moment_bytes(task: Task) -> dict[str, tuple[int, int]]:
    """Return each contestant's second-moment memory, and that of its graft."""
    counted = ledger(shapes_of(task.model()), task.ks)
    return {
        name: (state.second_moment, state.grafting if contestant.grafted else 0)
        for name, contestant in contestants(task.ks).items()
        for state in [counted[contestant.entry].state]
    }
