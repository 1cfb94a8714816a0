"""How the gradient of one parameter becomes the direction of its step."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from oco.algorithms.adam import Moments
from oco.algorithms.kronecker import KroneckerRoot
from oco.shampoo import statistics_interval

__all__ = ["Coordinatewise", "Factored", "Gradient", "Grafted", "Rule", "UnitLength"]


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


class Factored:
    """U = x/(√v̂ + ε), where v is made of its means along the axes, as in Adafactor.

    Parameters
    ----------
    shape : tuple of int
        Of the gradients, with two axes or more that are longer than 1.
    beta2, eps, bias_correction
        As for `Moments`.

    Notes
    -----
    r_i ← β_2 r_i + (1 − β_2) m_i, m_i being the mean of g² over all axes but i, and
    v = (r_1 ⊗ ... ⊗ r_p)/r̄^{p−1}; r̄ is the mean of r_1, and of every other r_i.  Where g² has rank
    one, that is Adam's v.

    References
    ----------
    N. Shazeer, M. Stern, *Adafactor: adaptive learning rates with sublinear memory cost*, ICML
    2018.

    Examples
    --------
    >>> rule = Factored((2, 3), beta2=0.9, eps=1e-8, bias_correction=True)
    >>> g = np.outer([1.0, -2.0], [3.0, 0.0, 4.0])
    >>> rule.update(g, g, 0)
    array([[ 1.,  0.,  1.],
           [-1., -0., -1.]])
    """

    def __init__(self, shape, *, beta2: float, eps: float, bias_correction: bool) -> None:
        self.merged = tuple(n for n in shape if n > 1)
        self.beta2, self.eps, self.bias_correction = beta2, eps, bias_correction
        self.means = [np.zeros(n) for n in self.merged]
        self.steps = 0

    @property
    def state_bytes(self) -> int:
        """Memory of the means."""
        return sum(mean.nbytes for mean in self.means)

    second_moment_bytes = state_bytes

    def update(self, g, x, calls):
        """Absorb g and return U."""
        self.steps += 1
        square = (g**2).reshape(self.merged)
        axes = range(len(self.merged))
        for axis, mean in enumerate(self.means):
            mean *= self.beta2
            mean += (1.0 if self.beta2 == 1 else 1 - self.beta2) * square.mean(
                axis=tuple(other for other in axes if other != axis)
            )
        overall = self.means[0].mean()
        v = self.means[0]
        for mean in self.means[1:]:
            v = np.multiply.outer(v, mean / overall if overall else mean)
        if self.bias_correction and self.beta2 < 1:
            v = v / (1 - self.beta2**self.steps)
        return x / (np.sqrt(v).reshape(g.shape) + self.eps)


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
        φ: with s the root's `update_every`, roots are made anew in steps 1, 1 + φ, 1 + φ + s,
        1 + φ + 2s, ..., so that those of several parameters do not fall on the same steps.
    statistics : {"gradient", "average"}
        Whether the root absorbs g or x.
    statistics_every : int, optional
        r, a divisor of s: gradients are absorbed in each of those steps, and 0, r, 2r, ... < s
        steps after it.  Without it r is `oco.shampoo.statistics_interval`.
    """

    def __init__(
        self,
        root: KroneckerRoot,
        graft: Rule | None,
        start_step: int,
        phase: int,
        statistics: str = "gradient",
        statistics_every: int | None = None,
    ) -> None:
        self.root, self.graft, self.start_step, self.phase = root, graft, start_step, phase
        self.statistics = statistics
        self.statistics_every = statistics_interval(statistics_every, root.update_every)

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
        passed = (calls - self.phase) % self.root.update_every
        due, rooted = passed % self.statistics_every == 0, passed == 0
        absorbed = x if self.statistics == "average" else g
        preconditioned = self.root.precondition(absorbed, x, due=due, rooted=rooted)
        early = calls + 1 < self.start_step
        if self.graft is None:
            return x if early else preconditioned
        lender = self.graft.update(g, x, calls)
        if early:
            return lender
        length = np.linalg.norm(preconditioned)
        return preconditioned * (np.linalg.norm(lender) / length if length else 0.0)
