"""SketchedClassifier and SketchedRegressor: scikit-learn's checks, learners, solvers, bad input."""

import math
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Perceptron,
    QuantileRegressor,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import oco
from oco.integrations.sklearn import SketchedClassifier, SketchedRegressor
from oco.integrations.sklearn.losses import CLASSIFICATION, Huber, Pinball
from oco.integrations.sklearn.player import LEARNERS

# A row of weight 2 is one round with a gradient twice as long, and not two rounds.
UNLIKE = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}


def test_what_is_left_out_scikit_learn_leaves_out_for_its_own():
    instances = pytest.importorskip("sklearn.utils._test_common.instance_generator")
    for theirs in (SGDClassifier, SGDRegressor, Perceptron):
        assert set(instances.PER_ESTIMATOR_XFAIL_CHECKS[theirs]) == UNLIKE


def checks():
    for estimator in (
        SketchedClassifier(),
        SketchedClassifier("hinge", learner="adagrad", average=False),
        SketchedClassifier("softmax", alpha=1e-4, max_iter=5),
        SketchedRegressor(),
        SketchedRegressor("huber", learner="full-adagrad"),
        SketchedRegressor(learner="ftsl"),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for made, check in estimator_checks_generator(estimator, legacy=True):
                if check.func.__name__ not in UNLIKE:
                    yield made, check


@pytest.mark.parametrize(
    "estimator, check",
    list(checks()),
    ids=lambda value: getattr(getattr(value, "func", None), "__name__", None),
)
def test_scikit_learn_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check(estimator)
        except Exception as error:
            if "SCIPY_ARRAY_API is not set" in str(error):
                pytest.skip(str(error))
            raise


def problem(n=200, d=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.6)
    w = rng.standard_normal(d)
    return X, X @ w + 0.5, w


@pytest.mark.parametrize("learner", sorted(set(LEARNERS) - {"ftsl"}))
@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_a_pass_is_a_game_of_the_learner(learner, alpha):
    X, scores, _ = problem()
    y = scores > 0
    weights = np.arange(len(y)) % 3.0
    model = SketchedClassifier(learner=learner, lr=0.3, k=4, alpha=alpha, average=False)
    model.partial_fit(X[:50], y[:50], classes=[False, True], sample_weight=weights[:50])
    model.partial_fit(X[50:], y[50:], sample_weight=weights[50:])
    played = {"s-adagrad": {"k": 4}}.get(learner, {})
    alone = oco.algorithms.ALGORITHMS[learner](7, domain=oco.Euclidean(), lr=0.3, **played)
    points = []
    for row, label, weight in zip(X, np.where(y, 1.0, -1.0), weights, strict=True):
        if weight:
            a = np.append(row, 1.0)
            g = -label * a / (1 + math.exp(label * (a @ alone.x))) * weight
            alone.update(g + alpha * weight * np.append(alone.x[:-1], 0.0))
            points.append(alone.x)
    np.testing.assert_allclose(model.coef_[0], alone.x[:-1], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.intercept_, alone.x[-1:], rtol=1e-9)
    model.average = True
    expected = np.average(points, axis=0, weights=np.arange(1, len(points) + 1))
    np.testing.assert_allclose(model.coef_[0], expected[:-1], rtol=1e-9, atol=1e-12)
    assert model.t_ == len(points)


@pytest.mark.parametrize("learner", ["s-adagrad", "ftsl", "ogd"])
@pytest.mark.parametrize("loss", list(CLASSIFICATION))
def test_sparse_and_dense_rows_teach_the_same(loss, learner):
    X, scores, _ = problem()
    y = np.digitize(scores, [-0.5, 0.5])
    model = SketchedClassifier(loss, learner=learner, random_state=0, max_iter=2)
    dense = clone(model).fit(X, y)
    for kind in (sparse.csr_array, sparse.csc_matrix):
        other = clone(model).fit(kind(X), y)
        np.testing.assert_allclose(other.coef_, dense.coef_, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(other.predict(kind(X)), dense.predict(X))


def test_the_default_rate_knows_units():
    X, scores, _ = problem()
    y = scores > 0
    for learner in LEARNERS:
        model = SketchedClassifier(learner=learner, fit_intercept=False, random_state=0)
        plain = clone(model).fit(X, y)
        scaled = clone(model).fit(1000 * X, y)
        np.testing.assert_allclose(1000 * scaled.coef_, plain.coef_, rtol=1e-6)
        model = SketchedRegressor(learner=learner, fit_intercept=False, random_state=0)
        plain = clone(model).fit(X, scores)
        scaled = clone(model).fit(X, 1000 * scores)
        np.testing.assert_allclose(scaled.coef_, 1000 * plain.coef_, rtol=1e-6)


def test_it_finds_what_a_solver_finds():
    X, scores, _ = problem(n=500)
    y = scores + np.random.default_rng(1).logistic(size=500) > 0
    exact = LogisticRegression(C=np.inf, tol=1e-8).fit(X, y)
    best = log_loss(y, exact.predict_proba(X))
    for loss in ("logistic", "softmax"):
        model = SketchedClassifier(loss, max_iter=100, tol=None, random_state=0).fit(X, y)
        assert best <= log_loss(y, model.predict_proba(X)) < best + 1e-3
        np.testing.assert_allclose(model.coef_, exact.coef_, atol=0.1)


def test_losses_of_the_regressor():
    X, scores, _ = problem(n=500)
    y = scores + np.random.default_rng(1).standard_t(3, size=500)
    model = SketchedRegressor(max_iter=100, tol=None, random_state=0)
    squared = clone(model).fit(X, y)
    exact = LinearRegression().fit(X, y)
    np.testing.assert_allclose(squared.coef_, exact.coef_, atol=0.05)
    for quantile in (0.5, 0.9):
        fitted = clone(model).set_params(loss="pinball", quantile=quantile).fit(X, y)
        exact = QuantileRegressor(quantile=quantile, alpha=0.0).fit(X, y)
        loss = Pinball(quantile)
        ours, best = (loss.value(m.predict(X), y).mean() for m in (fitted, exact))
        assert best <= ours + 1e-9 and ours < 1.02 * best
    median = clone(model).set_params(loss="absolute").fit(X, y)
    assert (
        np.abs(median.predict(X) - y).mean()
        < 1.02 * np.abs(QuantileRegressor(alpha=0.0).fit(X, y).predict(X) - y).mean()
    )
    fitted = clone(model).set_params(loss="huber", epsilon=0.7).fit(X, y)
    huber = Huber(0.7)
    found = minimize(lambda w: huber.value(X @ w[:-1] + w[-1], y).mean(), np.zeros(7))
    assert found.fun <= huber.value(fitted.predict(X), y).mean() + 1e-9 < 1.01 * found.fun


@pytest.mark.parametrize("loss", [Huber(0.7), Pinball(0.3)])
def test_slopes_are_those_of_the_loss(loss):
    z = np.linspace(-3, 3, 101) + 0.0123
    slopes = (loss.value(z + 1e-6, 0.0) - loss.value(z - 1e-6, 0.0)) / 2e-6
    np.testing.assert_allclose(loss.derivative(z, 0.0), slopes, atol=1e-6)


def test_classes_weights_and_probabilities():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    for loss in ("logistic", "softmax"):
        model = SketchedClassifier(loss, random_state=0, max_iter=5).fit(X_train, y_train)
        assert model.score(X_test, y_test) > 0.93
        proba = model.predict_proba(X_test)
        np.testing.assert_allclose(proba.sum(axis=1), 1.0)
        np.testing.assert_array_equal(model.classes_[proba.argmax(axis=1)], model.predict(X_test))
        assert model.coef_.shape == (10, 64) and model.intercept_.shape == (10,)
    assert not hasattr(SketchedClassifier("hinge"), "predict_proba")
    y = np.array(["no"] * 90 + ["yes"] * 10)
    X = np.random.default_rng(0).standard_normal((100, 2)) + 0.8 * (y == "yes")[:, None]
    plain, balanced = (
        SketchedClassifier(class_weight=weight, random_state=0).fit(X, y)
        for weight in (None, "balanced")
    )
    assert (balanced.predict(X) == "yes").sum() > (plain.predict(X) == "yes").sum()
    given = SketchedClassifier(class_weight={"no": 100 / 180, "yes": 5.0}, random_state=0)
    np.testing.assert_allclose(given.fit(X, y).coef_, balanced.coef_)
    by_row = SketchedClassifier(random_state=0)
    by_row.fit(X, y, sample_weight=np.where(y == "yes", 5.0, 100 / 180))
    np.testing.assert_allclose(by_row.coef_, balanced.coef_)


def test_epochs_end():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    free = SketchedClassifier(max_iter=30, tol=None, random_state=0).fit(X, y)
    assert free.n_iter_ == 30 and free.t_ == 30 * len(y)
    assert SketchedClassifier(max_iter=500, tol=0.1, random_state=0).fit(X, y).n_iter_ < 100
    stopped = SketchedClassifier(max_iter=500, early_stopping=True, random_state=0).fit(X, y)
    assert stopped.n_iter_ < 500 and stopped.t_ < stopped.n_iter_ * len(y)
    again = SketchedClassifier(max_iter=500, early_stopping=True, random_state=0).fit(X, y)
    np.testing.assert_array_equal(stopped.coef_, again.coef_)


def test_a_ball_keeps_the_weights():
    X, scores, _ = problem()
    for learner in ("s-adagrad", "ftsl", "adagrad"):
        model = SketchedRegressor(learner=learner, radius=0.5, average=False, random_state=0)
        model.fit(X, scores)
        weights = np.append(model.coef_, model.intercept_)
        assert 0.49 < np.linalg.norm(weights) <= 0.5 + 1e-12


def test_the_ecosystem():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    pipeline = make_pipeline(StandardScaler(), SketchedClassifier(max_iter=3, random_state=0))
    grid = {"sketchedclassifier__learner": ["s-adagrad", "adagrad"]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(X, y)
    assert search.best_score_ > 0.9
    frame = pd.DataFrame({"a": [0.0, 1.0], "b": [1.0, 0.0]})
    model = SketchedRegressor().partial_fit(frame, [0.0, 1.0])
    assert list(model.feature_names_in_) == ["a", "b"]
    again = pickle.loads(pickle.dumps(model)).partial_fit(frame, [1.0, 2.0])
    np.testing.assert_array_equal(again.coef_, model.partial_fit(frame, [1.0, 2.0]).coef_)


def test_bad_input():
    X, scores, _ = problem(20)
    y = (scores > 0).astype(int)
    model = SketchedClassifier()
    with pytest.raises(NotFittedError, match="This SketchedClassifier instance is not fitted yet"):
        model.predict(X)
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        model.partial_fit(X, y)
    with pytest.raises(ValueError, match="number of classes has to be greater than one; got 1"):
        model.fit(X, np.ones(20, dtype=int))
    model.partial_fit(X, y, classes=[0, 1])
    before = model.coef_.copy()
    with pytest.raises(
        ValueError, match=r"target label\(s\) \[2\] in y do not exist in the initial"
    ):
        model.partial_fit(X, y + 1)
    with pytest.raises(ValueError, match="X has 5 features, but SketchedClassifier is expecting 6"):
        model.partial_fit(X[:, :5], y)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.partial_fit(np.full((1, 6), np.nan), [0])
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        model.partial_fit(X, y, sample_weight=-np.ones(20))
    np.testing.assert_array_equal(model.coef_, before)
    with pytest.raises(
        ValueError, match="class_weight 'balanced' is not supported for partial_fit"
    ):
        SketchedClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1])
    for parameters in ({"loss": "log"}, {"k": 1}, {"lr": 0.0}, {"learner": "sgd"}, {"alpha": -1}):
        (name,) = parameters
        with pytest.raises(ValueError, match=f"The '{name}' parameter of SketchedClassifier must"):
            SketchedClassifier(**parameters).fit(X, y)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        SketchedRegressor().fit(X, np.full(20, np.nan))
