"""The compiled loops against NumPy's products."""

import numpy as np
import pytest

from oco.algorithms.chunks import confine
from oco.linalg.products import combine, inner, mix, moved, products, scaled, weighted_sum


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


def confined(x, y, result):
    result[:] = x
    return confine(result, y - 1.0, y + 0.5)


@pytest.mark.parametrize("between", range(25))
@pytest.mark.parametrize(
    "function",
    [lambda x, y, out: moved(x, -0.3, y, out), lambda x, y, out: scaled(0.7, x, out), confined],
    ids=["moved", "scaled", "confine"],
)
def test_the_last_digit_does_not_depend_on_where_arrays_lie(function, between):
    """A compiled loop may take another order where the array it writes to is near to the others."""
    n, rng = 11, np.random.default_rng(3)
    numbers, other = rng.standard_normal(n), rng.standard_normal(n)
    buffer = np.zeros(3 * n + 2 * between)
    x, y, near = (buffer[i * (n + between) :][:n] for i in range(3))
    x[:], y[:] = numbers, other
    far = np.zeros(10_000)[-n:]
    assert function(x, y, near) == function(numbers, other, far)
    np.testing.assert_array_equal(near, far)
