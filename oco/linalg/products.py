"""Products of small arrays, and sums of long ones, without a needless call or copy.

Compiled, a product of small arrays is a loop: it takes less time than to call BLAS.  Uncompiled,
all of it is NumPy.
"""

from __future__ import annotations

import numpy as np

from oco.linalg.engine import ENGINE, summing_kernel

__all__ = ["add_multiples", "combine", "inner", "products"]

if ENGINE == "numba":

    @summing_kernel
    def inner(x, y):
        """Return xᵀ y."""
        total = 0.0
        for i in range(len(x)):
            total += x[i] * y[i]
        return total

    @summing_kernel
    def products(matrix, x):
        """Return A x."""
        result = np.empty(len(matrix))
        for i in range(len(matrix)):
            total = 0.0
            for j in range(len(x)):
                total += matrix[i, j] * x[j]
            result[i] = total
        return result

    @summing_kernel
    def combine(x, matrix):
        """Return xᵀ A."""
        result = np.zeros(matrix.shape[1])
        for i in range(len(x)):
            for j in range(len(result)):
                result[j] += x[i] * matrix[i, j]
        return result

    @summing_kernel
    def add_multiples(result, a, x, b, y):
        """Add a x + b y to `result`, in place."""
        for i in range(len(result)):
            result[i] += a * x[i] + b * y[i]

else:
    inner = products = combine = np.dot

    def add_multiples(result, a, x, b, y):
        """Add a x + b y to `result`, in place."""
        result += a * x
        result += b * y
