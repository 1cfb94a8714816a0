"""Rates that are played in one pass are what each of them is alone, whatever becomes of some."""

from __future__ import annotations

import numpy as np
import pytest

import oco
from oco.results import Experiment
from oco.sweeps import tuning
from oco.sweeps.local import in_parallel

RATES = [1e-3, 0.1, 1.0, 1e200, 1e308]
OPTIONS = {"d": 6, "T": 1500, "domain": "unconstrained", "stream": "stochastic", "loss": "squared"}


def same(one, other):
    assert (one.verdict, one.message) == (other.verdict, other.message)
    assert one.average_loss == other.average_loss and one.experiment == other.experiment
    np.testing.assert_array_equal(one.curve, other.curve)


@pytest.mark.parametrize("algorithm", ["ogd", "adagrad", "s-adagrad", "full-adagrad"])
def test_rates_in_one_pass_are_what_each_is_alone(algorithm):
    options = OPTIONS | ({"k": 3} if algorithm == "s-adagrad" else {})
    experiments = [Experiment(algorithm, lr=lr, **options) for lr in RATES]
    alone = [tuning.measure(experiment) for experiment in experiments]
    for jobs in (1, 2):
        for one, other in zip(tuning.measure_together(experiments, jobs), alone, strict=True):
            same(one, other)
    assert [trial.verdict for trial in alone][:3] == ["", "", ""]
    assert "failed" in [trial.verdict for trial in alone]


def test_what_cannot_be_set_up_is_named_among_those_that_can():
    experiments = [Experiment("s-adagrad", k=k, **OPTIONS) for k in (3, 500, 4)]
    experiments = [experiment.replace(lr=0.1) for experiment in experiments]
    found = list(tuning.measure_together(experiments, 2))
    assert [trial.verdict for trial in found] == ["", "failed", ""]
    assert "k: expected an integer from 2 to 7, got 500" in found[1].message
    assert [trial.experiment for trial in found] == experiments


def test_more_rates_than_are_played_at_a_time(monkeypatch):
    monkeypatch.setattr(tuning, "TOGETHER", 2)
    told = []
    found = oco.tune("ogd", RATES, jobs=2, progress=told.append, **OPTIONS)
    assert [trial.experiment.lr for trial in found.trials] == RATES and told == [1, 2, 3, 4, 5]
    workers = list(in_parallel([trial.experiment for trial in found.trials], 1, tuning.measure))
    for one, other in zip(found.trials, workers, strict=True):
        assert one.average_loss == other.average_loss
    assert found.best.experiment.lr in (0.1, 1.0)
