"""What to run, as plain data: every option of a run, validated, with its default."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from oco import checks
from oco.results.records import Record

__all__ = ["Experiment", "checked", "default_stream"]

# In each tenfold of rounds: more are a slip of the hand, which shall not fill the memory.
MOST_CHECKPOINTS = 10_000


@dataclass(frozen=True, eq=False)
class Experiment(Record):
    """What to run.

    Parameters
    ----------
    algorithm : str
        A learner's name (`oco.algorithms.ALGORITHMS`), or ``"package.module:factory"``.
    loss : str, optional
        A loss's name (`oco.losses.LOSSES`), or ``"package.module:loss"``; the stream's own by
        default.
    stream : str, optional
        A stream's name (`oco.losses.STREAMS`), or ``"package.module:stream"``; see
        `default_stream`.
    domain : {"ball", "box", "unconstrained"}
        K.
    d, T : int, optional
        Dimension and rounds, ≥ 1; not needed for a data file, whose d features (one more with
        `bias`) and T rows are used.
    shape : tuple of int, optional
        (m, n), where x is to be a matrix with d = mn entries; as a pair or a text such as
        ``"256x128"``.
    k : int, optional
        Sketch size of the learners that sketch, from 2 to d + 1, or for each side of a matrix;
        ``min(20, d + 1)`` by default.
    seed : int
        ≥ 0; of everything random.
    lr : float, optional
        The learner's rate η > 0; the default minimises its regret bound, and needs a bounded
        domain.
    delta : float, optional
        δ > 0 of the learners that take one, in the units of the gradients.
    radius : float
        > 0: of the ball, in the units of x, and the length of the stochastic streams' planted x*.
    lower, upper : float or tuple of float
        Of the box, in the units of x.
    spectrum : str, optional
        Of the features' covariance: ``power:α``, ``exp:q``, ``lowrank:r[:noise]``, ``flat``.
    noise : float, optional
        Of the stochastic streams: probability of a wrong class, or width of the error of a real
        label.
    turns : float, optional
        Full turns of the drift stream's leading subspace over the run, or of the leading factors of
        the matrix-rotating stream.
    r : int, optional
        Number of directions of the orthonormal stream; rank of a matrix stream's gradients.
    data : str, optional
        Path of a data file (see `oco.losses.DataFile`), ``-`` for standard input, ``sklearn:NAME``
        for a data set that scikit-learn brings along; ``memory:…`` names, by shape and hash, what
        was given to `oco.run` in memory and cannot be read again.
    label : str, optional
        The labels' column: a name, or a number counted from 1, −1 for the last.
    labels : str, optional
        Path of another file with the labels.
    bias : bool
        Whether a feature that is always 1 is appended to those of the file.
    features : int, optional
        Number of features in the file, where the last ones may never occur.
    positive : float or str, optional
        The label that is +1 for a binary loss, where all others are −1; by default labels must take
        exactly two values, and the larger is +1.
    checkpoints : int
        Checkpoints in each tenfold of rounds, from 1 to 10,000.
    prefix_regret : bool
        Whether to find, at each checkpoint, the best fixed point of the rounds so far as well.
    gap : float
        > 0: the comparator is certified to this fraction of the regret.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range; the message starts with its name.

    Examples
    --------
    >>> Experiment("s-adagrad", d=1000, k=20, T=10_000).stream
    'stochastic'
    >>> Experiment("s-adagrad", d=10, k=1)
    Traceback (most recent call last):
    ...
    ValueError: k: expected an integer >= 2, got 1
    """

    algorithm: str
    loss: str | None = None
    stream: str | None = None
    domain: str = "ball"
    d: int | None = None
    shape: tuple[int, ...] | None = None
    k: int | None = None
    T: int | None = None
    seed: int = 0
    lr: float | None = None
    delta: float | None = None
    radius: float = 1.0
    lower: float | tuple[float, ...] = -1.0
    upper: float | tuple[float, ...] = 1.0
    spectrum: str | None = None
    noise: float | None = None
    turns: float | None = None
    r: int | None = None
    data: str | None = None
    bias: bool = True
    features: int | None = None
    label: str | None = None
    labels: str | None = None
    positive: float | str | None = None
    checkpoints: int = 5
    prefix_regret: bool = False
    gap: float = 1e-3

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if value is not None or option.default is not None:
                object.__setattr__(self, option.name, checked(option.name, value))
        if self.stream is None:
            object.__setattr__(self, "stream", default_stream(self.loss, self.data, self.shape))
        if self.data is not None and self.stream != "data":
            raise ValueError(f"data: expected the stream 'data' with it, got {self.stream!r}")
        shape = self.shape
        if shape is not None and self.d not in (None, math.prod(shape)):
            m, n = shape
            raise ValueError(f"d: expected {m * n}, as the shape is {m}x{n}, got {self.d}")


def default_stream(
    loss: str | None = None, data: str | None = None, shape: tuple[int, ...] | None = None
) -> str:
    """Return the name of the stream that is played unless another is asked for.

    Examples
    --------
    >>> default_stream(), default_stream(data="rows.npz"), default_stream("softmax")
    ('stochastic', 'data', 'multiclass')
    >>> default_stream(shape=(8, 4)), default_stream("hinge", shape=(8, 4))
    ('matrix-lowrank', 'stochastic')
    """
    if data is not None:
        return "data"
    if loss == "softmax":
        return "multiclass"
    return "stochastic" if shape is None or loss not in (None, "linear") else "matrix-lowrank"


def checked(option: str, value, name: str | None = None):
    """Return the value of one option of an Experiment as it is stored.

    Parameters
    ----------
    option : str
        A field of `Experiment`.
    value : object
        What was given for it.
    name : str, optional
        What the error calls it; the option's name by default.

    Raises
    ------
    TypeError, ValueError
        If the value is out of the option's range.

    Examples
    --------
    >>> checked("lr", -1, "grid.lr[2]")
    Traceback (most recent call last):
    ...
    ValueError: grid.lr[2]: expected a finite number > 0, got -1
    """
    return _CHECKS[option](name or option, value)


def _text(name: str, value) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a text, got {value!r}")
    return value


def _column(name: str, value) -> str:
    return value if isinstance(value, str) else str(checks.integer(name, value))


def _label(name: str, value) -> float | str:
    """Return a label's value: a number where it reads as one, else a text."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    elif isinstance(value, bool):
        value = float(value)
    return checks.number(name, value)


