"""Full-matrix AdaGrad: whole runs against the definition, and against reference figures."""

import numpy as np
import pytest

import oco
from oco.algorithms import ALGORITHMS
from oco.linalg.growing_root import GrowingRoot
from oco.losses import LOSSES, STREAMS
from oco.simulator import play

TOLERANCE = 1e-8


def pair(d, domain, lr, capacity=None):
    """Return the learner, and one that decomposes G_t in each round."""
    learners = [ALGORITHMS["full-adagrad"](d, domain=domain, lr=lr) for _ in range(2)]
    learners[0].preconditioner.metric = GrowingRoot(d, capacity)
    learners[1].preconditioner.metric = GrowingRoot(d, 0)
    return learners


@pytest.mark.parametrize("domain", [oco.Ball(0.7), oco.Euclidean()], ids=repr)
@pytest.mark.parametrize("lr", [0.05, 1.0, 5.0])
def test_iterates_when_the_gradient_depends_on_them(domain, lr):
    rng = np.random.default_rng(0)
    d = 80
    features = rng.standard_normal((300, d)) * np.arange(1, d + 1) ** -0.5
    targets = features @ rng.standard_normal(d)
    fast, definition = pair(d, domain, lr)
    for a, target in zip(features, targets, strict=True):
        for learner in (fast, definition):
            learner.update(np.tanh(a @ learner.x - target) * a)
        size = np.abs(definition.x).max()
        np.testing.assert_allclose(fast.x, definition.x, rtol=0, atol=TOLERANCE * size)
    ours, theirs = fast.diagnostics(), definition.diagnostics()
    assert np.isclose(ours.potential, theirs.potential, rtol=1e-9)
    assert np.isclose(ours.quadratic, theirs.quadratic, rtol=1e-9)


@pytest.mark.parametrize("domain", [oco.Ball(0.7), oco.Euclidean()], ids=repr)
def test_a_sketch_with_room_for_all_directions_is_the_same_learner(domain):
    rng = np.random.default_rng(1)
    d = 60
    full, _ = pair(d, domain, 0.5)
    sketched = ALGORITHMS["s-adagrad"](d, k=d + 1, domain=domain, lr=0.5)
    for g in rng.standard_normal((150, d)):
        full.update(g)
        sketched.update(g)
        np.testing.assert_allclose(sketched.x, full.x, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("domain", [oco.Ball(1.0), oco.Euclidean()], ids=repr)
def test_real_rows(a9a, domain):
    stream = STREAMS["data"](path=a9a, bias=True, T=2000)
    fast, definition = pair(stream.d, domain, 0.1)
    derivative = LOSSES["logistic"].derivative
    for features, labels in stream.chunks():
        for a, y in zip(features, labels, strict=True):
            for learner in (fast, definition):
                learner.update(derivative(a @ learner.x, y) * a)
            size = np.abs(definition.x).max()
            np.testing.assert_allclose(fast.x, definition.x, rtol=0, atol=TOLERANCE * size)


@pytest.mark.parametrize("lr, average", [(0.1, 0.331620444), (0.178, 0.330756505)])
def test_average_loss_over_all_real_rows(a9a, lr, average):
    stream = STREAMS["data"](path=a9a, bias=True)
    learner = ALGORITHMS["full-adagrad"](stream.d, domain=oco.Euclidean(), lr=lr)
    run = play(learner, LOSSES["logistic"], stream, checkpoints=[stream.T])
    assert run.status == "complete"
    assert abs(run.cumulative_loss[-1] / stream.T - average) < 1e-8
