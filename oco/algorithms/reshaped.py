"""The face of a learner for those whose points and gradients have another shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oco import checks
from oco.linalg.travel import Travelling

__all__ = ["Reshaped", "reshaped"]


class Reshaped(Travelling):
    """A learner with the entries of x and of gradients in another shape, in C order.

    Parameters
    ----------
    learner : object
        With an array `x` and ``update(g)``; all else that it has is had here too.
    shape : tuple of int
        The shape.

    Attributes
    ----------
    learner, shape
        As given.

    Examples
    --------
    >>> import oco
    >>> learner = Reshaped(oco.algorithms.adagrad_norm(4, domain=oco.Ball(1.0), lr=0.5), (2, 2))
    >>> learner.update([[3.0, 0.0], [0.0, 4.0]])
    >>> learner.x
    array([[-0.3,  0. ], [ 0. , -0.4]])
    """

    def __init__(self, learner, shape: tuple[int, ...]) -> None:
        self.learner, self.shape = learner, shape

    @property
    def x(self) -> np.ndarray:
        """The point to play."""
        return self.learner.x.reshape(self.shape)

    def update(self, g) -> None:
        """Absorb the gradient of the loss at `x` and move to the next point.

        Parameters
        ----------
        g : array_like of shape `shape`
            G_t.

        Raises
        ------
        TypeError, ValueError
            If the shape is wrong, or the learner refuses it.
        """
        g = checks.real("g", g)
        if g.shape != self.shape:
            raise ValueError(f"g: expected an array of shape {self.shape}, got shape {g.shape}")
        try:
            self.learner.update(g.reshape(self.learner.x.shape))
        except ValueError:
            # Where an entry is to blame, its place is told in this shape.
            checks.array("g", g, self.shape)
            raise

    def __getattr__(self, name: str) -> Any:
        # What is being copied has no attributes yet.
        if name == "learner" or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        return getattr(self.learner, name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.learner!r}, shape={self.shape})"


def reshaped(learner, shape: tuple[int, ...]):
    """Return a learner whose points have a shape: the one behind a `Reshaped` where that has it.

    Raises
    ------
    ValueError
        If the learner has another number of entries.

    Examples
    --------
    >>> import oco
    >>> learner = oco.algorithms.shampoo((2, 3), domain=oco.Ball(1.0))
    >>> learner.x.shape, reshaped(learner, (6,)) is learner.learner
    ((2, 3), True)
    """
    if isinstance(learner, Reshaped):
        learner = learner.learner
    if math.prod(np.shape(learner.x)) != math.prod(shape):
        raise ValueError(f"shape: expected {np.size(learner.x)} entries, got {shape}")
    return learner if np.shape(learner.x) == shape else Reshaped(learner, shape)
