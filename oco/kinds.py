"""What the values of an option are: how each is checked, kept, and written on a command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from oco import scalars
from oco.notations import Grid, Shape, Spectrum

__all__ = [
    "COLUMN",
    "ENDS",
    "FLAG",
    "GRID",
    "LABEL",
    "NUMBER",
    "PATH",
    "POSITIVE",
    "SHAPE",
    "SIZE",
    "SPECTRUM",
    "TEXT",
    "Kind",
    "at_least",
    "one_of",
    "whole",
]

# Far more rounds, or dimensions, than any machine holds, and few enough to count them in 64 bits.
MOST = 2**40


@dataclass(frozen=True)
class Kind:
    """What the values of an option are.

    Attributes
    ----------
    stored : type or union
        Their type where they are kept.
    check : callable
        ``check(name, value)`` returns what was given as it is kept, or raises a TypeError or
        ValueError that begins with the name.
    written : type
        How the command line reads one: str, int, float or bool.
    """

    stored: Any
    check: Callable[[str, Any], Any]
    written: type = str


def _text(name: str, value) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a text, got {value!r}")
    return value


def _column(name: str, value) -> str:
    return value if isinstance(value, str) else str(scalars.integer(name, value))


def _label(name: str, value) -> float | str:
    """Return a label's value: a number where it reads as one, else a text."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    elif isinstance(value, bool):
        value = float(value)
    return scalars.number(name, value)


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


def _ends(name: str, value) -> float | tuple[float, ...]:
    if isinstance(value, tuple | list):
        return tuple(scalars.number(name, end) for end in value)
    return scalars.number(name, value)


def _size(name: str, value) -> int:
    size = scalars.whole(name, value, low=1)
    if size > MOST:
        raise ValueError(f"{name}: expected at most {MOST:,}, got {size}")
    return size


def one_of(*words: str) -> Kind:
    """Return the kind of a few words.

    Examples
    --------
    >>> one_of("yes", "no").check("answer", "perhaps")
    Traceback (most recent call last):
    ...
    ValueError: answer: expected yes or no, got 'perhaps'
    """

    def check(name: str, value) -> str:
        if value not in words:
            expected = ", ".join(words[:-1]) + f" or {words[-1]}"
            raise ValueError(f"{name}: expected {expected}, got {value!r}")
        return value

    return Kind(str, check)


def whole(low: int, high: int | None = None) -> Kind:
    """Return the kind of the integers in a range."""
    return Kind(int, partial(scalars.whole, low=low, high=high), int)


def at_least(low: float) -> Kind:
    """Return the kind of the finite numbers from `low` on."""
    return Kind(float, partial(scalars.number, low=low), float)


TEXT = Kind(str, _text)
PATH = Kind(str, _path)
FLAG = Kind(bool, _flag, bool)
SIZE = Kind(int, _size, int)
NUMBER = Kind(float, scalars.number, float)
POSITIVE = Kind(float, partial(scalars.number, above=0), float)
ENDS = Kind(float | tuple[float, ...], _ends, float)
COLUMN = Kind(str, _column)
LABEL = Kind(float | str, _label)
SHAPE = Kind(Shape, Shape.read)
SPECTRUM = Kind(Spectrum, Spectrum.read)
GRID = Kind(Grid, Grid.read)
