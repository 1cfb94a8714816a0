"""What a training task is: a network, batches to learn from, and two sets that it is judged on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import torch
from torch import Tensor, nn

from oco import checks

__all__ = ["TASKS", "Task", "load"]

#: The modules of the tasks, by the tasks' names.
TASKS = {
    "digits-mlp": "digits_mlp",
    "char-transformer": "char_transformer",
    "convnet": "convnet",
    "wide-transformer": "wide_transformer",
    "hashed-tokens": "hashed_tokens",
}


@dataclass(frozen=True)
class Task:
    """A network and its data.

    Attributes
    ----------
    name, title : str
        The second one for people.
    model : callable
        ``model()`` returns a new network, initialised from torch's global random state.
    batch : callable
        ``batch(generator)`` returns inputs and targets to learn from.
    loss : callable
        ``loss(outputs, targets)`` is what is minimised.
    validation, test : tuple of Tensor
        Inputs and targets that rates are chosen by, and that is reported on.
    metric : str
        Its name and unit.
    measure : callable
        ``measure(outputs, targets)`` returns the metric.
    steps : int
        Of training.
    """

    name: str
    title: str
    model: Callable[[], nn.Module]
    batch: Callable[[torch.Generator], tuple[Tensor, Tensor]]
    loss: Callable[[Tensor, Tensor], Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    metric: str
    measure: Callable[[Tensor, Tensor], float]
    steps: int

    def network(self, seed: int) -> nn.Module:
        """Return a new network, the same for the same seed; torch's random state stays as it is."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.model()


def load(name: str) -> Task:
    """Return the task of that name; its module reads the data once.

    Raises
    ------
    ValueError
        If there is none; the message names the closest.

    Examples
    --------
    >>> load("digits-mlp").steps
    300
    """
    module = TASKS[checks.choice("task", name, TASKS)]
    return import_module(f"oco.reproduce.quality.{module}").TASK
