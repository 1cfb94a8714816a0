"""NaN, infinities and overflow, wherever they enter: named with their round, nothing lost."""

from __future__ import annotations

import math

import numpy as np
import pytest
from what_learners_take import RATED, own_options

import oco
from oco.algorithms import ALGORITHMS
from oco.losses import LOSSES, Loss, Stream

D, T, WHEN = 5, 60, 40


class Broken(Stream):
    """Ordinary features, but for one number in one row."""

    def __init__(self, bad):
        super().__init__(D, T, feature_norm=10.0)
        self.bad = bad

    def rows(self, start, stop):
        rng = np.random.default_rng(0)
        features = rng.standard_normal((T, D))
        features[WHEN - 1, 2] = self.bad
        return features[start:stop], np.sign(features[start:stop, 0])


class Steep(Loss):
    """Linear, until one round whose value or slope is `bad`."""

    name, labels = "steep", "binary"

    def __init__(self, value=None, slope=None):
        self.bad_value, self.bad_slope, self.seen = value, slope, 0

    def value(self, z, y):
        self.seen += np.size(z) == 1
        bad = self.bad_value is not None and self.seen == WHEN
        return self.bad_value if bad else LOSSES["logistic"].value(z, y)

    def derivative(self, z, y):
        bad = self.bad_slope is not None and self.seen == WHEN
        return self.bad_slope if bad else LOSSES["logistic"].derivative(z, y)


def options(algorithm):
    return own_options(algorithm)


def assert_stopped(result):
    assert result.summary.status == "failed"
    assert result.summary.message.startswith(f"round {WHEN}: ")
    assert result.summary.rounds == WHEN - 1 == result.trace.t[-1]
    assert math.isfinite(result.summary.total_loss) and np.isfinite(result.x).all()
    assert not result.violated


@pytest.mark.parametrize("algorithm", RATED)
@pytest.mark.parametrize("bad", [1e200, -1.7e308])
@pytest.mark.parametrize("loss", ["logistic", "hinge", "squared"])
def test_a_feature_whose_square_overflows(algorithm, bad, loss, tmp_path):
    """Stops the run, unless the slope of the loss is zero there; either way it is certified."""
    result = oco.run(
        algorithm, stream=Broken(bad), loss=loss, lr=0.1, out=tmp_path, **options(algorithm)
    )
    if result.summary.status == "failed":
        assert_stopped(result)
    else:
        comparator = result.summary.comparator
        assert comparator.lower <= comparator.loss and not result.violated
    assert oco.load_result(tmp_path) == result


@pytest.mark.parametrize("algorithm", RATED)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_feature(algorithm, bad, tmp_path):
    result = oco.run(
        algorithm, stream=Broken(bad), loss="logistic", lr=0.1, out=tmp_path, **options(algorithm)
    )
    assert_stopped(result)
    assert oco.load_result(tmp_path) == result


@pytest.mark.parametrize("algorithm", RATED)
@pytest.mark.parametrize(
    "loss",
    [
        {"value": math.nan},
        {"value": math.inf},
        {"slope": math.nan},
        {"slope": -math.inf},
        {"slope": 1e200},
    ],
)
def test_a_loss(algorithm, loss):
    stream = Broken(0.0)
    result = oco.run(algorithm, stream=stream, loss=Steep(**loss), lr=0.1, **options(algorithm))
    assert_stopped(result)


@pytest.mark.parametrize("algorithm", RATED)
@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e200])
def test_a_gradient_changes_nothing(algorithm, bad):
    learner = ALGORITHMS[algorithm](D, domain=oco.Ball(1.0), lr=0.5, **options(algorithm))
    learner.update(np.ones(D))
    before, account = learner.x.copy(), learner.diagnostics()
    with pytest.raises(ValueError, match=r"^g: expected"):
        learner.update(np.array([1.0, bad, 0.0, 0.0, 0.0]))
    np.testing.assert_array_equal(learner.x, before)
    assert learner.diagnostics() == account


@pytest.mark.parametrize("algorithm", ["s-adagrad", "ada-fd", "adagrad", "full-adagrad"])
def test_gradients_whose_sum_of_squares_overflows_stop_the_run(algorithm):
    learner = ALGORITHMS[algorithm](2, domain=oco.Ball(1.0), lr=0.5, **options(algorithm))
    with pytest.raises(ValueError, match="sum of squares"):
        for _ in range(10):
            learner.update(np.array([1e154, 0.0]))
    assert np.isfinite(learner.x).all()
    assert math.isfinite(learner.diagnostics().potential)
