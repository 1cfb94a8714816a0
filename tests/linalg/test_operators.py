"""Operators with a known spectrum against dense matrices and `numpy.linalg.eigh`."""

import numpy as np
import pytest

from oco.linalg.low_rank import FactoredBasis, LowRankPlusScalar
from oco.linalg.operators import RANK_CUTOFF, Dense, Diagonal, Scalar, pseudo_power, resolve_rank

# A handful of products of numbers of order one, each rounded.
EXACT = 1e-12


def orthonormal_rows(rng, q, d):
    return np.linalg.qr(rng.standard_normal((d, q)))[0].T


def operators(seed, d=7):
    """Return operators of every kind, each with the matrix that it stands for."""
    rng = np.random.default_rng(seed)
    positive = rng.uniform(0.5, 3.0, d)
    with_zeros = positive * (rng.uniform(size=d) < 0.6)
    rows = orthonormal_rows(rng, 3, d)
    frame = orthonormal_rows(rng, 5, d)
    rotation = orthonormal_rows(rng, 2, 5)
    turned = rotation @ frame
    full = orthonormal_rows(rng, d, d)
    matrix = rows.T @ np.diag([3.0, 2.0, 1.0]) @ rows
    identity = np.eye(d)
    tail = 1.5 * (identity - rows.T @ rows)
    rest = 0.7 * (identity - turned.T @ turned)
    return {
        "scalar": (Scalar(2.5, d), 2.5 * identity),
        "zero scalar": (Scalar(0.0, d), 0 * identity),
        "diagonal": (Diagonal(positive), np.diag(positive)),
        "singular diagonal": (Diagonal(with_zeros), np.diag(with_zeros)),
        "dense": (Dense.of(matrix + 0.5 * identity), matrix + 0.5 * identity),
        "singular dense": (Dense.of(matrix), matrix),
        "low rank plus scalar": (
            LowRankPlusScalar.of(rows, np.array([5.0, 4.0, 0.0]), 1.5),
            rows.T @ np.diag([5.0, 4.0, 0.0]) @ rows + tail,
        ),
        "low rank": (LowRankPlusScalar.of(rows, np.array([3.0, 2.0, 1.0])), matrix),
        "factored": (
            LowRankPlusScalar(FactoredBasis(rotation, frame), np.array([2.0, 1.0]), 0.7, d),
            turned.T @ np.diag([2.0, 1.0]) @ turned + rest,
        ),
        "full rank": (LowRankPlusScalar.of(full, positive, 9.0), full.T @ np.diag(positive) @ full),
    }


KINDS = list(operators(0))
FUNCTIONS = {
    "square": np.square,
    "root": np.sqrt,
    "pseudo-inverse": lambda v: pseudo_power(v, -1),
    "inverse root": lambda v: pseudo_power(v, -0.5),
    "resolvent": lambda v: v / (v + 0.3),
    "constant": np.ones_like,
    "support": lambda v: (v > 0).astype(float),
}


def dense_function(matrix, f):
    values, vectors = np.linalg.eigh(matrix)
    values = resolve_rank(values)[0]
    return (vectors * f(values)) @ vectors.T


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_an_operator_is_that_function_of_its_matrix(kind, name):
    (operator, matrix), f = operators(1)[kind], FUNCTIONS[name]
    expected = dense_function(matrix, f)
    v = np.random.default_rng(2).standard_normal(operator.dim)
    np.testing.assert_allclose(operator.apply(f, v), expected @ v, atol=EXACT)
    np.testing.assert_allclose(operator.map(f).dense(), expected, atol=EXACT)
    np.testing.assert_allclose(operator.sum(f), np.trace(expected), atol=EXACT)


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_operator_says_of_itself(kind):
    operator, matrix = operators(6)[kind]
    values = np.linalg.eigvalsh(matrix)
    np.testing.assert_allclose(operator.dense(), matrix, atol=EXACT)
    np.testing.assert_allclose(operator.sum(), np.trace(matrix), atol=EXACT)
    assert operator.separable == (not np.any(matrix - np.diag(np.diag(matrix))))
    assert f"[{abs(values[0].round(9)):.3g}, {values[-1]:.3g}]" in repr(operator)
    assert f"dim={len(matrix)}" in repr(operator)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("radius", [0.05, 0.5, 1.2, 100.0])
def test_projection_onto_a_ball_is_that_of_the_matrix(kind, radius):
    """Minimal in the metric, by the optimality conditions; of the minimisers nearest to y."""
    operator, matrix = operators(7)[kind]
    y = np.random.default_rng(8).standard_normal(operator.dim)
    x = operator.project_on_ball(y, radius)
    length = np.linalg.norm(x)
    assert length <= radius * (1 + 1e-14)
    gradient = matrix @ (x - y)
    multiplier = -(gradient @ x) / length**2
    assert multiplier >= -EXACT
    np.testing.assert_allclose(gradient, -multiplier * x, atol=EXACT)
    if length < radius * (1 - 1e-9):
        np.testing.assert_allclose(x, y, atol=EXACT)
    if multiplier < EXACT:
        # What the metric does not see is y's, but for a factor that the ball may ask for.
        seen = dense_function(matrix, FUNCTIONS["support"])
        unseen, of_y = x - seen @ x, y - seen @ y
        np.testing.assert_allclose(np.linalg.norm(of_y) * unseen, np.linalg.norm(unseen) * of_y)


