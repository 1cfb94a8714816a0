"""Marks: what says of itself that it is a learner, a loss, a stream or a sketch.

An import string in a study or on a command line is text that somebody wrote, and ``module:name``
can name any function of any installed package.  Only what bears the mark of its kind is called.
"""

from __future__ import annotations

from typing import TypeVar

__all__ = ["KINDS", "bears", "learner", "loss", "sketch", "stream"]

Thing = TypeVar("Thing")

#: Each kind, and how its decorator is written.
KINDS = {
    "learner": "@oco.learner",
    "loss": "@oco.loss",
    "sketch": "@oco.marks.sketch",
    "stream": "@oco.stream",
}
# By the thing's identity, which holding on to the thing keeps its own; a loss need not be hashable.
_marked: dict[str, dict[int, object]] = {kind: {} for kind in KINDS}


def learner(thing: Thing) -> Thing:
    """Mark a class, or a function that makes one, as a learner; a decorator.

    Parameters
    ----------
    thing : callable
        What gives an object with a point ``x`` and a method ``update(g)``.

    Returns
    -------
    callable
        `thing` itself, which ``"module:name"`` may now lead to; so may its subclasses.

    Examples
    --------
    >>> import numpy as np, oco
    >>> @oco.learner
    ... class Still:
    ...     def __init__(self, d):
    ...         self.x = np.zeros(d)
    ...
    ...     def update(self, g):
    ...         pass
    """
    return _mark("learner", thing)


def loss(thing: Thing) -> Thing:
    """Mark a class, an instance or a function that makes one as a loss; a decorator.

    A subclass of `oco.losses.Loss` has the mark already.

    Parameters
    ----------
    thing : object
        With, or giving an object with, the methods ``value(z, y)`` and ``derivative(z, y)``.

    Returns
    -------
    object
        `thing` itself.
    """
    return _mark("loss", thing)


def stream(thing: Thing) -> Thing:
    """Mark a class or a function that makes one as a stream; a decorator.

    A subclass of `oco.losses.Stream` has the mark already.

    Parameters
    ----------
    thing : callable
        What gives an `oco.losses.Stream`.

    Returns
    -------
    callable
        `thing` itself.
    """
    return _mark("stream", thing)


def sketch(thing: Thing) -> Thing:
    """Mark a class, or a function that makes one, as a sketch; a decorator.

    A subclass of `oco.sketch.FrequentDirections` has the mark already.

    Parameters
    ----------
    thing : callable
        Called with (d, k, decay) by ``oco verify --sketch``.

    Returns
    -------
    callable
        `thing` itself.
    """
    return _mark("sketch", thing)


def bears(kind: str, thing) -> bool:
    """Return whether a thing, its class or a class above it is marked as of that kind.

    Parameters
    ----------
    kind : {"learner", "loss", "sketch", "stream"}
    thing : object

    Examples
    --------
    >>> import shutil
    >>> from oco.losses import Drift
    >>> bears("stream", Drift), bears("learner", Drift), bears("loss", shutil.rmtree)
    (True, False, False)
    """
    lineage = thing.__mro__ if isinstance(thing, type) else (thing, *type(thing).__mro__)
    return any(id(part) in _marked[kind] for part in lineage)


def _mark(kind: str, thing: Thing) -> Thing:
    _marked[kind][id(thing)] = thing
    return thing
