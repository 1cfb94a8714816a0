"""Checks of what a caller hands in; errors name the parameter, the value, what was expected."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from scipy.linalg.blas import ddot

__all__ = [
    "array",
    "choice",
    "closest",
    "integer",
    "known",
    "matrix",
    "number",
    "pair",
    "real",
    "shape",
    "squared_length",
    "vector",
    "whole",
]

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
    if isinstance(value, bool | np.bool_):
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
    written = isinstance(value, float | np.floating) and float(value).is_integer()
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
    if isinstance(value, bool | np.bool_ | str | bytes) or np.ndim(value) != 0:
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


def real(name: str, value) -> np.ndarray:
    """Return an array of real numbers as float64: itself if it is one already.

    Integers, other floating-point numbers of any size and byte order, and data frames of them, are
    taken by their values; what is beyond the range of float64 becomes infinite.

    Raises
    ------
    TypeError
        If it is sparse, has masked entries, or holds anything but real numbers.
    ValueError
        If it is ragged.

    Examples
    --------
    >>> real("row", [3, 4])
    array([3., 4.])
    >>> real("row", [3j])
    Traceback (most recent call last):
    ...
    TypeError: row: expected real numbers, got complex128; take .real and .imag
    """
    if type(value) is np.ndarray and value.dtype == np.float64:
        return value
    if hasattr(value, "toarray") and hasattr(value, "nnz"):
        raise TypeError(
            f"{name}: expected an array, got a sparse {type(value).__name__}; call .toarray()"
        )
    if np.ma.is_masked(value):
        count = int(np.ma.count_masked(value))
        raise TypeError(
            f"{name}: expected numbers, got {count} masked entries; say what they are: .filled(...)"
        )
    try:
        result = np.asarray(value)
    except ValueError:
        raise ValueError(
            f"{name}: expected an array of numbers, got a ragged {type(value).__name__}"
        ) from None
    if result.dtype.kind not in "fiu":
        advice = "take .real and .imag" if result.dtype.kind == "c" else "convert it to float"
        raise TypeError(f"{name}: expected real numbers, got {result.dtype}; {advice}")
    with np.errstate(over="ignore"):
        return result.astype(np.float64, copy=False)


def vector(name: str, value, size: int) -> np.ndarray:
    """Return `value` as a finite float64 vector of length `size`.

    Raises
    ------
    TypeError, ValueError
        If it holds no real numbers (see `real`), the shape is another, or an entry is NaN or
        infinite.
    """
    result = real(name, value)
    if result.shape != (size,):
        raise ValueError(f"{name}: expected a vector of shape ({size},), got shape {result.shape}")
    _require_finite(name, result)
    return result


def matrix(name: str, value, columns: int) -> np.ndarray:
    """Return `value` as a finite float64 matrix of rows with `columns` columns.

    Raises
    ------
    TypeError, ValueError
        If it holds no real numbers (see `real`), the shape is another, or an entry is NaN or
        infinite.
    """
    result = real(name, value)
    if result.ndim != 2 or result.shape[1] != columns:
        raise ValueError(
            f"{name}: expected a matrix of shape (n, {columns}), got shape {result.shape}"
        )
    _require_finite(name, result)
    return result


def pair(name: str, value) -> tuple[int, int]:
    """Return the two sizes of a matrix, given as a pair of integers or as a text.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or a size is below 1.

    Examples
    --------
    >>> pair("shape", "256x128"), pair("shape", [3, 2])
    ((256, 128), (3, 2))
    >>> pair("shape", "256")
    Traceback (most recent call last):
    ...
    ValueError: shape: expected two sizes such as 256x128, got '256'
    """
    sizes = value
    if isinstance(value, str):
        try:
            sizes = [int(word) for word in value.split("x")]
        except ValueError:
            sizes = []
    if not isinstance(sizes, list | tuple) or len(sizes) != 2:
        raise ValueError(f"{name}: expected two sizes such as 256x128, got {value!r}")
    return integer(name, sizes[0], low=1), integer(name, sizes[1], low=1)


def array(name: str, value, shape: tuple[int, ...]) -> np.ndarray:
    """Return `value` as a finite float64 array of shape `shape`.

    Raises
    ------
    TypeError, ValueError
        If it holds no real numbers (see `real`), the shape is another, or an entry is NaN or
        infinite.

    Examples
    --------
    >>> array("g", [[1.0, 2.0]], (2, 1))
    Traceback (most recent call last):
    ...
    ValueError: g: expected an array of shape (2, 1), got shape (1, 2)
    """
    result = real(name, value)
    if result.shape != shape:
        raise ValueError(f"{name}: expected an array of shape {shape}, got shape {result.shape}")
    _require_finite(name, result)
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


def squared_length(name: str, value: np.ndarray) -> float:
    """Return ‖v‖², which must be finite.

    Raises
    ------
    ValueError
        If an entry is NaN or infinite, or the sum of squares overflows.

    Examples
    --------
    >>> squared_length("g", np.array([3.0, 4.0]))
    25.0
    """
    # Unlike NumPy's, this product says nothing of an overflow, which is reported below.
    result = float(ddot(value, value))
    if not math.isfinite(result):
        _require_finite(name, value)
        raise ValueError(f"{name}: expected a finite squared length, got {result} (overflow)")
    return result


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


def _require_finite(name: str, value: np.ndarray) -> None:
    finite = np.isfinite(value)
    if not finite.all():
        bad = np.argwhere(~finite)
        where = tuple(int(i) for i in bad[0])
        raise ValueError(
            f"{name}: expected finite numbers, got {value[where]} at index {where} "
            f"({len(bad)} of {value.size} entries are not finite)"
        )
