"""Checks of what a caller hands in; errors name the parameter, the value, what was expected."""

from __future__ import annotations

import numpy as np

from oco.scalars import choice, closest, integer, known, number, shape, whole

__all__ = [
    "array",
    "choice",
    "closest",
    "entries",
    "integer",
    "known",
    "matrix",
    "number",
    "real",
    "shape",
    "vector",
    "whole",
]


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


def entries(name: str, value, size: int) -> np.ndarray:
    """Return `value` as a contiguous float64 vector of length `size`, whatever its entries are.

    Raises
    ------
    TypeError, ValueError
        If it holds no real numbers (see `real`), or the shape is another.
    """
    result = np.ascontiguousarray(real(name, value))
    if result.shape != (size,):
        raise ValueError(f"{name}: expected a vector of shape ({size},), got shape {result.shape}")
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


def _require_finite(name: str, value: np.ndarray) -> None:
    finite = np.isfinite(value)
    if not finite.all():
        bad = np.argwhere(~finite)
        where = tuple(int(i) for i in bad[0])
        raise ValueError(
            f"{name}: expected finite numbers, got {value[where]} at index {where} "
            f"({len(bad)} of {value.size} entries are not finite)"
        )
