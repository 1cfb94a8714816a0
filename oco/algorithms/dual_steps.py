"""What the kernels of dual averaging have in common."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from oco.algorithms.fused import FusedStep, Kernels
from oco.linalg.engine import kernel
from oco.linalg.travel import Travelling

__all__ = ["DualStep", "KernelStatistic", "too_long"]

# δ is a bound on ‖g‖ that was computed in floating point, and so is ‖g‖: it may be exceeded by some
# roundings, which the allowance of the rungs covers many times over.
ROUNDINGS = 1e-9


class KernelStatistic(Travelling, ABC):
    """A statistic with a kernel of steps, which does what `absorb` and the metric say."""

    kernels: ClassVar[Kernels]
    # Whether `play_sparse` is there, and takes boxes.
    plays_sparse: ClassVar[bool] = False
    plays_sparse_in_boxes: ClassVar[bool] = False
    delta: float

    def play_sparse(self, gradients, start, rounds, x, tally, lr, region):
        """Play rounds with sparse rows, and add to Σ g, as far as kernels go; x_1 is `start`."""
        raise NotImplementedError

    @abstractmethod
    def memory(self) -> tuple:
        """Return the arrays that the step reads and changes."""

    @property
    def plays(self) -> bool:
        """Whether the kernel is of the same class as `absorb`: a subclass may have its own."""
        owner = next(kind for kind in type(self).__mro__ if "absorb" in vars(kind))
        return "kernels" in vars(owner)


class DualStep(FusedStep):
    """The steps of dual averaging: their memory begins with Σ g and x_1."""

    def __init__(self, statistic: KernelStatistic, gradients: np.ndarray, start: np.ndarray):
        self._statistic, self._sums = statistic, (gradients, start)
        # Read only: of which class it is depends on the statistic.
        self.kernels = statistic.kernels  # type: ignore[misc]

    def memory(self, x):
        """Return Σ g, x_1 and what the statistic holds."""
        return *self._sums, *self._statistic.memory()

    def settings(self):
        """Return δ."""
        return (self._statistic.delta,)

    @property
    def plays_sparse(self) -> bool:  # type: ignore[override]
        """Whether the statistic does."""
        return self._statistic.plays_sparse

    @property
    def plays_sparse_in_boxes(self) -> bool:  # type: ignore[override]
        """Whether the statistic does."""
        return self._statistic.plays_sparse_in_boxes

    def play_sparse(self, rounds, x, tally, lr, region):
        """Play rounds as the statistic does."""
        return self._statistic.play_sparse(*self._sums, rounds, x, tally, lr, region)


@kernel
def too_long(square, delta):
    """Tell whether a gradient of that squared length is longer than δ."""
    return math.sqrt(square) > delta * (1.0 + ROUNDINGS)
