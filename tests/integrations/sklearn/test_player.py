"""Rounds in kernels: those that are played one by one, whatever the rows, and where they stop."""

import numpy as np
import pytest
from scipy import sparse

from oco.integrations.sklearn import SketchedClassifier, SketchedRegressor
from oco.integrations.sklearn.player import WINDOW, Player, new_learner
from oco.integrations.sklearn.rates import AdaptiveRate
from oco.losses import LOSSES


class InTurn(Player):
    """A player that knows no kernel."""

    _plays_in_kernels = False


def stream(n=400, d=6, seed=0):
    """Rows whose lengths change, so that the rate does."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.6)
    X[n // 2 :] *= 30.0
    return X, X @ rng.standard_normal(d) + 0.5


@pytest.mark.parametrize("lr", [None, 0.2])
@pytest.mark.parametrize("radius", [None, 0.3])
@pytest.mark.parametrize("name", ["logistic", "hinge", "squared", "absolute"])
@pytest.mark.parametrize("learner", ["s-adagrad", "ftsl", "adagrad", "ogd"])
def test_kernels_play_what_is_played_in_turn(learner, name, radius, lr):
    if learner == "ogd" and name == "squared" and lr:
        pytest.skip("such a rate does not converge")
    X, scores = stream()
    loss = LOSSES[name]
    y = np.sign(scores) if loss.labels != "real" else scores
    weights = (np.arange(len(y)) % 4 > 0).astype(float)
    for rows in (X, sparse.csr_array(X), X.astype(np.float32)):
        pair = []
        for kind in (Player, InTurn):
            rate = AdaptiveRate(learner, loss, True) if lr is None else None
            pair.append(kind(new_learner(learner, 7, 4, radius, lr), loss, 1, rate, 0.0, True))
        assert pair[0]._plays_in_kernels
        for part in (np.arange(150), np.arange(150, 400)[::-1]):
            costs = [player.play(rows, y, weights, part) for player in pair]
            np.testing.assert_allclose(*costs, rtol=1e-7)
        fast, plain = pair
        assert fast.rounds == plain.rounds == 300
        np.testing.assert_allclose(fast.point, plain.point, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(fast.average, plain.average, rtol=1e-6, atol=1e-9)


def test_what_is_proven_of_rounds_is_the_same(monkeypatch):
    X, scores = stream()
    y = scores > 0
    intervals = []
    for kind in (Player, InTurn):
        monkeypatch.setattr("oco.integrations.sklearn.linear.Player", kind)
        model = SketchedClassifier(k=4, radius=2.0, certify=True)
        for part in (slice(100), slice(100, 400)):
            model.partial_fit(X[part], y[part], classes=[False, True])
        intervals.append(model.regret_interval_)
    np.testing.assert_allclose(*intervals, rtol=1e-6)


def test_many_windows_are_as_one():
    X, scores = stream(n=3 * WINDOW // 100, d=99)
    whole = SketchedRegressor("absolute").partial_fit(X, scores)
    parts = SketchedRegressor("absolute")
    for start in range(0, len(X), 77):
        parts.partial_fit(X[start : start + 77], scores[start : start + 77])
    np.testing.assert_allclose(parts.coef_, whole.coef_, rtol=1e-7, atol=1e-10)
    assert parts.t_ == len(X)


@pytest.mark.parametrize("learner", ["s-adagrad", "ftsl", "adagrad"])
def test_numbers_that_overflow_are_refused_and_nothing_learned(learner):
    X, scores = stream()
    model = SketchedRegressor(learner=learner, lr=0.1).partial_fit(X, scores)
    before = model.coef_.copy()
    X[5] = 1e200
    with pytest.raises((ValueError, FloatingPointError), match=r"g: |lr: |delta: |X: "):
        model.partial_fit(X, scores)
    np.testing.assert_array_equal(model.coef_, before)
    assert model.t_ == len(X)


@pytest.mark.parametrize("learner", ["s-adagrad", "adagrad", "ogd"])
def test_a_feature_twice_in_a_row_counts_as_its_sum(learner):
    rng = np.random.default_rng(0)
    columns, values = rng.integers(5, size=400), rng.standard_normal(400)
    twice = sparse.csr_array((values, columns, np.arange(0, 401, 4)), shape=(100, 5))
    kept = twice.copy()
    y = rng.integers(2, size=100)
    model = SketchedClassifier(learner=learner, random_state=0)
    coef = model.fit(twice, y).coef_
    np.testing.assert_allclose(coef, model.fit(twice.toarray(), y).coef_, rtol=1e-9)
    np.testing.assert_array_equal(twice.indices, kept.indices)
