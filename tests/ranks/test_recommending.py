"""An advice is the same, and true, whatever the rows come in."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.decomposition import PCA

from oco.integrations.sklearn import SketchedClassifier, SketchedPCA, SketchedRegressor
from oco.ranks import recommend
from oco.sketch import FrequentDirections

D = 30


def rows_of(n=300, d=D, base=0.8, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d)) * base ** np.arange(d)


def needed(rows, error):
    """Return the smallest k whose best k − 1 directions miss so much at most."""
    values = np.linalg.svd(rows, compute_uv=False) ** 2
    return 2 + int(np.argmax(1 - np.cumsum(values) / values.sum() <= error))


@pytest.mark.parametrize("error", [0.5, 0.1, 0.01, 1e-4])
def test_one_percent_reconstruction_error(error):
    rows = rows_of()
    advice = recommend(rows, error=error)
    assert advice.recommended.k == needed(rows, error) and advice.error == error
    best = np.linalg.svd(rows, full_matrices=False)[2][: advice.recommended.k - 1]
    assert ((rows - rows @ best.T @ best) ** 2).sum() <= error * (rows**2).sum() * (1 + 1e-12)


def test_a_sketch_that_loses_mass_proves_no_less_than_is_true():
    rows = rows_of(base=0.93)
    for error in (0.3, 0.1):
        advice = recommend(rows, error=error, k_max=20)
        assert advice.escaped_mass > 0
        for choice in advice.choices:
            values = np.linalg.svd(rows, compute_uv=False) ** 2
            missed = 1 - values[: choice.k - 1].sum() / values.sum()
            assert choice.missed_lo <= missed <= choice.missed_hi
        if advice.recommended is not None:
            assert advice.recommended.k >= needed(rows, error)
        if advice.hopeless:
            assert needed(rows, error) > 20


def test_the_sketch_grows_until_it_is_proven():
    rows = rows_of(400, 200, base=0.995)
    few = recommend(rows, error=0.05, k_max=128)
    assert few.recommended is None
    advice = recommend(rows, error=0.05)
    assert advice.size == 201 and advice.recommended.k == needed(rows, 0.05)
    assert recommend(rows, target=1.001).size == 201


def test_whatever_the_rows_come_in(tmp_path):
    rows = rows_of()
    rows[np.abs(rows) < 0.05] = 0.0
    expected = recommend(rows)
    assert expected.recommended is not None
    np.save(tmp_path / "rows.npy", rows)
    frame = pd.DataFrame(rows)
    sketch = FrequentDirections(D, D + 1)
    sketch.update(rows)
    for given in (
        *(rows.tolist(), frame, sparse.csr_array(rows), sparse.csc_matrix(rows), sketch),
        *(tmp_path / "rows.npy", str(tmp_path / "rows.npy")),
    ):
        advice = recommend(given)
        assert advice.recommended.k == expected.recommended.k and advice.rows == 300
        np.testing.assert_allclose(advice.recommended.ratio_hi, expected.recommended.ratio_hi)
    narrow = recommend(rows.astype(np.float32))
    assert narrow.recommended.k == expected.recommended.k


def test_dask_collections():
    array = pytest.importorskip("dask.array")
    rows = rows_of()
    chunked = array.from_array(rows, chunks=(70, 11))
    assert recommend(chunked, error=0.01).recommended.k == needed(rows, 0.01)
    frames = pytest.importorskip("dask.dataframe")
    frame = frames.from_pandas(pd.DataFrame(rows), npartitions=3)
    assert recommend(frame, error=0.01).recommended.k == needed(rows, 0.01)


def test_what_an_estimator_has_seen():
    rows = rows_of() + 5.0
    centred = rows - rows.mean(axis=0)
    pca = SketchedPCA(20).fit(rows)
    assert recommend(pca, error=0.02).recommended.k == needed(centred, 0.02)
    assert SketchedPCA(error=0.02).fit(rows).sketch_size_ >= needed(centred, 0.02)
    lossy = SketchedPCA(4, sketch_size=12, batch_size=15).fit(rows)
    assert lossy.escaped_mass_ > 0
    exact = 1 - np.cumsum(PCA().fit(rows).explained_variance_ratio_)
    for choice in recommend(lossy, error=0.02).choices:
        assert choice.missed_lo <= exact[choice.k - 2] <= choice.missed_hi
    y = rows[:, 0] > 5
    for learner in ("s-adagrad", "ftsl"):
        model = SketchedClassifier(learner=learner, k=8, average=False, lr=0.3)
        gradients = []
        for row, label in zip(rows, y, strict=True):
            before = model._players[0].point if hasattr(model, "_players") else None
            model.partial_fit(row[None], [label], classes=[False, True])
            gradients.append(model._players[0].sketch.total_mass)
            assert before is None or len(before) == D + 1
        advice = recommend(model, target=30.0)
        assert advice.size == 8 and advice.d == D + 1
        np.testing.assert_allclose(advice.total_mass, gradients[-1])
    many = SketchedClassifier("hinge", k=20).fit(rows, np.arange(300) % 3)
    sizes = [recommend(sketch, error=0.1).recommended.k for sketch in many.sketches_]
    assert len(sizes) == 3 and recommend(many, error=0.1).recommended.k == max(sizes)


def test_bad_input():
    rows = rows_of()
    for given, options, message in (
        (rows, {"error": 0.0}, r"error: expected .* got 0"),
        (rows, {"error": 1.0}, r"error: expected .* got 1"),
        (rows, {"target": 1.0}, r"target: expected .* got 1"),
        (rows, {"k_max": 32}, r"k_max: expected an integer from 2 to 31, got 32"),
        (rows[0], {}, r"gradients: expected an array of shape \(T, d\), got shape \(30,\)"),
        (rows[:0], {}, r"gradients: expected an array of shape \(T, d\), got shape \(0, 30\)"),
        (rows * np.nan, {}, r"gradients: expected finite numbers, got nan"),
        (0 * rows, {}, r"gradients: every row is 0"),
        (FrequentDirections(3, 2), {"k_max": 2}, r"k_max: expected None for a sketch"),
    ):
        with pytest.raises(ValueError, match=message):
            recommend(given, **options)
    for estimator in (SketchedRegressor(), SketchedRegressor(learner="ogd").fit(rows, rows[:, 0])):
        with pytest.raises(TypeError, match="gradients: expected rows, or an estimator that has"):
            recommend(estimator)
    with pytest.raises(FileNotFoundError, match=r"no\.npy: no such file"):
        recommend("no.npy")
