"""Products with few rows, long or short, without a needless call or copy.

Compiled, they are loops: with so few rows these are as fast as BLAS, and faster where the rows are
short.  Uncompiled, all of it is NumPy and BLAS.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import daxpy, ddot

from oco.linalg.engine import ENGINE, kernel, summing_kernel

__all__ = ["combine", "inner", "mix", "products", "weighted_sum"]

# Columns taken at a time, so that their part of the vector stays in the first-level cache while the
# rows go by.
COLUMNS = 4096

if ENGINE == "numba":

    @summing_kernel
    def inner(x, y):
        """Return xᵀ y."""
        total = 0.0
        for i in range(len(x)):
            total += x[i] * y[i]
        return total

    @summing_kernel
    def mix(a, x, b, y, result):
        """Fill `result` with a x + b y."""
        for j in range(len(result)):
            result[j] = a * x[j] + b * y[j]

    @summing_kernel
    def _four_products(a, b, c, d, x):
        """Return the products of four rows with x, which is read once."""
        at_a, at_b, at_c, at_d = 0.0, 0.0, 0.0, 0.0
        for j in range(len(x)):
            at_a += a[j] * x[j]
            at_b += b[j] * x[j]
            at_c += c[j] * x[j]
            at_d += d[j] * x[j]
        return at_a, at_b, at_c, at_d

    @summing_kernel
    def _add_four(result, weights, a, b, c, d):
        for j in range(len(result)):
            result[j] += (
                weights[0] * a[j] + weights[1] * b[j] + weights[2] * c[j] + weights[3] * d[j]
            )

    @summing_kernel
    def _add_one(result, weight, a):
        for j in range(len(result)):
            result[j] += weight * a[j]

    @kernel
    def _add_rows(result, weights, matrix, start, stop):
        """Add weightsᵀ A, for the columns from `start` to `stop`, to `result`."""
        i = 0
        while i + 4 <= len(weights):
            _add_four(
                result,
                weights[i : i + 4],
                matrix[i, start:stop],
                matrix[i + 1, start:stop],
                matrix[i + 2, start:stop],
                matrix[i + 3, start:stop],
            )
            i += 4
        while i < len(weights):
            _add_one(result, weights[i], matrix[i, start:stop])
            i += 1

    @kernel
    def products(matrix, x):
        """Return A x."""
        result = np.zeros(len(matrix))
        for start in range(0, len(x), COLUMNS):
            stop = min(start + COLUMNS, len(x))
            part, i = x[start:stop], 0
            while i + 4 <= len(matrix):
                a, b, c, d = _four_products(
                    matrix[i, start:stop],
                    matrix[i + 1, start:stop],
                    matrix[i + 2, start:stop],
                    matrix[i + 3, start:stop],
                    part,
                )
                result[i] += a
                result[i + 1] += b
                result[i + 2] += c
                result[i + 3] += d
                i += 4
            while i < len(matrix):
                result[i] += inner(matrix[i, start:stop], part)
                i += 1
        return result

    @kernel
    def combine(weights, matrix):
        """Return weightsᵀ A."""
        n = matrix.shape[1]
        result = np.zeros(n)
        for start in range(0, n, COLUMNS):
            stop = min(start + COLUMNS, n)
            _add_rows(result[start:stop], weights, matrix, start, stop)
        return result

    @kernel
    def weighted_sum(weights, matrix, a, x, b, y, result):
        """Fill `result` with weightsᵀ A + a x + b y."""
        for start in range(0, len(x), COLUMNS):
            stop = min(start + COLUMNS, len(x))
            part = result[start:stop]
            mix(a, x[start:stop], b, y[start:stop], part)
            _add_rows(part, weights, matrix, start, stop)

else:
    # Of one entry or more; NumPy's own takes three times as long to call.
    inner = ddot
    products = combine = np.dot

    def mix(a, x, b, y, result):
        """Fill `result` with a x + b y."""
        np.multiply(x, a, result)
        daxpy(y, result, a=b)

    def weighted_sum(weights, matrix, a, x, b, y, result):
        """Fill `result` with weightsᵀ A + a x + b y."""
        np.dot(weights, matrix, result)
        daxpy(x, result, a=a)
        daxpy(y, result, a=b)
