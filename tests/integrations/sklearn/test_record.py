"""The regret of an estimator's rounds, against a solver; FTSL's δ; the learner's own bound."""

import copy
import math

import numpy as np
import pytest
from dense_sketch import dense_sketch
from scipy import sparse
from scipy.optimize import linprog, minimize
from scipy.special import log_softmax

from oco.integrations.sklearn import SketchedClassifier, SketchedRegressor

# What the solver's own answer may be above the minimum.
SOLVED = 1e-6


def rounds(n=240, d=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.7)
    return X, X @ rng.standard_normal(d) + 0.3 + rng.logistic(size=n)


def played(model, X, y, **first):
    """Feed uneven batches, and return what the points cost that each batch's rows met."""
    total = 0.0
    for row, label in zip(X, y, strict=True):
        if hasattr(model, "_players"):
            player = model._players
            total += sum(
                p.loss.value(_margin(p, row), t) for p, t in _labelled(model, player, label)
            )
        else:
            zeros = copy.deepcopy(model).partial_fit(row[None], [label], **first)
            total += sum(
                p.loss.value(np.zeros(p.outputs) if p.outputs > 1 else 0.0, t)
                for p, t in _labelled(zeros, zeros._players, label)
            )
        model.partial_fit(row[None], [label], **first)
    return float(total)


def _margin(player, row):
    a, learner = np.append(row, 1.0), copy.deepcopy(player.learner)
    if hasattr(learner, "lengthen"):
        # The row is seen before the point is played, and with it the longest gradient.
        steepest = {"softmax": 2**0.5}.get(player.loss.name, 1.0)
        learner.lengthen(max(learner.delta, steepest * np.linalg.norm(a)))
    z = learner.x.reshape(player.outputs, -1) @ a
    return z if player.outputs > 1 else z[0]


def _labelled(model, players, label):
    targets = model._targets(np.array([label]))[0] if hasattr(model, "classes_") else [label]
    return list(zip(players, targets, strict=True))


@pytest.mark.parametrize("learner", ["s-adagrad", "ftsl", "ogd"])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_the_regret_of_logistic_loss(learner, kind):
    X, scores = rounds()
    y = scores > 0
    model = SketchedClassifier(learner=learner, k=3, certify=True, average=False)
    cost = played(copy.deepcopy(model), X, y, classes=[False, True])
    for part in np.array_split(np.arange(len(y)), 7):
        model.partial_fit(kind(X[part]), y[part], classes=[False, True])
    signs = np.where(y, 1.0, -1.0)
    rows = np.c_[X, np.ones(len(y))]
    best = minimize(
        lambda w: np.logaddexp(0.0, -signs * (rows @ w)).sum(),
        np.zeros(5),
        jac=lambda w: -(signs / (1 + np.exp(signs * (rows @ w)))) @ rows,
        tol=1e-12,
    )
    low, high = model.regret_interval_
    assert low - SOLVED <= cost - best.fun <= high + SOLVED
    assert high - low < 0.01 * (cost - best.fun)
    assert model.regret_radius_ >= np.linalg.norm(best.x)
    # A point of the future is no point that was played.
    assert not low <= cost - best.fun + 0.05 * cost <= high


def test_the_regret_of_a_matrix_and_of_one_against_the_rest():
    X, scores = rounds()
    y = np.digitize(scores, [-1.0, 1.0])
    rows = np.c_[X, np.ones(len(y))]
    model = SketchedClassifier("softmax", learner="ftsl", certify=True)
    cost = played(model, X, y, classes=[0, 1, 2])
    best = minimize(
        lambda w: -log_softmax(rows @ w.reshape(3, 5).T, axis=1)[np.arange(len(y)), y].sum(),
        np.zeros(15),
        tol=1e-10,
    )
    low, high = model.regret_interval_
    assert low - 1e-3 <= cost - best.fun <= high + 1e-3
    model = SketchedClassifier("hinge", certify=True)
    cost = played(model, X, y, classes=[0, 1, 2])
    least = 0.0
    for j in range(3):
        signs = np.where(y == j, 1.0, -1.0)[:, None]
        # min Σ s with s ≥ 1 − y⟨a, w⟩ and s ≥ 0.
        found = linprog(
            np.r_[np.zeros(5), np.ones(len(y))],
            A_ub=np.c_[-signs * rows, -np.eye(len(y))],
            b_ub=-np.ones(len(y)),
            bounds=[(None, None)] * 5 + [(0, None)] * len(y),
        )
        least += found.fun
    low, high = model.regret_interval_
    assert low - SOLVED <= cost - least <= high + SOLVED and high - low < 0.02 * (cost - least)


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber", "pinball"])
@pytest.mark.parametrize("learner", ["s-adagrad", "ftsl", "adagrad", "ogd"])
def test_the_learners_bound_in_a_ball(loss, learner):
    X, y = rounds()
    model = SketchedRegressor(loss, learner=learner, k=3, radius=2.0, lr=1.0, certify=True)
    model.partial_fit(X[:100], y[:100]).partial_fit(X[100:], y[100:])
    low, high = model.regret_interval_
    assert 0 < low <= high < model.regret_bound_ < math.inf
    assert model.regret_radius_ == math.inf
    assert model.set_params(certify=False).partial_fit(X, y).regret_bound_ > 0
    for free in ({"lr": 1.0}, {"radius": 2.0}):
        assert SketchedRegressor(loss, learner=learner, **free).fit(X, y).regret_bound_ == math.inf


