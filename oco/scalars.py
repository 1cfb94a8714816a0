"""Checks of single values; errors name the parameter, the value, what was expected.

No array library is loaded for them: they are what a help page can be made with.
"""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable
from typing import TypeVar

__all__ = ["choice", "closest", "integer", "known", "number", "shape", "whole"]

Value = TypeVar("Value")


def integer(name: str, value, low: int | None = None, high: int | None = None) -> int:
    """Return `value` as an int in ``[low, high]``.

    Raises
    ------
    TypeError
        If `value` is not an integer (a bool is not one).
    ValueError
        If it lies outside the range.

    Examples
    --------
    >>> integer("k", 20, low=2)
    20
    >>> integer("k", 1, low=2)
    Traceback (most recent call last):
    ...
    ValueError: k: expected an integer >= 2, got 1
    """
    expected = "an integer" + _range(low, high)
    if isinstance(value, bool) or _kind(value) == "b":
        raise TypeError(f"{name}: expected {expected}, got {value!r}")
    try:
        result = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected {expected}, got {value!r}") from None
    if (low is not None and result < low) or (high is not None and result > high):
        raise ValueError(f"{name}: expected {expected}, got {result}")
    return result


def whole(name: str, value, low: int | None = None, high: int | None = None) -> int:
    """Return `value` as `integer` does; a float such as 1e4 that is an integer counts as one.

    Raises
    ------
    TypeError, ValueError
        As `integer` does.

    Examples
    --------
    >>> whole("T", 1e4)
    10000
    >>> whole("T", 1.5)
    Traceback (most recent call last):
    ...
    TypeError: T: expected an integer, got 1.5
    """
    written = (isinstance(value, float) or _kind(value) == "f") and float(value).is_integer()
    return integer(name, int(value) if written else value, low, high)


def number(
    name: str,
    value,
    *,
    above: float | None = None,
    low: float | None = None,
    high: float | None = None,
    below: float | None = None,
) -> float:
    """Return `value` as a finite float, ``> above``, in ``[low, high]``, ``< below`` where given.

    Raises
    ------
    TypeError
        If `value` is not a real number.
    ValueError
        If it is not finite or lies outside the range.

    Examples
    --------
    >>> number("lr", 0.1, above=0)
    0.1
    >>> number("lr", -1, above=0)
    Traceback (most recent call last):
    ...
    ValueError: lr: expected a finite number > 0, got -1
    """
    expected = (
        "a finite number"
        + (f" > {above:g}" if above is not None else "")
        + _range(low, high)
        + (f" and < {below:g}" if below is not None else "")
    )
    other = isinstance(value, bool | str | bytes) or _kind(value) == "b"
    if other or getattr(value, "ndim", 0) != 0:
        raise TypeError(f"{name}: expected {expected}, got {value!r}")
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected {expected}, got {value!r}") from None
    except OverflowError:
        raise ValueError(f"{name}: expected {expected}, got an integer beyond 1.8e308") from None
    outside = (
        (above is not None and not result > above)
        or (low is not None and not result >= low)
        or (high is not None and not result <= high)
        or (below is not None and not result < below)
    )
    if outside or not math.isfinite(result):
        raise ValueError(f"{name}: expected {expected}, got {value}")
    return result


def shape(name: str, value) -> tuple[int, ...]:
    """Return `value` as the lengths of an array's axes, each at least 1; a number is one axis.

    Raises
    ------
    TypeError
        If it is neither an integer nor a sequence of integers.
    ValueError
        If there is no axis, or one of length 0.

    Examples
    --------
    >>> shape("shape", [256, 128]), shape("shape", 7)
    ((256, 128), (7,))
    >>> shape("shape", (3, 0))
    Traceback (most recent call last):
    ...
    ValueError: shape[1]: expected an integer >= 1, got 0
    """
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return (integer(name, value, low=1),)
    lengths = tuple(integer(f"{name}[{i}]", n, low=1) for i, n in enumerate(value))
    if not lengths:
        raise ValueError(f"{name}: expected at least one axis, got none")
    return lengths


def known(name: str, value: Value | None) -> Value:
    """Return `value`, which is not None: what reads it makes sense only where it was computed.

    Raises
    ------
    TypeError
        If it is None.

    Examples
    --------
    >>> known("escaped_mass", 2.0)
    2.0
    """
    if value is None:
        raise TypeError(f"{name}: expected a value, got None")
    return value


def choice(name: str, value, options: Iterable[str]) -> str:
    """Return `value` if it is one of `options`; the error names the closest one.

    Raises
    ------
    ValueError
        If it is not.

    Examples
    --------
    >>> choice("loss", "hing", ["hinge", "logistic"])
    Traceback (most recent call last):
    ...
    ValueError: loss: unknown name 'hing'; did you mean 'hinge'? (known: hinge, logistic)
    """
    options = list(options)
    if value in options:
        return value
    hint = closest(str(value), options)
    raise ValueError(f"{name}: unknown name {value!r}{hint} (known: {', '.join(options)})")


def closest(value: str, options: Iterable[str]) -> str:
    """Return ``"; did you mean '...'?"`` for the option nearest to `value`, or an empty string."""
    near = difflib.get_close_matches(value, list(options), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _range(low, high) -> str:
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" >= {low}"
    return f" <= {high}" if high is not None else ""


def _kind(value) -> str:
    """Return NumPy's letter for what a single number of an array is; empty for anything else."""
    return getattr(value.dtype, "kind", "") if getattr(value, "ndim", 1) == 0 else ""
