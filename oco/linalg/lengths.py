"""Lengths of vectors, in one pass."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg.blas import ddot

from oco import checks

__all__ = ["squared_length"]


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
        checks.array(name, value, value.shape)
        raise ValueError(f"{name}: expected a finite squared length, got {result} (overflow)")
    return result
