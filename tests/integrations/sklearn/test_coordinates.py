"""Sparse rounds: those of the learners, at a cost that follows the entries."""

import math
import time

import numpy as np
import pytest
from scipy import sparse

from oco.integrations.sklearn import SketchedClassifier
from oco.integrations.sklearn.coordinates import SPARSE, CoordinatePlayer
from oco.integrations.sklearn.losses import CLASSIFICATION
from oco.integrations.sklearn.player import Player, new_learner
from oco.integrations.sklearn.rates import AdaptiveRate


@pytest.mark.parametrize("lr", [None, 0.2])
@pytest.mark.parametrize("name", ["logistic", "hinge", "softmax"])
@pytest.mark.parametrize("learner", SPARSE)
def test_rounds_are_those_of_the_learner(learner, name, lr):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 6)) * (rng.random((300, 6)) < 0.6)
    loss, outputs = CLASSIFICATION[name], 3 if name == "softmax" else 1
    y = rng.integers(3, size=300) if outputs > 1 else np.sign(X @ rng.standard_normal(6) + 0.5)
    weights = np.arange(300) % 3.0
    fast = CoordinatePlayer(learner, 6, loss, outputs, lr, True)
    plain = new_learner(learner, 7 * outputs, 2, None, lr)
    rate = AdaptiveRate(learner, loss, True) if lr is None else None
    plain = Player(plain, loss, outputs, rate, 0.0, True)
    for rows in (sparse.csr_array(X), X):
        costs = [player.play(rows, y, weights, np.arange(300)) for player in (fast, plain)]
        assert math.isclose(*costs, rel_tol=1e-9)
        np.testing.assert_allclose(fast.point, plain.point, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(fast.average, plain.average, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("learner", SPARSE)
def test_a_round_touches_its_own_features_alone(learner):
    X = sparse.csr_array(([1.0, 2.0], ([0, 0], [3, 10**7])), shape=(1, 10**7 + 1))
    player = CoordinatePlayer(learner, 10**7 + 1, CLASSIFICATION["logistic"], 1, 0.5, False)
    player.play(X, np.ones(1), None, [0])
    assert list(np.flatnonzero(player.point)) == [3, 10**7]


@pytest.mark.parametrize("learner", SPARSE)
def test_a_round_costs_no_more_with_more_features(learner):
    # A dense round with 5,000,000 features would take milliseconds; 2,000 of them, seconds.
    d, rounds = 5_000_000, 2_000
    columns = np.random.default_rng(0).integers(d, size=3 * rounds)
    rows = np.repeat(np.arange(rounds), 3)
    X = sparse.csr_array((np.ones(3 * rounds), (rows, columns)), shape=(rounds, d))
    player = CoordinatePlayer(learner, d, CLASSIFICATION["logistic"], 1, 0.5, False)
    started = time.process_time()
    player.play(X, np.where(columns[::3] % 2, 1.0, -1.0), None, np.arange(rounds))
    assert time.process_time() - started < 1.5


def test_estimators_take_that_path():
    X = sparse.random(60, 20, 0.3, format="csr", random_state=np.random.default_rng(0))
    y = np.arange(60) % 3
    for loss in ("logistic", "softmax"):
        for learner in SPARSE:
            model = SketchedClassifier(loss, learner=learner, random_state=0).fit(X, y)
            assert all(isinstance(player, CoordinatePlayer) for player in model._players)
            dense = SketchedClassifier(loss, learner=learner, random_state=0).fit(X.toarray(), y)
            np.testing.assert_allclose(model.coef_, dense.coef_, rtol=1e-9, atol=1e-12)
