"""The compiled loops against NumPy's products."""

import numpy as np
import pytest

from oco.linalg.products import combine, inner, mix, products, weighted_sum


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (4, 4), (5, 8), (30, 17), (7, 9999)])
def test_products_are_those_of_the_matrix(shape):
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal(shape)
    w, x, y = (rng.standard_normal(size) for size in (*shape, shape[1]))
    # A rounding for each term of a sum of at most 10⁴, which add up like a random walk.
    close = {"rtol": 1e-13, "atol": 1e-12}
    np.testing.assert_allclose(inner(x, y), x @ y, **close)
    result = np.full(len(matrix), np.nan)
    products(matrix, x, result)
    np.testing.assert_allclose(result, matrix @ x, **close)
    result = np.full(len(x), np.nan)
    combine(w, matrix, result)
    np.testing.assert_allclose(result, matrix.T @ w, **close)
    result[:] = np.nan
    mix(3.0, x, -2.0, y, result)
    np.testing.assert_allclose(result, 3 * x - 2 * y, **close)
    result[:] = np.nan
    weighted_sum(w, matrix, 3.0, x, -2.0, y, result)
    np.testing.assert_allclose(result, matrix.T @ w + 3 * x - 2 * y, **close)
