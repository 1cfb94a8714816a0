"""Training: the same in every process, examples taken once an epoch, faults named by their step."""

from types import SimpleNamespace

import numpy as np
import pytest

from oco.training import Training, loop, plan, tasks, train, train_all
from oco.training.outcome import COMPLETE, DIVERGED, FAILED, Curves

SHORT = {"task": "digits-softmax", "steps": 12, "evaluations": 4, "batch": 50}


def test_sgd_without_momentum_is_the_textbook_recursion():
    task = tasks.task_of("digits-mlp")
    data, parameters = task.data(), task.network.initial(3)
    training = Training("digits-mlp", "sgd", seed=3, steps=6, batch=100, lr=0.05, momentum=0.0)
    for batch in loop._batches(len(data.labels), training):
        _, gradients = task.network.gradients(parameters, data.features[batch], data.labels[batch])
        parameters = [p - 0.05 * g for p, g in zip(parameters, gradients, strict=True)]
    expected = task.network.evaluate(parameters, data.held_out_features, data.held_out_labels)
    curves = train(training).curves
    found = curves.validation_loss[-1], curves.validation_accuracy[-1]
    assert found == pytest.approx(expected, rel=1e-12)


def test_each_epoch_takes_every_example_at_most_once():
    training = Training("digits-softmax", "adam", steps=11, batch=400)
    batches = list(loop._batches(1438, training))
    epochs = [batches[i : i + 3] for i in range(0, 9, 3)]
    for epoch in epochs:
        rows = np.concatenate(epoch)
        assert len(np.unique(rows)) == len(rows) == 1200
    assert not np.array_equal(epochs[0], epochs[1])
    other = list(loop._batches(1438, training.replace(seed=1)))
    assert not np.array_equal(batches[0], other[0])


@pytest.mark.parametrize("algorithm", ["sgd", "adam", "shampoo", "s-shampoo"])
def test_every_optimizer_learns_the_convex_task(algorithm):
    lr = 0.3 if algorithm == "sgd" else 0.03
    outcome = train(Training(algorithm=algorithm, lr=lr, **{**SHORT, "steps": 60}))
    assert outcome.complete and outcome.summary.validation_accuracy > 0.85
    assert outcome.curves.train_loss[-1] < 0.25 * outcome.curves.train_loss[0]
    assert outcome.summary.skipped == 0 and outcome.summary.parameters == 650


def test_a_sketch_no_smaller_than_the_factors_trains_as_shampoo_does():
    sketched, exact = (
        train(Training(algorithm=name, lr=0.01, k=k, **SHORT)).curves
        for name, k in (("s-shampoo", 64), ("shampoo", None))
    )
    assert np.allclose(sketched.validation_loss, exact.validation_loss, rtol=1e-9)


def test_worker_processes_come_to_the_same_numbers():
    trainings = plan(["adam", "s-shampoo"], sizes=[8], **SHORT)
    here, workers = (
        [outcome.without_timings() for outcome in train_all(trainings, jobs=jobs).outcomes]
        for jobs in (1, 2)
    )
    assert here == workers


def test_other_seeds_differ_in_start_and_order():
    first, second = train_all(plan(["adam"], seeds=2, **SHORT)).outcomes
    assert first.curves.train_loss[0] != second.curves.train_loss[0]


def test_a_loss_that_is_no_number_stops_the_training_and_is_named_by_its_step():
    summary = train(Training("digits-mlp", "sgd", lr=1e6, steps=40, evaluations=1)).summary
    assert summary.status == FAILED and summary.validation_loss is None
    assert summary.message.startswith(f"step {summary.steps}: the loss is ")
    assert 1 < summary.steps < 40


def test_a_loss_above_its_start_is_a_divergence():
    outcome = train(Training("digits-softmax", "adam", lr=1e3, steps=10, evaluations=10))
    curves, summary = outcome.curves, outcome.summary
    assert summary.status == DIVERGED and summary.message.startswith("step 1: the training loss")
    assert summary.train_loss == curves.train_loss[-1] > curves.train_loss[0]


def test_a_loss_that_comes_down_again_is_none():
    def status(losses):
        values = np.array(losses)
        curves = Curves(np.arange(0, 10 * len(values), 10), values, values, values, values)
        optimizer = SimpleNamespace(parameters=[], skipped=0, second_moment_bytes=0, state_bytes=0)
        summary = loop._summary(curves, 30, 1.0, "", optimizer)
        return summary.status, summary.message.partition(":")[0]

    assert status([2.0, 9.0, 3.0, 1.0]) == (COMPLETE, "")
    assert status([2.0, 9.0, 1.0, 3.0, 4.0]) == (DIVERGED, "step 30")


def test_what_an_optimizer_raises_becomes_a_message(monkeypatch):
    class Failing:
        def __init__(self, parameters, **options):
            self.parameters, self.skipped = parameters, [0]
            self.second_moment_bytes = self.state_bytes = self.count = 0

        def step(self, gradients):
            self.count += 1
            if self.count == 5:
                raise np.linalg.LinAlgError("no convergence")

    training = Training(algorithm="s-shampoo", **SHORT)
    monkeypatch.setitem(loop.OPTIMIZERS, "s-shampoo", Failing)
    summary = train(training).summary
    assert (summary.status, summary.message) == (FAILED, "step 5: no convergence")


def test_gradients_are_shown_to_an_observer_step_by_step():
    seen = []
    train(Training(algorithm="adam", **SHORT), observe=lambda t, g: seen.append((t, g[0].shape)))
    assert seen == [(t, (10, 64)) for t in range(1, 13)]
