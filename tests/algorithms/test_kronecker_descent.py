"""Shampoo and S-Shampoo as learners: iterates against explicit matrices, and their bounds."""

import math
from functools import reduce

import numpy as np
import pytest
from dense_projection import dense_projection
from dense_shampoo import DenseFactor

from oco.algorithms import adam, s_shampoo, shampoo
from oco.algorithms.reshaped import reshaped
from oco.domains import Ball, Euclidean, Simplex

T, RADIUS = 110, 0.4
# The iterates are compared over all rounds; each rounds to about 1e-12.
TOLERANCE = 1e-8


def made(shape, k=None, **options):
    return shampoo(shape, **options) if k is None else s_shampoo(shape, k=k, **options)


def game(shape, seed=0):
    """Return functions g(t, x): gradients of ½(⟨A_t, X⟩ − 1)² + ‖X − B_t‖²/20, of full rank."""
    rng = np.random.default_rng(seed)
    scales = reduce(np.multiply.outer, [0.8 ** np.arange(n) for n in shape])
    features = rng.standard_normal((T, *shape)) * scales
    centres = rng.standard_normal((T, *shape)) * scales

    def gradient(t, x):
        return (np.sum(features[t] * x) - 1) * features[t] + (x - centres[t]) / 10

    return gradient


def powers(matrix, exponent):
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-12 * values.max()
    return (vectors * np.where(kept, np.where(kept, values, 1) ** exponent, 0)) @ vectors.T


def twin(shape, k, gradient, lr, epsilon, update_every, project):
    """Yield the iterates, and H_t, of the definition on explicit matrices."""
    x = np.zeros(shape)
    factors = [DenseFactor(n, k, 1.0) for n in shape]
    for t in range(T):
        yield x
        g = gradient(t, x)
        if t % update_every == 0:
            for axis, factor in enumerate(factors):
                factor.absorb(np.moveaxis(g, axis, 0).reshape(shape[axis], -1))
        covariances = [f.kept + f.escaped * np.eye(len(f.kept)) for f in factors]
        damped = [c + epsilon * np.linalg.norm(c, 2) * np.eye(len(c)) for c in covariances]
        h = reduce(np.kron, [powers(c, 1 / (2 * len(shape))) for c in damped])
        y = x.reshape(-1) - lr * (powers(h, -1) @ g.reshape(-1))
        x = project(y, h).reshape(shape)


@pytest.mark.parametrize("domain", [Ball(RADIUS), Euclidean()], ids=repr)
@pytest.mark.parametrize("options", [{}, {"epsilon": 0.0}, {"update_every": 3}], ids=str)
@pytest.mark.parametrize("k", [None, 2, 3])
@pytest.mark.parametrize("shape", [(5, 4), (3, 2, 4)], ids=str)
def test_iterates_equal_the_definition(shape, k, options, domain):
    options = {"epsilon": 1e-6, "update_every": 1, **options}
    gradient = game(shape)
    learner = made(shape, k, domain=domain, lr=0.3, **options)

    def project(y, h):
        return dense_projection(y, h, RADIUS) if domain.bounded else y

    lengths = []
    for t, x in enumerate(twin(shape, k, gradient, 0.3, project=project, **options)):
        np.testing.assert_allclose(learner.x, x, rtol=0, atol=TOLERANCE)
        learner.update(gradient(t, learner.x))
        lengths.append(np.linalg.norm(x))
    if domain.bounded:
        assert np.isclose(lengths, RADIUS).any(), "never projected"


