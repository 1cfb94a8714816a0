"""Products with few rows, long or short, without a needless call or copy.

Compiled, they are loops: with so few rows these are as fast as BLAS, and faster where the rows are
short.  Uncompiled, all of it is NumPy and BLAS.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import daxpy, ddot

from oco.linalg.engine import ENGINE, kernel, summing_kernel

__all__ = ["combine", "inner", "mix", "moved", "products", "scaled", "weighted_sum"]

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

    # Sums are loops of their own, here and in other kernels: the order in which a loop that also
    # writes adds up depends on how near to each other the arrays lie, and with it the last digit.

    @kernel
    def scaled(a, x, result):
        """Fill `result` with a x; return its squared length."""
        for j in range(len(result)):
            result[j] = a * x[j]
        return inner(result, result)

    @kernel
    def moved(x, b, y, result):
        """Fill `result` with x + b y; return its squared length."""
        for j in range(len(result)):
            result[j] = x[j] + b * y[j]
        return inner(result, result)

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
    def _add_four(result, a, b, c, d, matrix, i):
        """Add a, b, c and d times four rows, from row i on, to `result`."""
        for j in range(len(result)):
            result[j] += (
                a * matrix[i, j]
                + b * matrix[i + 1, j]
                + c * matrix[i + 2, j]
                + d * matrix[i + 3, j]
            )

    @summing_kernel
    def _add_one(result, a, matrix, i):
        for j in range(len(result)):
            result[j] += a * matrix[i, j]

    @kernel
    def _add_rows(result, weights, matrix):
        """Add weightsᵀ A to `result`."""
        i = 0
        while i + 4 <= len(weights):
            a, b, c, d = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
            _add_four(result, a, b, c, d, matrix, i)
            i += 4
        while i < len(weights):
            _add_one(result, weights[i], matrix, i)
            i += 1

    @kernel
    def products(matrix, x, result):
        """Fill `result` with A x."""
        i = 0
        while i + 4 <= len(matrix):
            result[i], result[i + 1], result[i + 2], result[i + 3] = _four_products(
                matrix[i], matrix[i + 1], matrix[i + 2], matrix[i + 3], x
            )
            i += 4
        while i < len(matrix):
            result[i] = inner(matrix[i], x)
            i += 1

    @kernel
    def combine(weights, matrix, result):
        """Fill `result` with weightsᵀ A."""
        result[:] = 0.0
        _add_rows(result, weights, matrix)

    @kernel
    def weighted_sum(weights, matrix, a, x, b, y, result):
        """Fill `result` with weightsᵀ A + a x + b y."""
        mix(a, x, b, y, result)
        _add_rows(result, weights, matrix)

else:
    # Of one entry or more; NumPy's own takes three times as long to call.
    inner = ddot

    def products(matrix, x, result):
        """Fill `result` with A x."""
        np.dot(matrix, x, result)

    def combine(weights, matrix, result):
        """Fill `result` with weightsᵀ A."""
        np.dot(weights, matrix, result)

    def mix(a, x, b, y, result):
        """Fill `result` with a x + b y."""
        np.multiply(x, a, result)
        daxpy(y, result, a=b)

    def scaled(a, x, result):
        """Fill `result` with a x; return its squared length."""
        np.multiply(x, a, result)
        return ddot(result, result)

    def moved(x, b, y, result):
        """Fill `result` with x + b y; return its squared length."""
        np.multiply(y, b, result)
        result += x
        return ddot(result, result)

    def weighted_sum(weights, matrix, a, x, b, y, result):
        """Fill `result` with weightsᵀ A + a x + b y."""
        np.dot(weights, matrix, result)
        daxpy(x, result, a=a)
        daxpy(y, result, a=b)
