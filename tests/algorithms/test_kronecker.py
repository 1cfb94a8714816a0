"""Kronecker-factored preconditioners against explicit matrices, round by round."""

import math
from functools import reduce

import numpy as np
import pytest
from dense_shampoo import DenseFactor

from oco.algorithms.kronecker import KroneckerRoot
from oco.linalg.operators import RANK_CUTOFF

# Directions of length about 1, from eigenvalues that round to 1e-12.
TOLERANCE = 1e-8
T = 110


def gradients(shape, seed=0, rank=None):
    """Gradients with a decaying spectrum along each axis; their covariances are far from round."""
    rng = np.random.default_rng(seed)
    scales = reduce(np.multiply.outer, [0.8 ** np.arange(n) for n in shape])
    for _ in range(T):
        yield rng.standard_normal(shape) * scales


def definition(shape, k, decay, epsilon, update_every, bias_correction, floor=0.0):
    """A function of the gradient that returns H⁻¹ G, with H an explicit matrix; axes are > 1."""
    order = len(shape)
    factors = [DenseFactor(n, k, decay) for n in shape]
    t = absorbed = 0

    def update(g):
        nonlocal t, absorbed
        if t % update_every == 0:
            absorbed += 1
            for axis, factor in enumerate(factors):
                factor.absorb(np.moveaxis(g, axis, 0).reshape(shape[axis], -1))
        t += 1
        scale = 1.0
        if decay < 1:
            scale = (1 - decay) / (1 - decay**absorbed if bias_correction else 1)
        roots = [f.inverse_root(scale, epsilon, order, floor=floor) for f in factors]
        inverse = reduce(np.kron, roots)
        return (inverse @ g.reshape(-1)).reshape(shape)

    return update


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"k": None},
        {"k": None, "epsilon": 0.0},
        {"decay": 0.9},
        {"decay": 0.9, "bias_correction": False},
        {"decay": 0.95, "update_every": 4},
        {"update_every": 3, "k": 2},
        {"epsilon": 1e-2},
        {"floor": 0.1, "decay": 0.9, "update_every": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(5, 4), (7,), (3, 4, 2), (2, 2, 2, 3)], ids=str)
def test_directions_equal_the_definition(shape, options):
    given = {
        "k": 3,
        "decay": 1.0,
        "epsilon": 1e-6,
        "update_every": 1,
        "bias_correction": True,
    } | options
    root, twin = KroneckerRoot(shape, **given), definition(shape, **given)
    for g in gradients(shape):
        expected = twin(g)
        # A gradient between two updates may be new to the metric, and its direction be long.
        length = max(np.abs(expected).max(), 1.0)
        np.testing.assert_allclose(root.precondition(g), expected, rtol=0, atol=TOLERANCE * length)


@pytest.mark.parametrize("options", [{}, {"k": 2, "decay": 0.9}], ids=str)
def test_axes_of_length_one_are_merged_away(options):
    wide, plain = KroneckerRoot((1, 4, 1, 3), **options), KroneckerRoot((4, 3), **options)
    for g in gradients((4, 3)):
        direction = wide.precondition(g.reshape(1, 4, 1, 3))
        np.testing.assert_array_equal(direction, plain.precondition(g).reshape(1, 4, 1, 3))
    assert wide.order == 2 and [factor.dim for factor in wide.factors] == [4, 3]


def test_one_entry_has_one_axis():
    root = KroneckerRoot((1, 1), epsilon=0.0)
    root.precondition([[3.0]])
    assert root.precondition([[4.0]])[0, 0] == pytest.approx(4 / 5)


@pytest.mark.parametrize("options", [{}, {"k": 2}, {"decay": 0.9, "k": 3}], ids=str)
def test_blocks_are_preconditioners_of_their_own(options):
    whole = KroneckerRoot((7, 10), max_axis=4, **options)
    places = [(slice(i, i + 4), slice(j, j + 4)) for i in (0, 4) for j in (0, 4, 8)]
    own = [KroneckerRoot(np.zeros((7, 10))[place].shape, **options) for place in places]
    for g in gradients((7, 10)):
        direction = whole.precondition(g)
        for place, root in zip(places, own, strict=True):
            expected = root.precondition(g[place])
            np.testing.assert_allclose(direction[place], expected, rtol=1e-12, atol=1e-12)
    assert whole.state_bytes == sum(root.state_bytes for root in own)


