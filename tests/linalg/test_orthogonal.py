"""Splitting a vector along orthonormal rows, at every angle."""

import numpy as np
import pytest

from oco.linalg.orthogonal import NEW_DIRECTION, split


@pytest.fixture
def rows():
    return np.linalg.qr(np.random.default_rng(0).standard_normal((30, 6)))[0].T.copy()


@pytest.mark.parametrize("angle", [1.0, 1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("scale", [1e-140, 1.0, 1e140])
def test_the_parts_add_up_and_the_remainder_is_orthogonal_to_rounding(rows, angle, scale):
    rng = np.random.default_rng(1)
    v = scale * (rng.standard_normal(6) @ rows + angle * rng.standard_normal(30))
    c, r, u = split(rows, v)
    assert r > 0
    np.testing.assert_allclose(c @ rows + r * u, v, rtol=0, atol=1e-14 * np.linalg.norm(v))
    np.testing.assert_allclose(rows @ u, 0, atol=1e-14)
    np.testing.assert_allclose(u @ u, 1, rtol=1e-14)


def test_rounding_noise_is_no_direction(rows):
    rng = np.random.default_rng(2)
    for _ in range(50):
        v = rng.standard_normal(6) @ rows
        assert split(rows, v)[1] == 0.0
        assert split(rows, v + NEW_DIRECTION / 20 * rng.standard_normal(30))[1] == 0.0


def test_without_rows_everything_is_remainder():
    v = np.array([3.0, 4.0])
    c, r, u = split(np.zeros((0, 2)), v)
    assert len(c) == 0 and r == 5.0
    np.testing.assert_allclose(u, [0.6, 0.8])


def test_of_nothing_nothing_remains(rows):
    c, r, u = split(rows, np.zeros(30))
    assert not c.any() and r == 0.0 and not u.any()
