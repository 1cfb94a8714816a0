"""Spectra of the gradients, against dense covariances."""

import numpy as np
import pytest

from oco import gradients
from oco.gradients import axis_spectra, gradient_spectra
from oco.losses import STREAMS, Recorded


@pytest.mark.parametrize("d, T", [(5, 1500), (40, 25), (30, 1100)])
def test_spectra_are_those_of_the_dense_covariance(d, T):
    stream = STREAMS["rademacher"](d=d, T=T, seed=1)
    slopes = np.random.default_rng(0).standard_normal(T)
    checkpoints = np.unique(np.geomspace(1, T, 12).astype(int))
    recorded = Recorded(stream, np.ones(T))
    rows = np.concatenate([features for features, _ in stream.chunks()]) * slopes[:, None]
    spectra = gradient_spectra(recorded, slopes, checkpoints)
    assert len(spectra) == len(checkpoints)
    for t, spectrum in zip(checkpoints, spectra, strict=True):
        exact = np.linalg.eigvalsh(rows[:t].T @ rows[:t])[::-1][: min(t, d)]
        np.testing.assert_allclose(spectrum, exact, atol=1e-11 * exact[0])


def rows_of(stream, slopes):
    """Return the gradients as rows, one at a time."""
    features = np.concatenate([features for features, _ in stream.chunks()])
    return np.array(
        [np.multiply.outer(u, a).ravel() for u, a in zip(slopes, features, strict=True)]
    )


@pytest.mark.parametrize("name", ["matrix-lowrank", "multiclass"])
def test_spectra_along_the_axes_are_those_of_the_dense_factors(name):
    shape, T = (4, 6), 1100
    stream, rng = STREAMS[name](shape=shape, T=T), np.random.default_rng(0)
    slopes = rng.standard_normal(T if stream.outputs is None else (T, 4))
    checkpoints = [1, 3, 1024, 1025, T]
    recorded = Recorded(stream, np.ones(T))
    gradients = rows_of(stream, slopes).reshape(-1, *shape)
    for t, (left, right) in zip(
        checkpoints, axis_spectra(recorded, slopes, checkpoints, shape), strict=True
    ):
        L = np.einsum("tij,tkj->ik", gradients[:t], gradients[:t])
        R = np.einsum("tji,tjk->ik", gradients[:t], gradients[:t])
        np.testing.assert_allclose(left, np.linalg.eigvalsh(L)[::-1], atol=1e-11 * left[0])
        np.testing.assert_allclose(right, np.linalg.eigvalsh(R)[::-1], atol=1e-11 * right[0])


def test_spectra_of_gradients_that_are_outer_products():
    stream, T = STREAMS["multiclass"](shape=(3, 4), T=50), 50
    slopes = np.random.default_rng(0).standard_normal((T, 3))
    rows = rows_of(stream, slopes)
    for t, spectrum in zip(
        (5, T), gradient_spectra(Recorded(stream, np.ones(T)), slopes, [5, T]), strict=True
    ):
        exact = np.linalg.eigvalsh(rows[:t].T @ rows[:t])[::-1][: min(t, 12)]
        np.testing.assert_allclose(spectrum, exact, atol=1e-11 * exact[0])


def test_many_checkpoints_do_not_wait_in_memory(monkeypatch):
    stream, T = STREAMS["rademacher"](d=3, T=400), 400
    waiting, most, before = 0, 0, gradients.descending

    def made(*arguments):
        nonlocal waiting, most
        for matrix in covariances(*arguments):
            waiting += 1
            most = max(most, waiting)
            yield matrix

    def descending(matrix):
        nonlocal waiting
        waiting -= 1
        return before(matrix)

    covariances = gradients.covariances
    monkeypatch.setattr(gradients, "covariances", made)
    monkeypatch.setattr(gradients, "descending", descending)
    spectra = gradient_spectra(Recorded(stream, np.ones(T)), np.ones(T), np.arange(1, T + 1))
    assert most <= gradients.WAITING + gradients.WORKERS + 2
    assert [len(spectrum) for spectrum in spectra[:4]] == [1, 2, 3, 3]
    totals = np.array([spectrum.sum() for spectrum in spectra])
    np.testing.assert_allclose(np.diff(totals), 1.0, rtol=1e-9)
