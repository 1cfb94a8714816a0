"""What rows may come in: sparse matrices, memory maps, data frames, Dask collections."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone

from oco.integrations.sklearn import SketchedPCA

FITTED = (
    "components_",
    "explained_variance_",
    "explained_variance_ratio_",
    "singular_values_",
    "mean_",
    "noise_variance_",
)


def rows_of(n=400, d=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) * 0.7 ** np.arange(d) + 3.0 * rng.standard_normal(d)


@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix])
@pytest.mark.parametrize("center", [True, False])
def test_sparse_rows(make, center):
    rows = sparse.random(200, 50, 0.1, random_state=np.random.default_rng(0)).toarray()
    ours = SketchedPCA(3, batch_size=30, center=center).fit(make(rows))
    dense = SketchedPCA(3, batch_size=30, center=center).fit(rows)
    for name in FITTED:
        np.testing.assert_allclose(getattr(ours, name), getattr(dense, name), atol=1e-10)
    np.testing.assert_allclose(ours.transform(make(rows)), dense.transform(rows), atol=1e-10)


def test_sparse_rows_are_never_made_dense():
    n, d = 1000, 100_000
    rows = sparse.random(n, d, 1e-4, format="csr", random_state=np.random.default_rng(0))
    tracemalloc.start()
    SketchedPCA(2).fit(rows).transform(rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A block of rows, 8 · 14 of them, would be 90 MB by itself, all of them 800 MB.
    assert peak < 80e6


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
def test_memory_maps(tmp_path, dtype, monkeypatch):
    monkeypatch.setattr("oco.integrations.sklearn.chunks.WINDOW", 500)
    rows = (10 * rows_of(300, 30)).astype(dtype)
    mapped = np.memmap(tmp_path / "rows", dtype=dtype, mode="w+", shape=rows.shape)
    mapped[:] = rows
    weights = np.arange(300) % 3
    ours = SketchedPCA(4).fit(mapped, sample_weight=weights)
    held = SketchedPCA(4).fit(rows, sample_weight=weights)
    np.testing.assert_array_equal(ours.components_, held.components_)
    assert ours.n_samples_seen_ == 300
    mapped[299] = 1
    np.testing.assert_allclose(ours.transform(mapped), held.transform(np.asarray(mapped)))


def test_data_frames():
    frame = pd.DataFrame(rows_of(60, 4), columns=list("abcd"))
    pca = SketchedPCA(2).set_output(transform="pandas")
    out = pca.fit_transform(frame)
    assert (
        list(out.columns) == ["sketchedpca0", "sketchedpca1"] and (out.index == frame.index).all()
    )
    assert list(pca.feature_names_in_) == list("abcd")
    with pytest.raises(ValueError, match="feature names should match"):
        pca.transform(frame[list("bacd")])


@pytest.mark.parametrize("decay", [1.0, 0.99])
def test_dask_arrays(decay):
    array = pytest.importorskip("dask.array")
    rows = rows_of(500, 40)
    weights = np.random.default_rng(0).uniform(0.0, 2.0, 500)
    chunked = array.from_array(rows, chunks=(60, 17))
    pca = SketchedPCA(3, sketch_size=12, batch_size=20, decay=decay)
    ours = clone(pca).fit(chunked, sample_weight=weights)
    whole = clone(pca).set_params(sketch_size=41).fit(rows, sample_weight=weights)
    assert ours.n_samples_seen_ == 500 and ours.escaped_mass_ > 0
    np.testing.assert_allclose(ours.mean_, whole.mean_, rtol=1e-12)
    low, high = ours.explained_variance_interval_.T
    assert (low <= whole.explained_variance_).all() and (whole.explained_variance_ <= high).all()
    out = ours.transform(chunked)
    assert isinstance(out, array.Array) and out.shape == (500, 3)
    np.testing.assert_allclose(out.compute(), ours.transform(rows), atol=1e-12)
    both = clone(pca).partial_fit(chunked[:240]).partial_fit(chunked[240:])
    assert both.n_samples_seen_ == 500
    lazy = array.from_array(weights, chunks=60)
    again = clone(pca).fit(chunked, sample_weight=lazy)
    np.testing.assert_array_equal(again.components_, ours.components_)


def test_dask_data_frames():
    frames = pytest.importorskip("dask.dataframe")
    frame = pd.DataFrame(rows_of(100, 4), columns=list("abcd"))
    parts = frames.from_pandas(frame, npartitions=4)
    pca = SketchedPCA(2).fit(parts)
    assert list(pca.feature_names_in_) == list("abcd")
    out = pca.transform(parts)
    assert list(out.columns) == ["sketchedpca0", "sketchedpca1"]
    np.testing.assert_allclose(out.compute(), pca.transform(frame), atol=1e-12)


def test_bad_dask_collections():
    array = pytest.importorskip("dask.array")
    pca = SketchedPCA(2)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        pca.fit(array.full((10, 3), np.nan, chunks=(5, 3)))
    assert not hasattr(pca, "components_")
    with pytest.raises(ValueError, match="Expected 2D array"):
        pca.fit(array.ones(10, chunks=5))
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(3,\)"):
        pca.fit(array.ones((10, 3), chunks=(5, 3)), sample_weight=[1, 2, 3])
    pca.fit(array.random.random((10, 3), chunks=(5, 3)))
    with pytest.raises(ValueError, match="X has 4 features, but SketchedPCA is expecting 3"):
        pca.partial_fit(array.ones((10, 4), chunks=(5, 4)))
