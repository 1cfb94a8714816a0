"""Many rounds in one kernel: what it is given, what all such kernels do in a round."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from oco.domains import Ball, Box, Domain, Euclidean
from oco.linalg.engine import ENGINE, inlined_kernel, kernel
from oco.linalg.products import inner
from oco.losses.kernels import UNKNOWN, suffer, worst_sign

__all__ = ["Chunk", "Progress", "Region", "Tally", "confine", "meet", "region_of"]


class Chunk(NamedTuple):
    """Chunk to play, and where to write down what happens in them.

    Attributes
    ----------
    features : ndarray of shape (n, d)
        a_t.
    labels : ndarray of shape (n,)
        y_t, if they are known before.
    loss, answers : int
        Numbers of losses as of `oco.losses.kernels`: of φ, and of the one whose worst sign answers
        a prediction; `UNKNOWN` where labels are known before.
    facts : ndarray of shape (n, 4)
        Receives z_t, φ'(z_t, y_t), y_t and φ(z_t, y_t).
    squares : ndarray of shape (n,)
        Receives ‖x_t‖².
    held : ndarray of shape (n, d) or (0, d)
        Receives x_t, if there is room for it.
    """

    features: np.ndarray
    labels: np.ndarray
    loss: int
    answers: int
    facts: np.ndarray
    squares: np.ndarray
    held: np.ndarray

    @classmethod
    def of(cls, features, labels, loss, answers, facts, squares, held) -> Chunk:
        """Return rounds whose features and labels are only read, as a stream's are."""
        features, labels = features.view(), labels.view()
        # To a kernel it is another type, and it is compiled for one.
        features.flags.writeable = labels.flags.writeable = False
        return cls(features, labels, loss, answers, facts, squares, held)

    @classmethod
    def none(cls, d: int) -> Chunk:
        """Return no rounds at all: what a kernel is compiled for, if it must be."""
        rows, column = np.empty((0, d)), np.empty(0)
        return cls.of(rows, column, UNKNOWN, UNKNOWN, np.empty((0, 4)), column, rows)


class Region(NamedTuple):
    """A domain as kernels know it.

    Attributes
    ----------
    radius : float
        Of the ball, or infinity.
    lower, upper : ndarray of shape (d,) or (0,)
        Bounds of the box; empty for another domain.
    """

    radius: float
    lower: np.ndarray
    upper: np.ndarray


class Tally(NamedTuple):
    """What a learner adds up from round to round.

    Attributes
    ----------
    quadratic, mass, travelled : float
        Σ g_sᵀ H_s⁻¹ g_s, Σ ‖g_s‖² and max ‖x_{s+1}‖.
    """

    quadratic: float
    mass: float
    travelled: float


class Progress(NamedTuple):
    """How far a kernel has come.

    Attributes
    ----------
    rounds : int
        How many rounds were played to their end.
    overflowed : bool
        Whether the step of the next one overflowed, after its gradient was absorbed; what else a
        kernel stops at, it leaves as it was before that round.
    x : ndarray of shape (d,)
        The point to play next.
    tally : Tally
        The learner's, after these rounds.
    """

    rounds: int
    overflowed: bool
    x: np.ndarray
    tally: Tally


def region_of(domain: Domain, d: int, separable: bool = True) -> Region | None:
    """Return a domain as kernels know it; None where they do not.

    They clip to a box, which is the projection in metrics that are `separable` alone.

    Examples
    --------
    >>> region_of(Ball(2.0), 3).radius
    2.0
    """
    nothing = np.empty(0)
    if type(domain) in (Euclidean, Ball):
        return Region(float(domain.radius(d)), nothing, nothing)
    if type(domain) is Box and separable:
        lower, upper = (np.ascontiguousarray(bound) for bound in domain.bounds(d))
        return Region(math.inf, lower, upper)
    return None


@inlined_kernel
def meet(loss, answers, a, y, x, facts):
    """Predict at x, suffer and fill `facts`; return φ'(z, y), NaN where a number is not finite."""
    z = inner(a, x)
    if answers != UNKNOWN:
        y = worst_sign(answers, z)
    suffered, slope = suffer(loss, z, y)
    facts[0], facts[1], facts[2], facts[3] = z, slope, y, suffered
    return slope if math.isfinite(z + suffered + slope) else math.nan


if ENGINE == "numba":

    @kernel
    def confine(x, lower, upper):
        """Clip `x` to a box, in place; return ‖x‖² then."""
        for i in range(len(x)):
            # In this order a NaN stays one.
            raised = lower[i] if x[i] < lower[i] else x[i]
            x[i] = upper[i] if raised > upper[i] else raised
        return inner(x, x)

else:

    def confine(x, lower, upper):
        """Clip `x` to a box, in place; return ‖x‖² then."""
        np.clip(x, lower, upper, out=x)
        return inner(x, x)
