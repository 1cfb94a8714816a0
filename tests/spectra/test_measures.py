"""The diagnostics against dense matrices of which the answer is known."""

import numpy as np
import pytest

from oco import spectra


def rotation(d, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]


def covariance(eigenvalues, seed=0):
    q = rotation(len(eigenvalues), seed)
    return (q * eigenvalues) @ q.T


@pytest.mark.parametrize("eigenvalues", [np.ones(12), 0.5 ** np.arange(12), np.eye(12)[3]])
def test_intrinsic_dimension_and_top_mass_of_a_matrix(eigenvalues):
    matrix = covariance(eigenvalues)
    computed = np.linalg.eigvalsh(matrix).clip(0)
    # tr C/‖C‖_2, with the norm from singular values.
    expected = np.trace(matrix) / np.linalg.norm(matrix, 2)
    assert spectra.intrinsic_dimension(computed) == pytest.approx(expected, rel=1e-12)
    # The largest tr(P C) over projections P of rank q is that on the top q eigenvectors.
    vectors = np.linalg.eigh(matrix)[1][:, -3:]
    captured = np.trace(vectors.T @ matrix @ vectors) / np.trace(matrix)
    assert spectra.top_mass(computed, 3) == pytest.approx(captured, rel=1e-12)
    assert spectra.top_mass(computed, 12) == pytest.approx(1.0)


def test_extremes():
    assert spectra.intrinsic_dimension(np.ones(7)) == 7
    assert spectra.intrinsic_dimension(np.eye(7)[2]) == 1
    assert spectra.top_mass(np.ones(8), spectra.top_count(8)) == 0.25
    assert spectra.intrinsic_dimension(np.zeros(3)) == 0 and spectra.top_mass(np.zeros(3), 1) == 1
    assert spectra.directions_for(np.zeros(3), 0.9) == 0


def test_the_least_number_of_directions_that_hold_a_mass():
    eigenvalues = np.array([1.0, 8.0, 0.5, 0.5])
    needed = {0.1: 1, 0.8: 1, 0.81: 2, 0.9: 2, 0.95: 3, 1.0: 4}
    for mass, count in needed.items():
        assert spectra.directions_for(eigenvalues, mass) == count
        assert spectra.top_mass(eigenvalues, count) >= mass
        assert count == 1 or spectra.top_mass(eigenvalues, count - 1) < mass


def test_overlap_is_the_mean_squared_cosine_of_the_principal_angles():
    first, second = rotation(9, 1)[:4], rotation(9, 2)[:4]
    cosines = np.linalg.svd(first @ second.T, compute_uv=False)
    assert spectra.overlap(first, second) == pytest.approx(np.mean(cosines**2), rel=1e-12)
    # It belongs to the subspaces: another basis of one of them changes nothing.
    turned = rotation(4, 3) @ first
    assert spectra.overlap(first, turned) == pytest.approx(1.0, rel=1e-12)
    assert spectra.overlap(turned, second) == pytest.approx(spectra.overlap(first, second))
    assert spectra.overlap(np.eye(4)[:2], np.eye(4)[2:]) == 0


def test_random_subspaces_overlap_by_q_over_d():
    overlaps = [
        spectra.overlap(rotation(20, 2 * i)[:5], rotation(20, 2 * i + 1)[:5]) for i in range(200)
    ]
    assert np.mean(overlaps) == pytest.approx(5 / 20, abs=0.01)


def test_what_is_wrong_is_refused():
    with pytest.raises(ValueError, match="q: expected an integer from 1 to 3, got 4"):
        spectra.top_mass(np.ones(3), 4)
    with pytest.raises(ValueError, match="mass: expected a finite number > 0"):
        spectra.directions_for(np.ones(3), 0)
    with pytest.raises(ValueError, match="as many directions"):
        spectra.overlap(np.eye(3)[:1], np.eye(3))
