"""The estimators wrapped for river, which learns a row at a time."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from oco.integrations.sklearn import SketchedClassifier, SketchedPCA, SketchedRegressor

compat = pytest.importorskip("river.compat", reason="needs river")


def stream(n=300):
    rng = np.random.default_rng(0)
    for row in rng.standard_normal((n, 3)):
        yield dict(zip("abc", row.tolist(), strict=True)), float(row @ [1.0, -2.0, 0.5])


def test_a_classifier_in_river():
    model = compat.convert_sklearn_to_river(SketchedClassifier(k=3), classes=[False, True])
    direct = SketchedClassifier(k=3)
    right = []
    for x, score in stream():
        right.append(model.predict_one(x) == (score > 0))
        model.learn_one(x, score > 0)
        direct.partial_fit([list(x.values())], [score > 0], classes=[False, True])
    assert np.mean(right[100:]) > 0.9
    np.testing.assert_array_equal(model.estimator.coef_, direct.coef_)


def test_a_regressor_in_river():
    model = compat.convert_sklearn_to_river(SketchedRegressor(k=3))
    errors = []
    for x, score in stream():
        errors.append(model.predict_one(x) - score)
        model.learn_one(x, score)
    assert np.abs(errors[200:]).mean() < 0.2


def test_river_and_back():
    wrapped = compat.convert_river_to_sklearn(
        compat.convert_sklearn_to_river(SketchedRegressor(k=3))
    )
    rows = np.array([list(x.values()) for x, _ in stream()])
    labels = np.array([score for _, score in stream()])
    wrapped.fit(rows, labels)
    assert np.abs(wrapped.predict(rows) - labels).mean() < 0.2


def test_a_classifier_to_river_and_back():
    wrapped = compat.convert_river_to_sklearn(
        compat.convert_sklearn_to_river(
            SketchedClassifier(learner="ftsl", k=3), classes=[False, True]
        )
    )
    rows = np.array([list(x.values()) for x, _ in stream()])
    labels = np.array([score > 0 for _, score in stream()])
    wrapped.fit(rows, labels)
    assert wrapped.score(rows, labels) > 0.95
    direct = SketchedClassifier(learner="ftsl", k=3).partial_fit(rows, labels, classes=[0, 1])
    # One round at a time, or all in one kernel: the same but for rounding.
    np.testing.assert_allclose(wrapped.instance_.estimator.coef_, direct.coef_, rtol=1e-12)


def test_a_transformer_of_river_in_scikit_learn():
    from oco.integrations.river import RiverPCA

    rows = np.array([list(x.values()) for x, _ in stream()])
    wrapped = compat.convert_river_to_sklearn(RiverPCA(2))
    found = wrapped.fit(rows).transform(rows)
    exact = PCA(2).fit(rows)
    signs = np.sign((wrapped.instance_.components_ * exact.components_).sum(axis=1))
    np.testing.assert_allclose(found * signs, exact.transform(rows), atol=1e-9)


def test_components_of_single_rows():
    rows = np.array([list(x.values()) for x, _ in stream()])
    pca = SketchedPCA(2)
    for row in rows:
        pca.partial_fit(row[None])
    np.testing.assert_array_equal(pca.components_, SketchedPCA(2).partial_fit(rows).components_)