def test_ftsl_knows_how_long_a_gradient_may_be_before_it_plays():
    X, scores = rounds(90)
    X[60] *= 30.0
    y = np.where(scores > 0, 1.0, -1.0)
    model = SketchedClassifier(learner="ftsl", k=3, radius=2.0, lr=1.0, average=False)
    gradients, delta = np.zeros((0, 5)), 0.0
    for row, label in zip(X, y, strict=True):
        model.partial_fit(row[None], [label], classes=[-1.0, 1.0])
        a = np.append(row, 1.0)
        # The slope of logistic loss in a ball of radius 2.
        length = np.linalg.norm(a)
        delta = max(delta, length / (1 + math.exp(-2.0 * length)))
        margin = a @ nearest(gradients, delta)
        gradients = np.vstack([gradients, -label / (1 + math.exp(label * margin)) * a])
        (player,) = model._players
        np.testing.assert_allclose(player.learner.delta, delta, rtol=1e-12)
        np.testing.assert_allclose(player.point, nearest(gradients, delta), atol=1e-9)


def nearest(gradients, delta):
    """Return argmin ⟨θ, x⟩ + xᵀHx/2 with ‖x‖ ≤ 2, H = ((δ² + ρ) I + Ḡ)^½, by bisection."""
    held, escaped = np.zeros((5, 5)), 0.0
    for held, escaped, _ in dense_sketch(gradients, 3):  # noqa: B007 - the last of them
        pass
    values, vectors = np.linalg.eigh(held + (delta**2 + escaped) * np.eye(5))
    roots, parts = np.sqrt(values), vectors.T @ gradients.sum(axis=0)

    def point(more):
        return -vectors @ (parts / (roots + more))

    if np.linalg.norm(point(0.0)) <= 2.0:
        return point(0.0)
    low, high = 0.0, np.linalg.norm(parts)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.linalg.norm(point(middle)) > 2.0 else (low, middle)
    return point(high)


def test_refusals():
    X, y = rounds(30)
    with pytest.raises(AttributeError, match="kept no rows: set certify=True before partial_fit"):
        SketchedRegressor().partial_fit(X, y).regret_interval_  # noqa: B018
    assert not hasattr(SketchedRegressor(certify=True).fit(X, y), "regret_interval_")
    assert not hasattr(SketchedRegressor(certify=True), "regret_interval_")
    model = SketchedRegressor(certify=True).partial_fit(X, y, sample_weight=np.arange(30) % 2)
    interval = model.regret_interval_
    with pytest.raises(ValueError, match="certify=True needs sample weights of 0 and 1 alone"):
        model.partial_fit(X, y, sample_weight=np.full(30, 0.5))
    with pytest.raises(ValueError, match=r"certify=True needs alpha=0, got alpha=0\.1"):
        model.set_params(alpha=0.1).partial_fit(X, y)
    np.testing.assert_array_equal(model.regret_interval_, interval)
    half = SketchedRegressor(certify=True).partial_fit(X[1::2], y[1::2])
    np.testing.assert_array_equal(half.regret_interval_, interval)
    with pytest.raises(ValueError, match="certify=True must be set before the first call"):
        SketchedRegressor(learner="ogd").fit(X, y).set_params(certify=True).partial_fit(X, y)
