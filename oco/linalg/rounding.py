"""What rounding can do: the unit of error, and sums and lengths that are known to within it.

Double precision rounds to nearest: fl(a ∘ b) = (a ∘ b)(1 + ε) with |ε| ≤ u = 2⁻⁵³, and where a
product is subnormal also an absolute error of at most 2⁻¹⁰⁷⁵.  A sum of n products, in whatever
order it is taken and with or without fused operations, is off by at most γ_n Σ |a_i b_i| (Higham,
*Accuracy and Stability of Numerical Algorithms*, 2002, §3.1).
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from scipy import sparse

__all__ = ["ABOVE", "SMALLEST", "SQUARES", "UNIT", "exact_sum", "gamma", "lengths", "running_sums"]

UNIT = 2.0**-53
#: The smallest positive number, which is twice what a product that underflows may have lost.
SMALLEST = 2.0**-1074
#: Error bounds are sums of many positive numbers, computed in floating point too.  Multiplied by
#: this, they are bounds all the same: it covers 2²² roundings of each, and terms in u².
ABOVE = 1 + 2.0**-30
#: Between these, a sum of squares has neither overflowed nor lost anything that counts: what a
#: million squares lose by underflow is below 1e-317.
SQUARES = 1e-280, 1e300


def gamma(n: int) -> float:
    """Return γ_n = nu/(1 − nu): the relative error that n roundings can add up to.

    Examples
    --------
    >>> gamma(2) > 2 * UNIT
    True
    """
    return n * UNIT / (1 - n * UNIT)


def exact_sum(values: np.ndarray) -> float:
    """Return the sum of numbers, rounded once; not finite where they or their sum are not.

    Examples
    --------
    >>> exact_sum(np.array([1e100, 1.0, -1e100]))
    1.0
    """
    try:
        return math.fsum(values.tolist())
    except (OverflowError, ValueError):
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.sum(values))


def running_sums(values: np.ndarray, checkpoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums of the first t numbers for each checkpoint t, and what they may be off by.

    Parameters
    ----------
    values : ndarray of shape (n,)
    checkpoints : ndarray of int, of shape (c,)
        From 0 to n, in any order.

    Returns
    -------
    sums, errors : ndarray of shape (c,)
        Each segment between checkpoints is summed exactly and rounded once, and so is each sum of
        segments.

    Examples
    --------
    >>> running_sums(np.array([0.5, 1.0, -0.5, 1.0]), np.array([4, 2]))[0]
    array([2. , 1.5])
    """
    stops, where = np.unique(np.r_[0, checkpoints], return_inverse=True)
    parts = np.array([exact_sum(values[first:last]) for first, last in pairwise(stops)])
    sums = np.array([exact_sum(parts[:i]) for i in range(len(stops))])
    doubt = UNIT * (np.r_[0.0, np.cumsum(np.abs(parts))] + np.abs(sums)) * ABOVE
    return sums[where[1:]], doubt[where[1:]]


def lengths(rows) -> np.ndarray:
    """Return the Euclidean length of each row, however small or large; correct to γ_{d+4}.

    The rows are those of an array, or of a CSR array.

    Examples
    --------
    >>> lengths(np.array([[3e200, 4e200], [3e-200, 4e-200], [0.0, 0.0]]))
    array([5.e+200, 5.e-200, 0.e+000])
    """
    with np.errstate(over="ignore", under="ignore"):
        if sparse.issparse(rows):
            squares = rows.multiply(rows).sum(axis=1)
        else:
            squares = np.einsum("ij,ij->i", rows, rows)
        result = np.sqrt(squares)
        for i in np.flatnonzero(~((squares > SQUARES[0]) & (squares < SQUARES[1]))):
            row = rows[[i]].data if sparse.issparse(rows) else rows[i]
            scale = float(np.max(np.abs(row), initial=0.0))
            if 0 < scale < math.inf:
                scaled = row / scale
                result[i] = scale * math.sqrt(scaled @ scaled)
    return result
