"""How the gradient of one parameter becomes the direction of its step."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from oco.algorithms.adam import Moments
from oco.algorithms.kronecker import KroneckerRoot

__all__ = ["Coordinatewise", "Gradient", "Grafted", "Rule", "UnitLength"]


class Rule(Protocol):
    """What turns the gradients of one parameter into directions."""

    @property
    def state_bytes(self) -> int:
        """Memory held, in bytes."""

    @property
    def second_moment_bytes(self) -> int:
        """The part of it that describes the gradients' second moments; not what a graft keeps."""

    def update(self, g: np.ndarray, x: np.ndarray, calls: int) -> np.ndarray:
        """Absorb the gradient g and return the direction U of x: of g, or of an average of it.

        `calls` counts the gradients before, those that were skipped included.
        """


class Gradient:
    """U = x."""

    state_bytes = second_moment_bytes = 0

    def update(self, g, x, calls):
        """Return x."""
        return x


class UnitLength:
    """U = x √N/‖x‖ for N entries, whose root mean square is then 1; 0 for x = 0."""

    state_bytes = second_moment_bytes = 0

    def update(self, g, x, calls):
        """Return U."""
        length = np.linalg.norm(x)
        return x * (math.sqrt(x.size) / length if length else 0.0)


class Coordinatewise:
    """U = x/(√v̂ + ε) or m̂/(√v̂ + ε), as `Moments` has it."""

    def __init__(self, moments: Moments) -> None:
        self.moments = moments

    @property
    def state_bytes(self) -> int:
        """Memory of the moments."""
        return self.moments.state_bytes

    @property
    def second_moment_bytes(self) -> int:
        """Memory of v."""
        return self.moments.second.nbytes

    def update(self, g, x, calls):
        """Absorb g and return U."""
        return self.moments.update(g, x)


class Grafted:
    """U = P‖N‖/‖P‖ with P = H⁻¹x and N the graft's direction (0 if P is); before `start_step` N.

    Without a graft U = P, and before `start_step` x.

    Parameters
    ----------
    root : KroneckerRoot
        H, which absorbs every gradient.
    graft : Rule or None
        Gives N.
    start_step : int
        First step, counted from 1, with a preconditioned direction.
    phase : int
        φ: with s the root's `update_every`, it absorbs the gradients of steps 1, 1 + φ, 1 + φ + s,
        1 + φ + 2s, ..., so that those of several parameters do not fall on the same steps.
    """

    def __init__(
        self, root: KroneckerRoot, graft: Rule | None, start_step: int, phase: int
    ) -> None:
        self.root, self.graft, self.start_step, self.phase = root, graft, start_step, phase

    @property
    def state_bytes(self) -> int:
        """Memory of the factors and of the graft."""
        return self.root.state_bytes + (self.graft.state_bytes if self.graft else 0)

    @property
    def second_moment_bytes(self) -> int:
        """Memory of the factors."""
        return self.root.statistics_bytes

    def update(self, g, x, calls):
        """Absorb g and return U."""
        every = self.root.update_every
        preconditioned = self.root.precondition(g, x, due=calls % every == self.phase % every)
        early = calls + 1 < self.start_step
        if self.graft is None:
            return x if early else preconditioned
        lender = self.graft.update(g, x, calls)
        if early:
            return lender
        length = np.linalg.norm(preconditioned)
        return preconditioned * (np.linalg.norm(lender) / length if length else 0.0)
