"""Steps that are taken whole, one at a time or a chunk of rounds: one loop for all learners.

A learner states its step once, as a kernel like `step`.  `kernels_of` puts it into `_once`, which
takes one gradient, and into `_rounds`, which predicts, suffers and steps round after round.
"""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import FunctionType
from typing import Any, ClassVar

import numpy as np

from oco import checks
from oco.algorithms.chunks import Chunk, Progress, Region, Tally, meet
from oco.algorithms.sparse_chunks import SparseChunk
from oco.linalg.engine import kernel, machine_code, released_kernel
from oco.linalg.products import inner, scaled
from oco.sketch.brackets import Bracket

__all__ = ["REFUSED", "FusedStep", "KernelPlayer", "Kernels", "kernels_of"]

# What a step answers where it has not absorbed the gradient: gᵀH⁻¹g is not negative.
REFUSED = -1.0


class Kernels:
    """The kernels of one kind of step.

    Parameters
    ----------
    once, rounds : callable
        `_once` and `_rounds`, with the step in them.
    """

    def __init__(self, once: Callable, rounds: Callable) -> None:
        self._once, self.rounds = once, rounds

    @functools.cached_property
    def once(self) -> Callable:
        """`_once`, with the step in it."""
        return machine_code(self._once)


class FusedStep(ABC):
    """A preconditioner that takes a whole step at once, in Euclidean space and on balls."""

    kernels: ClassVar[Kernels]
    # Whether `play_sparse` is there, and takes boxes.
    plays_sparse: ClassVar[bool] = False
    plays_sparse_in_boxes: ClassVar[bool] = False

    @property
    def fused(self) -> FusedStep | None:
        """Itself."""
        return self

    @property
    def bracket(self) -> Bracket | None:
        """What a sketch of the gradients proves of the eigenvalues of G_t; None without one."""
        return None

    @abstractmethod
    def memory(self, x: np.ndarray) -> tuple:
        """Return the arrays that the step from x reads and changes."""

    @abstractmethod
    def settings(self) -> tuple:
        """Return the numbers that the step goes by."""

    def stepped(self, x: np.ndarray) -> None:
        """Take note that the kernels have stepped to x."""
        return

    def descend(
        self, x: np.ndarray, g: np.ndarray, mass: float, lr: float, radius: float
    ) -> tuple[np.ndarray, float, float]:
        """Absorb g_t, take the step from x and project.

        With mass = Σ_{s<t} ‖g_s‖² it returns x_{t+1}, g_tᵀ H_t⁻¹ g_t and Σ_{s≤t} ‖g_s‖²; where that
        is not finite, it has absorbed nothing, and x_{t+1} is x.  Where x_{t+1} cannot be found on
        a ball, the second is NaN.
        """
        memory, answer = self.memory(x), np.empty(len(x))
        quadratic, mass = self.kernels.once(memory, self.settings(), x, g, mass, lr, radius, answer)
        if not mass < math.inf:
            return x, quadratic, mass
        self.stepped(answer)
        return answer, quadratic, mass

    def update(self, g: np.ndarray, square: float) -> np.ndarray:
        """Absorb g_t, of shape (d,), with ‖g_t‖²; return H_t⁻¹ g_t (pseudo-inverse)."""
        return self.descend(np.zeros(len(g)), g, 0.0, -1.0, math.inf)[0]

    def play(
        self, rounds: Chunk, x: np.ndarray, tally: Tally, lr: float, region: Region
    ) -> Progress:
        """Play rounds from x on in one kernel, in each of which it does what `descend` does."""
        memory = self.memory(x)
        played, overflowed, x, *sums = self.kernels.rounds(
            rounds, memory, self.settings(), x, *tally, lr, *region
        )
        self.stepped(x)
        return Progress(played, overflowed, x, Tally(*sums))

    def play_sparse(
        self, rounds: SparseChunk, x: np.ndarray, tally: Tally, lr: float, region: Region
    ) -> Progress:
        """Play rounds with sparse rows in kernels, as far as they go."""
        raise NotImplementedError

    @property
    def plays(self) -> bool:
        """Whether `play` is there: where `descend` is, as a subclass may descend in its own way."""
        owner = next(kind for kind in type(self).__mro__ if "descend" in vars(kind))
        return "play" in vars(owner)


