"""Each learner against its definition on dense matrices: same iterates, projected and not."""

import math

import numpy as np
import pytest
from dense_projection import dense_projection
from dense_sketch import dense_sketch
from what_learners_take import DUALS, NEWTONS, RATED, own_options

from oco.algorithms import ALGORITHMS
from oco.domains import Ball, Box, Euclidean

D, T, K = 12, 200, 5
# The iterates are compared over all rounds; each rounds to about 1e-13.
TOLERANCE = 1e-8
RADIUS = 0.7


def pinv_root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-12 * values.max()
    return (vectors * np.where(kept, np.maximum(values, 0) ** 0.5, 0)) @ vectors.T


def metrics(name, gradients):
    """Yield H_t of each learner as its definition reads."""
    definition = {
        "ogd": lambda t, G, sketch, rho: math.sqrt(t) * np.eye(D),
        "adagrad-norm": lambda t, G, sketch, rho: math.sqrt(np.trace(G)) * np.eye(D),
        "adagrad": lambda t, G, sketch, rho: np.diag(np.sqrt(np.diag(G))),
        "full-adagrad": lambda t, G, sketch, rho: pinv_root(G),
        "s-adagrad": lambda t, G, sketch, rho: pinv_root(sketch + rho * np.eye(D)),
        "ada-fd": lambda t, G, sketch, rho: pinv_root(sketch) + 0.3 * np.eye(D),
        # On vectors a Kronecker product has one factor, and the exponent is that of AdaGrad.
        "shampoo": lambda t, G, sketch, rho: pinv_root(G),
        "s-shampoo": lambda t, G, sketch, rho: pinv_root(sketch + rho * np.eye(D)),
        "one-sided-shampoo": lambda t, G, sketch, rho: pinv_root(G),
        "s-one-sided": lambda t, G, sketch, rho: pinv_root(sketch + rho * np.eye(D)),
    }[name]
    for t, (sketch, rho, G) in enumerate(dense_sketch(gradients, K), start=1):
        yield definition(t, G, sketch, rho)


def twin(name, gradient_of, lr, project):
    """Play the definition; return the iterates x_1..x_{T+1}."""
    iterates, gradients = [np.zeros(D)], []

    def reveal():
        for t in range(T):
            gradients.append(gradient_of(t, iterates[-1]))
            yield gradients[-1]

    for h in metrics(name, reveal()):
        step = np.linalg.pinv(h, rcond=1e-7, hermitian=True) @ gradients[-1]
        iterates.append(project(iterates[-1] - lr * step, h))
    return np.array(iterates)


def features(seed):
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((D, D)))[0]
    return (rng.standard_normal((T, D)) * 0.75 ** np.arange(D)) @ rotation


def options(name):
    return {
        "s-adagrad": {"k": K},
        "ada-fd": {"k": K, "delta": 0.3},
        "shampoo": {"epsilon": 0.0},
        "s-shampoo": {"k": K, "epsilon": 0.0},
        "s-one-sided": {"k": K},
    }.get(name, own_options(name))


# Adam has no metric of its gradients' covariance, dual averaging and Newton have other steps, and
# Hedge other points: test_adam.py, test_dual_averaging.py, test_newton.py and test_hedge.py here.
GAMES = [
    (name, domain)
    for name in ALGORITHMS
    if name not in ("adam", "hedge", *DUALS, *NEWTONS)
    for domain in (Ball(RADIUS), Euclidean())
]
GAMES += [(name, Box(-0.2, 0.3)) for name in ("ogd", "adagrad-norm", "adagrad")]


@pytest.mark.parametrize("name, domain", GAMES, ids=repr)
def test_iterates_equal_the_definition(name, domain):
    a = features(seed=1)
    targets = a @ np.full(D, 0.4)

    def gradient_of(t, x):
        return (a[t] @ x - targets[t]) * a[t]

    project = {
        "ball": lambda y, h: dense_projection(y, h, RADIUS),
        "unconstrained": lambda y, h: y,
        "box": lambda y, h: np.clip(y, -0.2, 0.3),
    }[domain.name]
    expected = twin(name, gradient_of, 0.5, project)
    learner = ALGORITHMS[name](D, domain=domain, lr=0.5, **options(name))
    for t in range(T):
        np.testing.assert_allclose(learner.x, expected[t], rtol=0, atol=TOLERANCE)
        learner.update(gradient_of(t, learner.x))
    if domain.name == "ball":
        assert np.isclose(np.linalg.norm(expected, axis=1), RADIUS).any(), "never projected"


@pytest.mark.parametrize("rank, k", [(4, 5), (4, 13), (12, 13)])
@pytest.mark.parametrize("domain", [Ball(RADIUS), Euclidean()], ids=repr)
def test_with_room_for_the_rank_the_sketch_is_full_matrix_adagrad(domain, rank, k):
    rng = np.random.default_rng(rank)
    gradients = rng.standard_normal((T, rank)) @ rng.standard_normal((rank, D))
    full = ALGORITHMS["full-adagrad"](D, domain=domain, lr=0.5)
    sketched = ALGORITHMS["s-adagrad"](D, k=k, domain=domain, lr=0.5)
    for g in gradients:
        full.update(g)
        sketched.update(g)
        np.testing.assert_allclose(sketched.x, full.x, rtol=0, atol=TOLERANCE)
    assert sketched.diagnostics().escaped_mass == 0.0


@pytest.mark.parametrize(
    "name", ["s-adagrad", "full-adagrad", "adagrad", "adagrad-norm", "shampoo", "s-shampoo"]
)
def test_iterates_do_not_depend_on_the_units_of_the_gradient(name):
    gradients = features(seed=2)
    plain = ALGORITHMS[name](D, domain=Ball(1.0), **options(name))
    scaled = ALGORITHMS[name](D, domain=Ball(1.0), **options(name))
    for g in gradients:
        plain.update(g)
        scaled.update(1e-30 * g)
        np.testing.assert_allclose(scaled.x, plain.x, atol=TOLERANCE)


@pytest.mark.parametrize("name", RATED)
def test_zero_gradients_do_not_move_a_learner(name):
    learner = ALGORITHMS[name](D, domain=Ball(1.0), lr=0.5, **options(name))
    for _ in range(3):
        learner.update(np.zeros(D))
    np.testing.assert_array_equal(learner.x, np.zeros(D))
    diagnostics = learner.diagnostics()
    assert diagnostics.quadratic == 0.0 and math.isfinite(diagnostics.potential)
