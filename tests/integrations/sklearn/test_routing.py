"""Weights find their way through pipelines and searches, where metadata routing is on."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.decomposition import PCA
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from oco.integrations.sklearn import SketchedClassifier, SketchedPCA, SketchedRegressor


@pytest.fixture(autouse=True)
def _routing():
    with config_context(enable_metadata_routing=True):
        yield


def rows_of(n=120):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 5)) + 1.0
    return X, X @ np.arange(5.0) + rng.standard_normal(n), np.arange(n) % 4 + 0.0


@pytest.mark.parametrize("estimator", [SketchedClassifier, SketchedRegressor])
def test_through_a_pipeline_to_a_model(estimator):
    X, y, weights = rows_of()
    y = y > y.mean() if estimator is SketchedClassifier else y
    asking = estimator(random_state=0).set_fit_request(sample_weight=True)
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    found = make_pipeline(scaler, asking).fit(X, y, sample_weight=weights)
    scaled = StandardScaler().fit_transform(X)
    alone = estimator(random_state=0).fit(scaled, y, sample_weight=weights)
    np.testing.assert_array_equal(found[-1].coef_, alone.coef_)
    assert not np.allclose(alone.coef_, estimator(random_state=0).fit(scaled, y).coef_)
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        make_pipeline(scaler, estimator()).fit(X, y, sample_weight=weights)


def test_through_a_pipeline_to_components():
    X, y, weights = rows_of()
    pca = SketchedPCA(2).set_fit_request(sample_weight=True)
    model = LinearRegression().set_fit_request(sample_weight=False)
    found = make_pipeline(pca, model).fit(X, y, sample_weight=weights)[0]
    exact = PCA(2).fit(np.repeat(X, weights.astype(int), axis=0))
    np.testing.assert_allclose(found.explained_variance_, exact.explained_variance_)
    np.testing.assert_allclose(found.mean_, exact.mean_)


def test_through_a_search_and_to_the_score():
    X, y, weights = rows_of()
    asking = SketchedRegressor(random_state=0, max_iter=3)
    asking.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    search = GridSearchCV(asking, {"learner": ["adagrad", "ftsl"]}, cv=2)
    best = search.fit(X, y, sample_weight=weights).best_estimator_
    np.testing.assert_array_equal(best.coef_, best.fit(X, y, sample_weight=weights).coef_)
    scores = cross_validate(asking, X, y, cv=2, params={"sample_weight": weights})["test_score"]
    half = np.arange(120) < 60
    one = asking.fit(X[~half], y[~half], sample_weight=weights[~half])
    assert scores[0] == one.score(X[half], y[half], sample_weight=weights[half])


def test_to_partial_fit():
    asks = SketchedClassifier().set_partial_fit_request(sample_weight=True, classes=True)
    assert asks.get_metadata_routing().partial_fit.requests == {
        "sample_weight": True,
        "classes": True,
    }
    assert SketchedPCA().get_metadata_routing().partial_fit.requests == {"sample_weight": None}
