"""The time of a step, of all contestants in turn, so that a busy machine slows them all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from oco.reproduce.quality.contestants import UPDATE_EVERY, Contestant
from oco.reproduce.quality.task import Task

__all__ = ["ROUNDS", "StepTime", "one_thread", "step_times"]

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
        self.task, self.model = task, task.network(seed=0)
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


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch compute with one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def step_times(
    task: Task, entrants: dict[str, Contestant], rounds: int = ROUNDS
) -> dict[str, StepTime]:
    """Measure all contestants in one process with one thread."""
    trainings = [_Training(task, contestant) for contestant in entrants.values()]
    for training in trainings:
        training.advance()
    seconds = np.array([[training.advance() for training in trainings] for _ in range(rounds)])
    optimizer, whole = np.median(seconds, axis=0).T
    ratio = np.median(seconds[:, :, 1] / seconds[:, :1, 1], axis=0)
    return {
        name: StepTime(*map(float, numbers))
        for name, *numbers in zip(entrants, optimizer, whole, ratio, strict=True)
    }
