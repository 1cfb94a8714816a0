"""The compiled loops against NumPy's products."""

import numpy as np
import pytest

from oco.linalg.products import add_multiples, combine, inner, products


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (5, 8), (30, 17)])
def test_products_are_those_of_the_matrix(shape):
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal(shape)
    x, y = (rng.standard_normal(size) for size in shape)
    np.testing.assert_allclose(products(matrix, y), matrix @ y, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(combine(x, matrix), matrix.T @ x, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(inner(x, 2 * x), 2 * x @ x, rtol=1e-13)
    result = np.ones(len(x))
    add_multiples(result, 3.0, x, -2.0, x**2)
    np.testing.assert_allclose(result, 1 + 3 * x - 2 * x**2, rtol=1e-13, atol=1e-13)
