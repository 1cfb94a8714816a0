"""What contestants cost: memory, and the time of a step.

All are timed in turn, in processor time of one thread, so that a busy machine slows them alike.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from oco.reproduce.quality.contestants import UPDATE_EVERY, Contestant
from oco.reproduce.quality.task import Task

__all__ = ["ROUNDS", "Cost", "costs", "one_thread"]

# Rounds in which every contestant makes as many steps as there are between two refreshes.
ROUNDS = 12
RATE = 1e-3


@dataclass(frozen=True)
class Cost:
    """What an optimizer takes; times are medians over rounds.

    Attributes
    ----------
    state_bytes : int
        Memory of all arrays in its state, in bytes; counts and other scalars left out.
    optimizer, whole : float
        Processor seconds of the optimizer's step, and with the gradient's computation.
    optimizer_ratio, ratio : float
        Of either to that of the first contestant in the same round.
    """

    state_bytes: int
    optimizer: float
    whole: float
    optimizer_ratio: float
    ratio: float


class _Training:
    """A training that can be continued for a few steps at a time."""

    def __init__(self, task: Task, contestant: Contestant) -> None:
        self.task, self.model = task, task.network(seed=0)
        self.optimizer = contestant.make(self.model.parameters(), RATE)
        self.generator = torch.Generator().manual_seed(0)

    def advance(self) -> tuple[float, float]:
        """Make a round's steps; return the mean seconds of the optimizer's step, and of all."""
        inside, started = 0.0, time.process_time()
        for _ in range(UPDATE_EVERY):
            inputs, targets = self.task.batch(self.generator)
            self.optimizer.zero_grad()
            self.task.loss(self.model(inputs), targets).backward()
            before = time.process_time()
            self.optimizer.step()
            inside += time.process_time() - before
        return inside / UPDATE_EVERY, (time.process_time() - started) / UPDATE_EVERY


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch compute with one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _held(state) -> int:
    if isinstance(state, dict):
        return sum(map(_held, state.values()))
    if isinstance(state, list | tuple):
        return sum(map(_held, state))
    return state.nbytes if isinstance(state, torch.Tensor) and state.ndim else 0


@one_thread()
def costs(task: Task, entrants: dict[str, Contestant], rounds: int = ROUNDS) -> dict[str, Cost]:
    """Measure all contestants in one process with one thread."""
    trainings = [_Training(task, contestant) for contestant in entrants.values()]
    for training in trainings:
        training.advance()
    seconds = np.array([[training.advance() for training in trainings] for _ in range(rounds)])
    ratios = np.median(seconds / seconds[:, :1], axis=0)
    return {
        name: Cost(_held(dict(training.optimizer.state)), *map(float, (*times, *relative)))
        for name, training, times, relative in zip(
            entrants, trainings, np.median(seconds, axis=0), ratios, strict=True
        )
    }
