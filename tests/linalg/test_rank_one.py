"""The rank-one eigenvalue update against `numpy.linalg.eigh` of the dense matrix."""

import numpy as np
import pytest

from oco.linalg.rank_one import rank_one_eigh

EPS = np.finfo(np.float64).eps


def cases():
    rng = np.random.default_rng(0)
    for n in (1, 2, 3, 10, 40):
        yield f"random {n}", rng.uniform(0, 1, n), rng.standard_normal(n)
    yield "equal poles", np.full(6, 2.0), rng.standard_normal(6)
    yield "equal pairs", np.repeat([3.0, 2.0, 0.0], 2), rng.standard_normal(6)
    yield "zero vector", np.array([3.0, 1.0, 2.0]), np.zeros(3)
    yield "zero weights", np.array([4.0, 3.0, 2.0, 1.0]), np.array([0.0, 1.0, 0.0, 1e-200])
    yield "graded", 10.0 ** -np.arange(0.0, 20), 10.0 ** -np.arange(0.0, 10, 0.5)
    yield "tiny", 1e-290 * rng.uniform(0, 1, 5), 1e-145 * rng.standard_normal(5)
    yield "huge", 1e290 * rng.uniform(0, 1, 5), 1e145 * rng.standard_normal(5)
    yield "nearly equal poles", 1 + EPS * np.arange(8), rng.standard_normal(8)
    yield "small update", np.arange(8.0), 1e-9 * rng.standard_normal(8)
    yield "zero poles", np.zeros(5), rng.standard_normal(5)


@pytest.mark.parametrize("name, poles, z", list(cases()), ids=[name for name, _, _ in cases()])
def test_it_is_the_eigendecomposition(name, poles, z):
    n = len(poles)
    matrix = np.diag(poles) + np.outer(z, z)
    norm = np.linalg.norm(matrix, 2)
    w, turned = rank_one_eigh(poles, z)
    assert np.all(np.diff(w) <= 0)
    np.testing.assert_allclose(w, np.linalg.eigvalsh(matrix)[::-1], rtol=0, atol=8 * n * EPS * norm)
    np.testing.assert_allclose(turned @ turned.T, np.eye(n), atol=1e-14 * n)
    np.testing.assert_allclose((turned.T * w) @ turned, matrix, rtol=0, atol=16 * n * EPS * norm)