@pytest.mark.parametrize("options", [{}, {"k": 2}, {"max_axis": 3, "k": 2}], ids=str)
def test_the_metric_is_what_the_direction_is_divided_by(options):
    root = KroneckerRoot((5, 4), **options)
    for g in gradients((5, 4)):
        direction = root.precondition(g)
    metric = root.metric
    np.testing.assert_allclose(metric @ direction.reshape(-1), g.reshape(-1), atol=TOLERANCE)
    assert root.potential == pytest.approx(np.trace(metric.dense()), rel=1e-12)
    assert [r.dim for r in root.roots] == [factor.dim for factor in root.factors]


def test_ranks_are_given_axis_by_axis():
    root = KroneckerRoot((6, 1, 5, 4), k=(3, 2, None, 4))
    assert [factor.rank for factor in root.factors] == [3, None, None]


@pytest.mark.parametrize("epsilon", [0.0, 1e-6])
@pytest.mark.parametrize("rank, inner", [(3, 2), (5, 4), (9, 7)])
def test_with_room_for_the_gradients_a_sketch_is_exact(rank, inner, epsilon):
    """Gradients A_t S with all of their columns, and rows, in a space of less than ℓ dimensions."""
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((10, inner)), rng.standard_normal((inner, 12))
    sketched = KroneckerRoot((10, 12), k=rank, epsilon=epsilon)
    exact = KroneckerRoot((10, 12), epsilon=epsilon)
    for _ in range(T):
        g = left @ rng.standard_normal((inner, inner)) @ right
        np.testing.assert_allclose(
            sketched.precondition(g), exact.precondition(g), rtol=0, atol=TOLERANCE
        )
    assert sketched.escaped_mass == pytest.approx(0.0, abs=1e-8)
    assert [factor.rank for factor in sketched.factors] == [rank, rank]


def test_what_escapes_at_rounding_level_is_not_inverted():
    """With ε = 0, noise of 3e-7 beside the gradients makes τ about 1e-14 of λ_max: that is 0."""
    rng = np.random.default_rng(1)
    noisy, plain = (KroneckerRoot((10, 12), k=4, epsilon=0.0) for _ in range(2))
    left, right = rng.standard_normal((10, 2)), rng.standard_normal((2, 12))
    for _ in range(T):
        g = left @ rng.standard_normal((2, 2)) @ right
        direction = noisy.precondition(g + 3e-7 * rng.standard_normal(g.shape))
        np.testing.assert_allclose(direction, plain.precondition(g), rtol=0, atol=1e-6)
    for factor in noisy.factors:
        assert 0 < factor.escaped_mass < RANK_CUTOFF * factor.covariance().values.max()


@pytest.mark.parametrize("rank", [5, 6, 40])
def test_as_long_as_the_axis_a_sketch_is_exact(rank):
    sketched, exact = KroneckerRoot((5, 4), k=rank), KroneckerRoot((5, 4))
    for g in gradients((5, 4)):
        np.testing.assert_allclose(
            sketched.precondition(g), exact.precondition(g), rtol=0, atol=TOLERANCE
        )
    assert sketched.escaped_mass is None


@pytest.mark.parametrize("options", [{}, {"k": 2}, {"k": 3, "epsilon": 0.0}], ids=str)
def test_without_decay_the_metric_never_shrinks_and_dominates(options):
    """H_t ⪰ H_{t−1}, and H_t² ⪰ Σ g gᵀ/r: what the regret bounds rest on."""
    before, covariance = 0.0, 0.0
    root = KroneckerRoot((4, 3), **options)
    for g in gradients((4, 3)):
        root.precondition(g)
        covariance += np.outer(g, g)
        h = root.metric.dense()
        scale = np.linalg.norm(h, 2)
        assert np.linalg.eigvalsh(h - before)[0] >= -1e-9 * scale
        assert np.linalg.eigvalsh(h @ h - covariance / 3)[0] >= -1e-9 * scale**2
        before = h


