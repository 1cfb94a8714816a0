from __future__ import annotations

import math

import numpy as np
import pytest

from oco.losses import rotation
from oco.losses.rotation import RandomRotation

DIMENSIONS = [1, 2, 3, 7, 16, 97, 210]
# Orthogonality after two transforms of length d: a few roundings a stage, log₂ d stages.
ACCURACY = 1e-13


def dense(Q: RandomRotation) -> np.ndarray:
    return Q.apply(np.eye(Q.d)).T


@pytest.mark.parametrize("d", DIMENSIONS)
def test_it_is_orthogonal(d):
    Q = dense(RandomRotation(d, seed=4))
    np.testing.assert_allclose(Q.T @ Q, np.eye(d), atol=ACCURACY)
    np.testing.assert_allclose(Q @ Q.T, np.eye(d), atol=ACCURACY)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_it_is_the_matrix_product(d):
    Q = RandomRotation(d, seed=5)
    rows = np.random.default_rng(0).normal(size=(11, d))
    before = rows.copy()
    np.testing.assert_allclose(Q.apply(rows), rows @ dense(Q).T, atol=ACCURACY * 10)
    np.testing.assert_array_equal(rows, before)


def test_one_round_is_permutation_signs_cosines():
    Q = RandomRotation(6, seed=9)
    k, j = np.arange(6)[:, None], np.arange(6)[None, :]
    cosines = np.sqrt(2 / 6) * np.cos(np.pi * k * (j + 0.5) / 6)
    cosines[0] /= math.sqrt(2)
    expected = np.eye(6)
    for permutation, signs in zip(Q._permutations, Q._signs, strict=True):
        assert sorted(permutation) == list(range(6))
        assert set(np.abs(signs)) == {1.0}
        expected = cosines @ np.diag(signs) @ np.eye(6)[permutation] @ expected
    np.testing.assert_allclose(dense(Q), expected, atol=ACCURACY)


def test_columns():
    Q = RandomRotation(8, seed=1)
    np.testing.assert_allclose(Q.columns(np.array([3, 0, 3])), dense(Q)[:, [3, 0, 3]].T, atol=0)


def test_no_entry_stands_out():
    d = 512
    entries = dense(RandomRotation(d, seed=2)) * math.sqrt(d)
    # As for Gaussian entries: the largest of d² is about √(2 log d²) ≈ 5, the kurtosis 3.
    assert np.max(np.abs(entries)) < 7
    assert np.mean(entries**4) == pytest.approx(3, abs=0.1)


def test_seeds_differ_and_repeat():
    rows = np.eye(32)
    np.testing.assert_array_equal(
        RandomRotation(32, 7).apply(rows), RandomRotation(32, 7).apply(rows)
    )
    assert np.abs(RandomRotation(32, 7).apply(rows) - RandomRotation(32, 8).apply(rows)).max() > 0.1


def test_cutting_into_blocks_changes_nothing(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(37, 50))
    Q = RandomRotation(50, seed=3)
    whole = Q.apply(rows)
    for numbers in (1, 50 * 2, 50 * 5, 50 * 36):
        monkeypatch.setattr(rotation, "CACHED_NUMBERS", numbers)
        np.testing.assert_array_equal(Q.apply(rows), whole)


@pytest.mark.parametrize("n", [1, 300])
def test_rows_that_do_not_fit_are_refused(n, monkeypatch):
    monkeypatch.setattr(rotation, "CACHED_NUMBERS", 100 * 50)
    with pytest.raises(IndexError):
        RandomRotation(50, seed=3).apply(np.ones((n, 49)))


@pytest.mark.parametrize("d", [0, -3, 2.5])
def test_bad_dimensions(d):
    with pytest.raises((TypeError, ValueError), match=r"^d: expected an integer >= 1"):
        RandomRotation(d, seed=0)