class KernelPlayer(ABC):
    """A learner that may have rounds played in a kernel, as its own `update` would play them.

    Attributes
    ----------
    lr : float or None
        η; for None, 1.
    """

    lr: Any
    _region: Region | None
    _x: np.ndarray
    _quadratic: float
    _squared_gradients: float
    _travelled: float = 0.0

    @property
    @abstractmethod
    def _steps(self) -> FusedStep | None:
        """What its steps are, if there are kernels for them."""

    @abstractmethod
    def _overflow(self, g: np.ndarray) -> FloatingPointError:
        """Return what `update` raises where the step against g, which was absorbed, overflows."""

    @property
    def plays(self) -> bool:
        """Whether `play` knows all of the learner: a subclass or a spy may do something else."""
        steps = self._steps
        known = steps is not None and steps.plays and self._region is not None
        return known and KernelPlayer in type(self).__bases__ and "update" not in vars(self)

    def play(self, rounds: Chunk) -> tuple[int, FloatingPointError | None]:
        """Play rounds in one kernel: predict at `x`, suffer, update, and write all of it down.

        Parameters
        ----------
        rounds : Chunk
            The rounds, and what receives their record.

        Returns
        -------
        int, FloatingPointError or None
            How many of them were played to their end: all, or those before one in which a number is
            not finite or `update` refuses the gradient, of which nothing is absorbed, or before one
            whose `update` raises the error.
        """
        steps, region = checks.known("steps", self._steps), checks.known("region", self._region)
        played, overflowed = self._came(
            steps.play(rounds, self._x, self._tally, self._rate, region)
        )
        if overflowed:
            return played, self._overflow(rounds.facts[played, 1] * rounds.features[played])
        return played, None

    @property
    def plays_sparse(self) -> bool:
        """Whether `play_sparse` knows all of the learner."""
        steps, region = self._steps, self._region
        if steps is None or region is None or not (steps.plays_sparse and self.plays):
            return False
        return steps.plays_sparse_in_boxes or not len(region.lower)

    def play_sparse(self, rounds: SparseChunk) -> tuple[int, FloatingPointError | None]:
        """Do what `play` does with sparse rows; a few roundings apart from it."""
        steps, region = checks.known("steps", self._steps), checks.known("region", self._region)
        played, overflowed = self._came(
            steps.play_sparse(rounds, self._x, self._tally, self._rate, region)
        )
        return played, self._overflow(rounds.gradient(played, len(self._x))) if overflowed else None

    @property
    def _rate(self) -> float:
        return 1.0 if self.lr is None else self.lr

    @property
    def _tally(self) -> Tally:
        return Tally(self._quadratic, self._squared_gradients, self._travelled)

    def _came(self, progress: Progress) -> tuple[int, bool]:
        """Take over what came of rounds; return how many they were, and if the next overflowed."""
        played, overflowed, self._x, tally = progress
        self._quadratic, self._squared_gradients, self._travelled = tally
        return played, overflowed


def kernels_of(step: Callable) -> Kernels:
    """Return the kernels here with a step of some kind in the place of `step`.

    Parameters
    ----------
    step : callable
        A kernel with the arguments and the answers of `step`.
    """
    return Kernels(kernel(_with(step, _once)), released_kernel(_with(step, _rounds)))


def _with(step, function) -> FunctionType:
    """Return a function in which `step` is another: it belongs to that one's file."""
    names = {**function.__globals__, "step": step, "__name__": step.__module__}
    found = FunctionType(function.__code__, names, function.__name__)
    found.__module__, found.__doc__ = step.__module__, function.__doc__
    found.__qualname__ = f"{step.__qualname__}.{function.__name__}"
    return found


def step(memory, settings, x, g, square, lr, radius, lower, upper, result):
    """Absorb a gradient and fill `result` with the next point: what each learner has of its own.

    Parameters
    ----------
    memory, settings : tuple
        Of the `FusedStep`.
    x, g : ndarray of shape (d,)
        The point and the gradient.
    square : float
        ‖g‖², finite.
    lr : float
        η.
    radius, lower, upper
        The domain: see `Region`.
    result : ndarray of shape (d,)
        Receives the next point, which is in the domain if it is finite.

    Returns
    -------
    float, float
        gᵀH⁻¹g, `REFUSED` where nothing has been absorbed; and the squared length of `result`.  One
        that is not finite says that the step is not.
    """
    raise NotImplementedError


def _once(memory, settings, x, g, mass, lr, radius, result):
    """Do what `FusedStep.descend` says, with x_{t+1} in `result`."""
    if not len(x) == len(g) == len(result):
        # Compiled loops would read and write beyond the arrays.
        raise ValueError("x, g: expected vectors of the learner's length")
    # Neither BLAS nor a float says anything of an overflow, which the caller reports.
    square = float(inner(g, g))
    mass += square
    if not math.isfinite(mass):
        return 0.0, mass
    nothing = result[:0]
    quadratic, length2 = step(memory, settings, x, g, square, lr, radius, nothing, nothing, result)
    if quadratic == REFUSED:
        return 0.0, math.inf
    return quadratic if length2 < math.inf else math.nan, mass


def _rounds(rounds, memory, settings, x, quadratic, mass, travelled, lr, radius, lower, upper):
    """Do what `_once` does, on a box too, round after round; see `Progress`."""
    x, following, g = x.copy(), np.empty(len(x)), np.empty(len(x))
    # Taken out once: in each round they would be counted in and out.
    features, labels, loss, answers, facts, squares, held = rounds
    t, overflowed, square = 0, False, inner(x, x)
    while t < len(features):
        squares[t] = square
        if len(held) > 0:
            held[t] = x
        a = features[t]
        size = scaled(meet(loss, answers, a, labels[t], x, facts[t]), a, g)
        grown = mass + size
        if not grown < math.inf:
            break
        gained, square = step(memory, settings, x, g, size, lr, radius, lower, upper, following)
        if gained == REFUSED:
            break
        if not (square < math.inf and gained < math.inf):
            overflowed = True
            break
        x, following = following, x
        quadratic += gained
        mass = grown
        travelled = max(travelled, math.sqrt(square))
        t += 1
    return t, overflowed, x, quadratic, mass, travelled
