"""Averages that are kept in bfloat16."""

from __future__ import annotations

import math

import numpy as np

from oco.rounding import BITS, MULTIPLIER, lines

__all__ = ["rounded"]


def rounded(values: np.ndarray, place: int, step: int) -> np.ndarray:
    """Return numbers that bfloat16 has, each the one below or above, at random.

    Parameters
    ----------
    values : ndarray
        Of absolute values below 3e38; float32 rounds them first, to the nearest.
    place, step : int
        Which tensor it is, and when: the same draws for the same.

    Returns
    -------
    ndarray of float64
        Whose expectation is `values`, but for float32's rounding.

    Examples
    --------
    >>> sorted({float(x) for x in rounded(np.full(64, 1.001), place=0, step=1)})
    [1.0, 1.0078125]
    """
    first = next((n for n in values.shape if n > 1), 1)
    shape = (first, math.prod(values.shape) // first)
    rows, columns = lines(place, step, *map(np.arange, shape))
    draws = (((rows[:, None] ^ columns) * MULTIPLIER) & 0xFFFFFFFF) >> (32 - BITS)
    bits = values.astype(np.float32).view(np.uint32).reshape(shape) + draws.astype(np.uint32)
    bits &= np.uint32(0xFFFFFFFF << BITS & 0xFFFFFFFF)
    return bits.view(np.float32).astype(np.float64).reshape(values.shape)
