"""Shampoo's rungs: the published bounds, and each step of their proof on dense matrices."""

import math
from itertools import pairwise

import numpy as np
import pytest

from oco.algorithms import ALGORITHMS
from oco.bounds import Account, ladder
from oco.domains import Ball
from oco.sketch import escaped_mass_limit

RADIUS, T = 1.5, 60
SHAPES = [(5, 4), (3, 8), (6, 1)]
# Of a sum of T terms, each rounded once.
ROUNDING = 1e-10


def gradients_of(shape, r, seed, kind="spread"):
    """Return T gradients of rank at most r."""
    rng = np.random.default_rng(seed)
    m, n = shape
    left, right = rng.standard_normal((T, m, r)), rng.standard_normal((T, r, n))
    if kind == "spread":  # a few directions much larger than the others
        left, right = left * 0.5 ** np.arange(m)[:, None], right * 0.5 ** np.arange(n)
    elif kind == "orthonormal":  # single entries: the worst for a sketch
        left, right = np.zeros((T, m, 1)), np.zeros((T, 1, n))
        left[np.arange(T), rng.integers(m, size=T)] = 1.0
        right[np.arange(T), :, rng.integers(n, size=T)] = 1.0
    return left @ right


def made(name, shape, r, **options):
    options |= {"k": 2} if name == "s-shampoo" else {}
    return ALGORITHMS[name](shape, domain=Ball(RADIUS), gradient_rank=r, **options)


def account_of(learner, gradients):
    t = len(gradients)
    flat = gradients.reshape(t, -1)
    dims = [axis.dim for axis in learner.diagnostics().axes]
    tensors = gradients.reshape(t, *dims)
    covariances = [
        np.einsum("tij,tkj->ik", *[np.moveaxis(tensors, i + 1, 1).reshape(t, n, -1)] * 2)
        for i, n in enumerate(dims)
    ]
    return Account(
        t=t,
        d=flat.shape[1],
        k=learner.k,
        lr=learner.lr,
        diameter=learner.diameter,
        gradient_bound=math.inf,
        diagnostics=learner.diagnostics(),
        axis_spectra=tuple(np.linalg.eigvalsh(C)[::-1] for C in covariances),
    )


@pytest.mark.parametrize("name", ["shampoo", "s-shampoo"])
@pytest.mark.parametrize("epsilon", [0.0, 1e-6, 0.1])
@pytest.mark.parametrize("kind", ["spread", "orthonormal"])
@pytest.mark.parametrize(("shape", "r"), [((5, 4), 1), ((5, 4), 4), ((3, 8), 2), ((6, 1), 1)])
@pytest.mark.parametrize("lr", [None, 0.05, 20.0])
def test_each_rung_is_above_the_one_before(name, epsilon, kind, shape, r, lr):
    learner = made(name, shape, r, lr=lr, epsilon=epsilon)
    gradients = gradients_of(shape, r, seed=1, kind=kind)
    names = ["certificate", "shampoo-trace", "shampoo-theorem"]
    assert learner.bounds == tuple(names if name == "s-shampoo" else names[:2])
    for t in range(T):
        learner.update(gradients[t])
        if t in (0, 1, 2, 5, 20, T - 1):
            values = ladder(names, account_of(learner, gradients[: t + 1]))
            for lower, higher in pairwise(names):
                assert values[lower] <= values[higher] * (1 + ROUNDING)


@pytest.mark.parametrize("epsilon", [0.0, 1e-3])
@pytest.mark.parametrize("r", [1, 3])
def test_the_rungs_are_the_published_bounds_at_the_default_rate(epsilon, r):
    shape, k = (7, 5), 3
    gradients = gradients_of(shape, r, seed=2)
    learner = ALGORITHMS["s-shampoo"](
        shape, k=k, domain=Ball(RADIUS), gradient_rank=r, epsilon=epsilon
    )
    for gradient in gradients:
        learner.update(gradient)
    assert learner.lr == pytest.approx(2 * RADIUS / math.sqrt(2 * r))
    values = ladder(learner.bounds, account_of(learner, gradients))
    traces, sums = [], []
    for factor, C in zip(
        learner.preconditioner.factors,
        (
            np.einsum("tij,tkj->ik", gradients, gradients),
            np.einsum("tji,tjk->ik", *[gradients] * 2),
        ),
        strict=True,
    ):
        sketched = factor.sketch.covariance().dense() + factor.escaped_mass * np.eye(factor.dim)
        added = epsilon * np.linalg.eigvalsh(sketched)[-1]
        traces.append(np.sum((np.linalg.eigvalsh(sketched) + added).clip(0) ** 0.25))
        spectrum = np.linalg.eigvalsh(C)
        omega = escaped_mass_limit(spectrum, k)
        sums.append(np.sum((spectrum + added).clip(0) ** 0.25) + factor.dim * omega**0.25)
    scale = math.sqrt(2 * r) * 2 * RADIUS
    assert values["shampoo-trace"] == pytest.approx(scale * np.prod(traces), rel=1e-6)
    assert values["shampoo-theorem"] == pytest.approx(scale * np.prod(sums), rel=1e-6)