@pytest.mark.parametrize("kind", KINDS)
def test_components_are_orthogonal_and_sum_to_the_vector(kind):
    operator, _ = operators(3)[kind]
    v = np.random.default_rng(4).standard_normal(operator.dim)
    parts = operator.decompose(v)
    np.testing.assert_allclose(parts.recombine(np.ones_like(parts.values)), v, atol=EXACT)
    np.testing.assert_allclose(parts.squares.sum(), v @ v, rtol=EXACT)
    for i, square in enumerate(parts.squares):
        part = parts.recombine(np.eye(len(parts.values))[i])
        np.testing.assert_allclose(part @ part, square, atol=EXACT)
        np.testing.assert_allclose(operator @ part, parts.values[i] * part, atol=EXACT)
    assert operator.multiplicities.sum() == operator.dim


@pytest.mark.parametrize("kind", KINDS)
def test_inverse_power_satisfies_the_penrose_conditions(kind):
    operator, a = operators(5)[kind]
    plus = operator.power(-1).dense()
    np.testing.assert_allclose(a @ plus @ a, a, atol=EXACT)
    np.testing.assert_allclose(plus @ a @ plus, plus, atol=EXACT)
    np.testing.assert_allclose(
        operator.power(0.5).dense() @ operator.power(0.5).dense(), a, atol=EXACT
    )


def test_eigenvalues_at_rounding_level_are_zero_and_never_inverted():
    values, tail = resolve_rank(np.array([1.0, 2 * RANK_CUTOFF, RANK_CUTOFF, -1e-17]), 1e-14)
    assert values.tolist() == [1.0, 2 * RANK_CUTOFF, 0.0, 0.0] and tail == 0.0
    rng = np.random.default_rng(0)
    a = rng.standard_normal((4, 20))
    inverse_root = Dense.of(a.T @ a).power(-0.5)
    # Of a rank-4 matrix the 16 other directions must vanish, not blow up to 1e8.
    assert np.linalg.norm(inverse_root.dense(), 2) < 10


def test_a_diagonal_keeps_eigenvalues_of_any_scale():
    direction = Diagonal(np.array([1e20, 1e-20])).power(-1) @ np.array([1e20, 1e-20])
    np.testing.assert_allclose(direction, [1.0, 1.0])


def test_without_a_low_rank_part_there_is_only_the_tail():
    values, tail = resolve_rank(np.zeros(0), 2.0)
    assert len(values) == 0 and tail == 2.0


def test_the_tail_decides_the_rank_together_with_the_low_rank_part():
    values, tail = resolve_rank(np.array([1e-14]), 1.0)
    assert values[0] == 0.0 and tail == 1.0
    # At the cut-off itself as well, on either side.
    assert resolve_rank(np.array([1.0]), RANK_CUTOFF)[1] == 0.0
    assert resolve_rank(np.array([2.0]), 3 * RANK_CUTOFF)[1] == 3 * RANK_CUTOFF


def test_the_tail_counts_only_where_there_are_directions_for_it():
    rows = orthonormal_rows(np.random.default_rng(9), 4, 4)
    operator = LowRankPlusScalar.of(rows, np.array([4.0, 2.0, 1.0, 0.5]))
    assert operator.tail == 0.0
    with np.errstate(divide="ignore"):
        assert operator.sum(lambda v: 1 / v) == pytest.approx(0.25 + 0.5 + 1 + 2)
    assert LowRankPlusScalar.of(rows[:2], np.array([4.0, 2.0]), 0.5).tail == 0.5


def test_of_a_vector_in_the_span_nothing_is_left():
    rng = np.random.default_rng(10)
    rows = orthonormal_rows(rng, 3, 7)
    operator = LowRankPlusScalar.of(rows, np.array([5.0, 4.0, 3.0]), 1.5)
    for v in rng.standard_normal((50, 3)) @ rows:
        squares = operator.decompose(v).squares
        assert 0 <= squares[-1] <= 1e-14 * (v @ v)


def test_directions_must_be_rows_of_a_matrix():
    with pytest.raises(ValueError, match=r"rows: expected a matrix of shape \(n, 3\)"):
        LowRankPlusScalar.of(np.ones(3), np.array([1.0]))


def test_an_operator_tells_the_range_of_its_eigenvalues():
    assert repr(Diagonal(np.array([1.0, 4.0]))) == "Diagonal(dim=2, eigenvalues in [1, 4])"
    assert repr(Dense.of(2 * np.eye(3))) == "Dense(dim=3, eigenvalues in [2, 2])"
    # A tail that no direction is left for is none of its eigenvalues.
    full = LowRankPlusScalar.of(np.eye(2), np.array([5.0, 3.0]), 1.0)
    assert repr(full) == "LowRankPlusScalar(dim=2, eigenvalues in [3, 5])"
    assert full.tail == 1.0
