"""The rate of a learner that is given none: its formula, its units, and that it needs no tuning."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss

from oco.integrations.sklearn import SketchedClassifier, SketchedRegressor, rates
from oco.integrations.sklearn.losses import CLASSIFICATION, REGRESSION, regression_loss
from oco.integrations.sklearn.player import LEARNERS
from oco.integrations.sklearn.rates import CHANGE, AdaptiveRate, squared_sizes
from oco.linalg.engine import ENGINE

LOSSES = [CLASSIFICATION["logistic"], *(regression_loss(name, 1.0, 0.3) for name in REGRESSION)]


def rows_of(n=60, d=5):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.5) * rng.exponential(size=(n, 1))
    X[:3] = 0.0
    return X, rng.standard_normal(n)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("by_coordinates", [True, False])
def test_sizes(by_coordinates, intercept):
    X, _ = rows_of()
    added = np.hstack([X, np.ones((len(X), 1))]) if intercept else X
    sums = np.abs(added).sum(axis=1) ** 2 if by_coordinates else (added**2).sum(axis=1)
    for rows in (X, sparse.csr_array(X), X.astype(np.float32)):
        found = squared_sizes(rows, intercept, by_coordinates)
        np.testing.assert_allclose(found, sums, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("learner", LEARNERS)
def test_the_rate_is_near_its_formula_and_knows_no_batches(learner, loss):
    X, y = rows_of()
    order = np.random.default_rng(1).permutation(len(X))
    rate = AdaptiveRate(learner, loss, False)
    whole = rate.follow(X, order, y[order])
    again, parts = AdaptiveRate(learner, loss, False), []
    for part in np.array_split(order, 9):
        parts.append(again.follow(X, part, y[part]))
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    size = np.abs(X).sum(axis=1) if learner == "adagrad" else np.linalg.norm(X, axis=1)
    label = np.abs(y) if loss.labels == "real" else np.ones(len(y))
    for t in range(10, len(order)):
        seen = order[: t + 1]
        label_rms, size_rms = (np.sqrt(np.mean(v[seen] ** 2)) for v in (label, size))
        expected = rate.factor * rates.RATE * label_rms / size_rms
        if learner == "ogd":
            steepest = {"squared": label_rms, "huber": min(label_rms, 1.0), "pinball": 0.7}
            expected /= steepest.get(loss.name, 1.0) * size_rms
        assert abs(whole[t] / expected - 1) <= 1.01 * CHANGE


def test_rows_of_zeros_have_some_rate():
    rate = AdaptiveRate("ogd", CLASSIFICATION["logistic"], False)
    assert rate.follow(np.zeros((2, 3)), np.arange(2), np.ones(2)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("learner", LEARNERS)
def test_squared_loss_does_not_run_away(learner):
    rng = np.random.default_rng(0)
    X = 100.0 * rng.standard_normal((300, 8)) * rng.exponential(size=(300, 1))
    y = X @ rng.standard_normal(8) + rng.standard_normal(300)
    model = SketchedRegressor(learner=learner, k=4, random_state=0, max_iter=10).fit(X, y)
    assert model.score(X, y) > 0.9


@pytest.mark.skipif(ENGINE != "numba", reason="the same rounds, many times as slowly")
@pytest.mark.parametrize("learner", ["s-adagrad", "adagrad", "ogd"])
def test_digits_need_no_rate(learner, monkeypatch):
    X, y = load_digits(return_X_y=True)
    X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)
    costs = {}
    for factor in (0.25, 1.0, 4.0):
        monkeypatch.setattr(rates, "RATE", 2.0 * factor)
        model = SketchedClassifier(learner=learner, random_state=0).fit(X[:800], y[:800])
        costs[factor] = log_loss(y[800:], model.predict_proba(X[800:]))
    assert costs[1.0] <= 1.25 * min(costs.values())
