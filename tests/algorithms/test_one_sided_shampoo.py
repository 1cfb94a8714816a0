"""One-sided Shampoo and its sketch: iterates against explicit matrices, and their bounds."""

import math

import numpy as np
import pytest
from dense_projection import dense_projection
from dense_shampoo import DenseFactor

import oco
from oco.algorithms import ALGORITHMS
from oco.bounds import Account, ladder
from oco.domains import Ball, Euclidean
from oco.sketch import escaped_mass_limit

T, RADIUS = 90, 0.4
TOLERANCE = 1e-8
SHAPES = [(4, 7), (7, 4), (5, 5), (6, 1)]


def made(shape, k=None, **options):
    if k is None:
        return ALGORITHMS["one-sided-shampoo"](shape, **options)
    return ALGORITHMS["s-one-sided"](shape, k=k, **options)


def roots(matrix):
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-12 * values.max()
    up = np.sqrt(np.where(kept, values, 0.0))
    down = np.where(kept, 1 / np.where(kept, up, 1.0), 0.0)
    return (vectors * up) @ vectors.T, (vectors * down) @ vectors.T


def game(shape, seed=0):
    rng = np.random.default_rng(seed)
    scales = np.multiply.outer(0.8 ** np.arange(shape[0]), 0.9 ** np.arange(shape[1]))
    features = rng.standard_normal((T, *shape)) * scales
    return lambda t, x: (np.sum(features[t] * x) - 1) * features[t] + 0.1 * features[t - 1]


@pytest.mark.parametrize("domain", [Ball(RADIUS), Euclidean()], ids=repr)
@pytest.mark.parametrize("k", [None, 2, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_iterates_equal_the_definition(shape, k, domain):
    gradient, learner = game(shape), made(shape, k, domain=domain, lr=0.3)
    # A vector has one side, which is long; of equal sides the first is taken.
    left = shape[0] <= shape[1] or shape[1] == 1
    n = shape[0] if left else shape[1]
    factor, x, projected = DenseFactor(n, k, 1.0), np.zeros(shape), 0
    for t in range(T):
        np.testing.assert_allclose(learner.x, x, rtol=0, atol=TOLERANCE)
        g = gradient(t, x)
        learner.update(g)
        factor.absorb(g if left else g.T)
        up, down = roots(factor.estimate())
        y = x - 0.3 * (down @ g if left else g @ down)
        metric = np.kron(up, np.eye(x.size // n)) if left else np.kron(np.eye(x.size // n), up)
        if domain.bounded and np.linalg.norm(y) > RADIUS:
            y = dense_projection(y.reshape(-1), metric, RADIUS).reshape(shape)
            projected += 1
        x = y
    account = learner.diagnostics()
    assert account.potential == pytest.approx(np.trace(up))
    assert projected or not domain.bounded
    (axis,) = account.axes
    assert axis.dim == n and (account.escaped_mass is None) == (k is None)


@pytest.mark.parametrize("shape", SHAPES[:3], ids=str)
def test_the_bounds_are_those_of_the_theorem_at_the_default_rate(shape):
    """D(√2 tr L^½ + m √(Ω/2)), with the shorter side m, above √2·D·tr L̃^½'s certificate."""
    k, gradient, learner = 3, game(shape), made(shape, 3, domain=Ball(RADIUS))
    left, played, gradients = shape[0] <= shape[1], 0.0, []
    d, m = 2 * RADIUS, min(shape)
    assert learner.lr == pytest.approx(d / math.sqrt(2))
    for t in range(T):
        g = gradient(t, learner.x)
        g = g * np.sign(np.sum(g * learner.x) or 1.0)
        played += np.sum(g * learner.x)
        learner.update(g)
        gradients.append(g)
    covariance = sum(g @ g.T if left else g.T @ g for g in gradients)
    values = np.linalg.eigvalsh(covariance)[::-1]
    account = Account(
        t=T,
        d=learner.d,
        k=k,
        lr=learner.lr,
        diameter=d,
        gradient_bound=math.inf,
        diagnostics=learner.diagnostics(),
        axis_spectra=(values,),
    )
    found = ladder(learner.bounds, account)
    root_trace, omega = np.sqrt(values).sum(), escaped_mass_limit(values, k)
    assert found["one-sided-theorem"] == pytest.approx(
        d * (math.sqrt(2) * root_trace + m * math.sqrt(omega / 2))
    )
    potential = learner.diagnostics().potential
    assert found["one-sided-trace"] == pytest.approx(math.sqrt(2) * d * potential)
    regret = played + RADIUS * np.linalg.norm(sum(gradients))
    assert (
        regret <= found["certificate"] <= min(found["one-sided-trace"], found["one-sided-theorem"])
    )
    assert 0 < learner.diagnostics().escaped_mass <= omega


@pytest.mark.parametrize("k", [3, 6])
def test_on_vectors_it_is_adagrad_with_and_without_a_sketch(k):
    rng = np.random.default_rng(2)
    pairs = [(made((5,), k, domain=Ball(1.0)), ALGORITHMS["s-adagrad"](5, k=k, domain=Ball(1.0)))]
    pairs += [(made((5,), domain=Ball(1.0)), ALGORITHMS["full-adagrad"](5, domain=Ball(1.0)))]
    for _ in range(50):
        g = rng.standard_normal(5)
        for one, other in pairs:
            one.update(g)
            other.update(g)
            np.testing.assert_allclose(one.x, other.x, rtol=0, atol=TOLERANCE)
    for one, other in pairs:
        assert one.lr == other.lr
        assert one.diagnostics().potential == pytest.approx(other.diagnostics().potential)


@pytest.mark.parametrize("shape", ["8x5", "5x8"])
def test_a_run_checks_every_rung(shape):
    result = oco.run("s-one-sided", shape=shape, k=3, T=120, prefix_regret=True)
    names = ["certificate", "one-sided-trace", "one-sided-theorem"]
    assert [bound.name for bound in result.summary.bounds] == names
    assert all(bound.holds for bound in result.summary.bounds)
    (axis,) = result.summary.axes
    assert axis.dim == 5 and 0 < axis.escaped_mass <= axis.omega
    other = oco.run("s-shampoo", shape=shape, k=3, T=120)
    assert result.summary.certificate < other.summary.certificate / 3


def test_a_sketch_keeps_the_shorter_side_only():
    kept = {}
    for k in (None, 4):
        learner = made((200, 100), k, domain=Ball(1.0))
        learner.update(np.random.default_rng(0).standard_normal((200, 100)))
        kept[k] = learner.diagnostics().state_bytes - 200 * 100 * 8
    assert kept[None] == 2 * 8 * 100**2 and kept[4] < 0.15 * kept[None]


def test_bad_options_are_refused():
    with pytest.raises(ValueError, match=r"^k: expected an integer >= 2, got 1"):
        made((3, 4), 1, domain=Ball(1.0))
    with pytest.raises(ValueError, match=r"^lr: expected a number > 0, got None"):
        made((3, 4), 2, domain=Euclidean())
    with pytest.raises(ValueError, match=r"^shape\[1\]: expected an integer >= 1, got 0"):
        made((3, 0), domain=Ball(1.0))
