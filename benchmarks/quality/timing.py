"""The time of a step, of all contestants in turn, so that a busy machine slows them all."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.quality.contest import UPDATE_EVERY, Contestant, contestants
from benchmarks.quality.task import Task

__all__ = ["StepTime", "step_times"]

# Rounds in which every contestant makes as many steps as there are between two refreshes.
ROUNDS = 12
RATE = 1e-3


@dataclass(frozen=True)
class StepTime:
    """Medians over rounds.

    Attributes
    ----------
    optimizer, whole : float
        Seconds of the optimizer's step, and with the gradient's computation.
    ratio : float
        Of the whole step to that of the first contestant in the same round.
    """

    optimizer: float
    whole: float
    ratio: float


class _Training:
    """A training that can be continued for a few steps at a time."""

    def __init__(self, task: Task, contestant: Contestant) -> None:
        torch.manual_seed(0)
        self.task, self.model = task, task.model()
        self.optimizer = contestant.make(self.model.parameters(), RATE)
        self.generator = torch.Generator().manual_seed(0)

    def advance(self) -> tuple[float, float]:
        """Make a round's steps; return the mean seconds of the optimizer's step, and of all."""
        inside, started = 0.0, time.perf_counter()
        for _ in range(UPDATE_EVERY):
            inputs, targets = self.task.batch(self.generator)
            self.optimizer.zero_grad()
            self.task.loss(self.model(inputs), targets).backward()
            before = time.perf_counter()
            self.optimizer.step()
            inside += time.perf_counter() - before
        return inside / UPDATE_EVERY, (time.perf_counter() - started) / UPDATE_EVERY


def step_times(task: Task) -> dict[str, StepTime]:
    """Measure all contestants in one process with one thread."""
    torch.set_num_threads(1)
    trainings = {name: _Training(task, c) for name, c in contestants(task.ks).items()}
    for training in trainings.values():
        training.advance()
    seconds = np.array(
        [[training.advance() for training in trainings.values()] for _ in range(ROUNDS)]
    )
    optimizer, whole = np.median(seconds, axis=0).T
    ratio = np.median(seconds[:, :, 1] / seconds[:, :1, 1], axis=0)
    return {
        name: StepTime(*map(float, numbers))
        for name, *numbers in zip(trainings, optimizer, whole, ratio, strict=True)
    }