@pytest.mark.parametrize("name", ["shampoo", "s-shampoo"])
@pytest.mark.parametrize("epsilon", [0.0, 1e-6])
@pytest.mark.parametrize(("shape", "r"), [((5, 4), 1), ((5, 4), 3), ((3, 6), 2)])
@pytest.mark.parametrize("kind", ["spread", "orthonormal"])
def test_the_squared_metric_is_above_the_covariance_over_the_rank(name, epsilon, shape, r, kind):
    """Lemma 8 of Gupta, Koren and Singer, which turns the certificate into the trace bound."""
    learner = made(name, shape, r, epsilon=epsilon)
    gradients = gradients_of(shape, r, seed=3, kind=kind)
    d, quadratic = math.prod(shape), 0.0
    before, covariance = np.zeros((d, d)), np.zeros((d, d))
    for gradient in gradients:
        learner.update(gradient)
        g = gradient.reshape(-1)
        covariance += np.outer(g, g)
        H = learner.preconditioner.metric.dense()
        slack = ROUNDING * np.linalg.norm(H @ H)
        assert np.linalg.eigvalsh(H @ H - covariance / r).min() >= -slack
        # Its root never shrinks; a fourth root of rounding is not small.
        assert np.linalg.eigvalsh(H - before).min() >= -1e-3 * np.linalg.norm(H)
        quadratic += g @ np.linalg.pinv(H, rcond=1e-7, hermitian=True) @ g
        before = H
    diagnostics = learner.diagnostics()
    assert diagnostics.potential == pytest.approx(np.trace(H), rel=1e-9)
    assert diagnostics.quadratic == pytest.approx(quadratic, rel=1e-6)
    root = np.sqrt(np.linalg.eigvalsh(covariance).clip(0)).sum()
    assert quadratic <= 2 * math.sqrt(r) * root * (1 + 1e-6) <= 2 * r * np.trace(H) * (1 + 2e-6)


@pytest.mark.parametrize("name", ["shampoo", "s-shampoo"])
@pytest.mark.parametrize("update_every", [1, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_certificate_bounds_the_regret_against_an_adversary(name, update_every, shape):
    """Against signs chosen to hurt: the sum ⟨G_t, X_t − U⟩ for the best U in the ball."""
    learner = made(name, shape, min(shape), lr=0.3, update_every=update_every)
    played, total, chosen = 0.0, np.zeros(shape), []
    for gradient in gradients_of(shape, min(shape), seed=4):
        chosen.append(gradient if np.sum(gradient * learner.x) > 0 else -gradient)
        played, total = played + np.sum(chosen[-1] * learner.x), total + chosen[-1]
        learner.update(chosen[-1])
        regret = played + RADIUS * np.linalg.norm(total)
        values = ladder(learner.bounds, account_of(learner, np.array(chosen)))
        assert regret <= min(values.values())


@pytest.mark.parametrize("name", ["shampoo", "s-shampoo"])
def test_stale_statistics_leave_the_certificate_alone(name):
    assert made(name, (5, 4), 1, update_every=2).bounds == ("certificate",)


def test_a_rank_that_the_gradients_exceed_breaks_the_trace_bound_s_premise():
    """The rank is no decoration: with r = 1 the lemma fails for gradients of full rank."""
    learner = made("shampoo", (4, 4), 1, epsilon=0.0)
    learner.update(np.eye(4))
    H, g = learner.preconditioner.metric.dense(), np.eye(4).reshape(-1)
    assert np.linalg.eigvalsh(H @ H - np.outer(g, g) / 4).min() >= -1e-12
    assert np.linalg.eigvalsh(H @ H - np.outer(g, g)).min() < -1.0


def test_spectra_that_were_not_computed_leave_the_theorem_open():
    learner = made("s-shampoo", (5, 4), 1)
    learner.update(np.outer(np.arange(5.0), np.ones(4)))
    account = account_of(learner, np.outer(np.arange(5.0), np.ones(4))[None])
    values = ladder(learner.bounds, Account(**{**vars(account), "axis_spectra": None}))
    assert math.isnan(values["shampoo-theorem"]) and math.isfinite(values["shampoo-trace"])