@pytest.mark.parametrize("options", [{}, {"k": 2}, {"max_axis": 3}], ids=str)
def test_a_bad_gradient_changes_nothing(options):
    seen, unseen = KroneckerRoot((5, 4), **options), KroneckerRoot((5, 4), **options)
    stream = list(gradients((5, 4)))
    for g in stream[:5]:
        seen.precondition(g)
        unseen.precondition(g)
    for bad, message in [
        (stream[0].T, r"gradient: expected an array of shape \(5, 4\), got shape \(4, 5\)"),
        (stream[0] * np.inf, "gradient: expected finite numbers, got"),
        (np.where(np.eye(5, 4), np.nan, 1.0), r"gradient: expected finite numbers, got nan at ind"),
        (np.full((5, 4), 1e200), "gradient: expected a finite squared length"),
    ]:
        with pytest.raises(ValueError, match=message):
            seen.precondition(bad)
    for g in stream[5:10]:
        np.testing.assert_array_equal(seen.precondition(g), unseen.precondition(g))


@pytest.mark.parametrize("rank", [None, 2])
def test_gradients_whose_squares_add_up_to_infinity_are_refused(rank):
    root, huge = KroneckerRoot((3, 2), k=rank), np.full((3, 2), 3e153)
    root.precondition(huge)
    direction = root.precondition(huge)
    with pytest.raises(ValueError, match="gradient: expected a finite sum of all squares, got inf"):
        root.precondition(1.5 * huge)
    # Of the third no trace is left: the metric grows by the root of 3/2 from the second.
    np.testing.assert_allclose(root.precondition(huge), direction * math.sqrt(2 / 3), atol=1e-10)


def test_before_the_first_gradient_the_metric_is_zero():
    root = KroneckerRoot((3, 2), k=2)
    assert root.metric.sum() == 0.0 == root.potential and root.metric.dim == 6
    np.testing.assert_array_equal(root.precondition(np.zeros((3, 2))), np.zeros((3, 2)))


@pytest.mark.parametrize(
    "shape, options, error, message",
    [
        ((3, 0), {}, ValueError, r"shape\[1\]: expected an integer >= 1, got 0"),
        ((), {}, ValueError, "shape: expected at least one axis, got none"),
        ((3, 2.0), {}, TypeError, r"shape\[1\]: expected an integer >= 1, got 2.0"),
        ("3x2", {}, TypeError, "shape: expected an integer >= 1, got '3x2'"),
        ((3, 2), {"k": 1}, ValueError, "k: expected an integer >= 2, got 1"),
        ((3, 2), {"k": 2.0}, TypeError, "k: expected an integer >= 2, got 2.0"),
        ((3, 2), {"k": (2, 0)}, ValueError, r"k\[1\]: expected an integer >= 2, got 0"),
        ((3, 2), {"k": (2,)}, ValueError, "k: expected one for each of the 2 axes, got 1"),
        ((3, 2), {"decay": 0.0}, ValueError, "decay: expected a finite number > 0"),
        ((3, 2), {"decay": 1.1}, ValueError, "decay: expected a finite number > 0"),
        ((3, 2), {"epsilon": -1e-9}, ValueError, "epsilon: expected a finite number >= 0"),
        ((3, 2), {"floor": -1.0}, ValueError, "floor: expected a finite number >= 0"),
        ((3, 2), {"update_every": 0}, ValueError, "update_every: expected an integer >= 1, got 0"),
        ((3, 2), {"max_axis": 0}, ValueError, "max_axis: expected an integer >= 1, got 0"),
    ],
    ids=str,
)
def test_bad_options_are_refused(shape, options, error, message):
    with pytest.raises(error, match=f"^{message}"):
        KroneckerRoot(shape, **options)