@pytest.mark.parametrize("k", [None, 2, 4])
@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_iterates_do_not_depend_on_the_units_of_the_gradient(k, scale):
    gradient = game((5, 6))
    plain, scaled = (made((5, 6), k, domain=Ball(1.0)) for _ in range(2))
    for t in range(T):
        g = gradient(t, plain.x)
        plain.update(g)
        scaled.update(scale * g)
        np.testing.assert_allclose(scaled.x, plain.x, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("k", [None, 2, 4])
def test_turning_the_gradients_turns_the_iterates(k):
    rng = np.random.default_rng(8)
    left, right = (np.linalg.qr(rng.standard_normal((n, n)))[0] for n in (5, 6))
    gradient = game((5, 6))
    plain, turned = (made((5, 6), k, domain=Ball(1.0)) for _ in range(2))
    for t in range(T):
        g = gradient(t, plain.x)
        plain.update(g)
        turned.update(left @ g @ right)
        np.testing.assert_allclose(turned.x, left @ plain.x @ right, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("lr", [None, 0.1])
@pytest.mark.parametrize("update_every", [1, 4])
@pytest.mark.parametrize("k", [None, 2, 4])
@pytest.mark.parametrize("shape, rank", [((6, 5), 1), ((6, 5), 3), ((3, 2, 4), None)], ids=str)
def test_the_certificate_bounds_the_regret_against_an_adversary(shape, rank, k, update_every, lr):
    """Signs chosen to hurt, after rounds of zeros; ⟨G_t, X_t − U⟩ for the best U of the ball."""
    rng = np.random.default_rng(3)
    options = {"domain": Ball(RADIUS), "update_every": update_every, "lr": lr}
    learner = made(shape, k, gradient_rank=rank, **options)
    d, total, played = 2 * RADIUS, np.zeros(shape), 0.0
    for t in range(T):
        if rank is None:
            g = rng.standard_normal(shape) * 0.7 ** np.arange(shape[-1])
        else:
            g = rng.standard_normal((shape[0], rank)) @ rng.standard_normal((rank, shape[1]))
        g = g * (t >= 2) * np.sign(np.sum(g * learner.x) or 1.0)
        played, total = played + np.sum(g * learner.x), total + g
        learner.update(g)
        account = learner.diagnostics()
        trace = math.prod(axis.potential for axis in account.axes)
        assert account.potential == pytest.approx(trace)
        certificate = d**2 / (2 * learner.lr) * trace + learner.lr / 2 * account.quadratic
        regret = played + RADIUS * np.linalg.norm(total)
        assert regret <= certificate
        if update_every == 1:
            assert account.quadratic <= 2 * account.gradient_rank * trace * (1 + 1e-12)


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("shape", [(7, 6), (5, 6, 5)], ids=str)
def test_the_account_of_each_axis_is_below_its_spectral_bound(shape, k):
    """tr (C̃ + ε)^a ≤ tr (C + ε)^a + n τ^a for a = 1/(2p), and τ ≤ Σ_{i>j} λ_i(C)/(ℓ − j)."""
    learner, gradient = s_shampoo(shape, k=k, domain=Ball(1.0), epsilon=0.1), game(shape)
    exact, power = [0.0 for _ in shape], 1 / (2 * len(shape))
    for t in range(T):
        g = gradient(t, learner.x)
        learner.update(g)
        for i, n in enumerate(shape):
            columns = np.moveaxis(g, i, 0).reshape(n, -1)
            exact[i] = exact[i] + columns @ columns.T
    factors = learner.preconditioner.factors
    for axis, factor, matrix in zip(learner.diagnostics().axes, factors, exact, strict=True):
        assert axis.rank == k and axis.dim == len(matrix)
        largest = factor.covariance().values.max()
        assert axis.regularisation == pytest.approx(0.1 * largest, rel=1e-12)
        values = np.linalg.eigvalsh(matrix)[::-1]
        assert 0 < axis.escaped_mass <= min(values[j:].sum() / (k - j) for j in range(k))
        root_trace = ((values + axis.regularisation) ** power).sum()
        bound = root_trace + axis.dim * axis.escaped_mass**power
        assert root_trace < axis.potential < bound


def test_default_rates():
    domain = Ball(1.5)
    assert shampoo((4, 6), domain=domain).lr == pytest.approx(3 / math.sqrt(8))
    assert s_shampoo((4, 6), k=2, domain=domain, gradient_rank=2).lr == pytest.approx(1.5)
    assert shampoo((9, 1), domain=domain).lr == pytest.approx(3 / math.sqrt(2))
    tensor = shampoo((2, 2, 4), domain=domain)
    assert tensor.lr == pytest.approx(3 / math.sqrt(2 * (2 * 2 * 4) ** (1 / 3)))
    assert adam((2, 3), domain=domain).lr == 1e-3


def test_the_entries_of_a_matrix_are_played_as_a_vector():
    """The vector learner behind the matrix learner, and a vector learner shown as a matrix."""
    gradient = game((5, 4))
    learner, twin = (s_shampoo((5, 4), k=2, domain=Ball(RADIUS)) for _ in range(2))
    vectors = reshaped(twin, (20,))
    adam_vectors, adam_matrix = adam(20, domain=Ball(1.0)), adam((5, 4), domain=Ball(1.0))
    again = reshaped(adam_matrix, (2, 10))
    for t in range(T):
        g = gradient(t, learner.x)
        learner.update(g)
        vectors.update(g.reshape(-1))
        np.testing.assert_array_equal(learner.x.reshape(-1), vectors.x)
        adam_vectors.update(g.reshape(-1))
        again.update(g.reshape(2, 10))
        np.testing.assert_array_equal(again.x.reshape(-1), adam_vectors.x)
    assert learner.diagnostics() == vectors.diagnostics() == twin.diagnostics()
    assert again.learner is adam_matrix.learner
    with pytest.raises(ValueError, match=r"shape: expected 20 entries, got \(3, 7\)"):
        reshaped(learner, (3, 7))


def test_points_have_the_shape_and_are_not_overwritten():
    learner = s_shampoo((4, 3), k=2, domain=Ball(1.0))
    assert learner.x.shape == (4, 3) == learner.shape and learner.d == 12
    first = learner.x
    learner.update(np.ones((4, 3)))
    np.testing.assert_array_equal(first, np.zeros((4, 3)))


def test_a_sketch_keeps_less_than_the_factors():
    kept = {}
    for k in (None, 4):
        learner = made((200, 100), k, domain=Ball(1.0))
        learner.update(np.random.default_rng(0).standard_normal((200, 100)))
        kept[k] = learner.diagnostics().state_bytes - 200 * 100 * 8
    # The factors and their eigenvectors.
    assert kept[None] == 2 * 8 * (200**2 + 100**2)
    assert kept[4] < 0.1 * kept[None]


@pytest.mark.parametrize("k", [None, 2])
def test_bad_gradients_change_nothing(k):
    learner = made((3, 2), k, domain=Ball(1.0))
    learner.update(np.ones((3, 2)))
    before, account = learner.x.copy(), learner.diagnostics()
    for bad, message in [
        (np.ones((2, 3)), r"g: expected an array of shape \(3, 2\), got shape \(2, 3\)"),
        (np.full((3, 2), np.nan), r"g: expected finite numbers, got nan at index \(0, 0\)"),
        (np.full((3, 2), 1e200), "g: expected a finite squared length"),
    ]:
        with pytest.raises(ValueError, match=message):
            learner.update(bad)
    np.testing.assert_array_equal(learner.x, before)
    assert learner.diagnostics() == account


@pytest.mark.parametrize(
    "options, message",
    [
        ({"k": 1}, "k: expected an integer >= 2, got 1"),
        ({"k": (2, 1)}, r"k\[1\]: expected an integer >= 2, got 1"),
        ({"gradient_rank": 0}, "gradient_rank: expected an integer >= 1, got 0"),
        ({"domain": Simplex()}, "domain: simplex needs a learner with a scalar or diagonal metric"),
        ({"domain": Euclidean()}, "lr: expected a number > 0, got None"),
        ({"epsilon": 0.0, "update_every": 2}, "epsilon: expected a number > 0 with update_every=2"),
        ({"shape": (3, 0)}, r"shape\[1\]: expected an integer >= 1, got 0"),
    ],
    ids=str,
)
def test_bad_options_are_refused(options, message):
    options = {"shape": (3, 4), "k": 2, "domain": Ball(1.0)} | options
    with pytest.raises(ValueError, match=f"^{message}"):
        s_shampoo(options.pop("shape"), **options)
    with pytest.raises(TypeError, match="k: expected an integer >= 2, got None"):
        s_shampoo((3, 4), k=None, domain=Ball(1.0))