def _flag(name: str, value) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return value


def _path(name: str, value) -> str:
    if not isinstance(value, str | os.PathLike):
        raise TypeError(
            f"{name}: expected a path, got {type(value).__name__}; oco.run and oco.compare alone "
            "take rows that are in memory"
        )
    return os.fspath(value)


def _bounds(name: str, value) -> float | tuple[float, ...]:
    if isinstance(value, tuple | list):
        return tuple(checks.number(name, bound) for bound in value)
    return checks.number(name, value)


# Far more rounds, or dimensions, than any machine holds, and few enough to count them in 64 bits.
_MOST = 2**40


def _size(name: str, value) -> int:
    size = checks.whole(name, value, low=1)
    if size > _MOST:
        raise ValueError(f"{name}: expected at most {_MOST:,}, got {size}")
    return size


_at_least_one = partial(checks.whole, low=1)
_positive = partial(checks.number, above=0)
_CHECKS: dict[str, Callable[..., Any]] = {
    "algorithm": _text,
    "loss": _text,
    "stream": _text,
    "domain": _text,
    "d": _size,
    "shape": checks.pair,
    "k": partial(checks.whole, low=2),
    "T": _size,
    "seed": partial(checks.whole, low=0),
    "lr": _positive,
    "delta": _positive,
    "radius": _positive,
    "lower": _bounds,
    "upper": _bounds,
    "spectrum": _text,
    "noise": partial(checks.number, low=0),
    "turns": checks.number,
    "r": _at_least_one,
    "data": _path,
    "bias": _flag,
    "features": _at_least_one,
    "label": _column,
    "labels": _path,
    "positive": _label,
    "checkpoints": partial(checks.whole, low=1, high=MOST_CHECKPOINTS),
    "prefix_regret": _flag,
    "gap": _positive,
}
