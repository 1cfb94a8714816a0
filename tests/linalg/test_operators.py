"""Operators with a known spectrum against dense matrices and `numpy.linalg.eigh`."""

import numpy as np
import pytest

from oco.linalg.operators import (
    RANK_CUTOFF,
    Dense,
    Diagonal,
    FactoredBasis,
    LowRankPlusScalar,
    Scalar,
    pseudo_power,
    resolve_rank,
)

# A handful of products of numbers of order one, each rounded.
EXACT = 1e-12


def orthonormal_rows(rng, q, d):
    return np.linalg.qr(rng.standard_normal((d, q)))[0].T


def operators(seed, d=7):
    rng = np.random.default_rng(seed)
    positive = rng.uniform(0.5, 3.0, d)
    with_zeros = positive * (rng.uniform(size=d) < 0.6)
    rows = orthonormal_rows(rng, 3, d)
    frame = orthonormal_rows(rng, 5, d)
    rotation = orthonormal_rows(rng, 2, 5)
    matrix = rows.T @ np.diag([3.0, 2.0, 1.0]) @ rows
    return {
        "scalar": Scalar(2.5, d),
        "zero scalar": Scalar(0.0, d),
        "diagonal": Diagonal(positive),
        "singular diagonal": Diagonal(with_zeros),
        "dense": Dense.of(matrix + 0.5 * np.eye(d)),
        "singular dense": Dense.of(matrix),
        "low rank plus scalar": LowRankPlusScalar.of(rows, np.array([5.0, 4.0, 0.0]), 1.5),
        "low rank": LowRankPlusScalar.of(rows, np.array([5.0, 4.0, 3.0])),
        "factored": LowRankPlusScalar(FactoredBasis(rotation, frame), np.array([2.0, 1.0]), 0.7, d),
        "full rank": LowRankPlusScalar.of(orthonormal_rows(rng, d, d), positive, 9.0),
    }


FUNCTIONS = {
    "square": np.square,
    "root": np.sqrt,
    "pseudo-inverse": lambda v: pseudo_power(v, -1),
    "inverse root": lambda v: pseudo_power(v, -0.5),
    "resolvent": lambda v: v / (v + 0.3),
    "constant": np.ones_like,
}


def dense_function(operator, f):
    values, vectors = np.linalg.eigh(operator.dense())
    values = resolve_rank(values)[0]
    return (vectors * f(values)) @ vectors.T


@pytest.mark.parametrize("kind", operators(0))
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_an_operator_is_that_function_of_its_matrix(kind, name):
    operator, f = operators(1)[kind], FUNCTIONS[name]
    expected = dense_function(operator, f)
    v = np.random.default_rng(2).standard_normal(operator.dim)
    np.testing.assert_allclose(operator.apply(f, v), expected @ v, atol=EXACT)
    np.testing.assert_allclose(operator.map(f).dense(), expected, atol=EXACT)
    np.testing.assert_allclose(operator.sum(f), np.trace(expected), atol=EXACT)


@pytest.mark.parametrize("kind", operators(0))
def test_components_are_orthogonal_and_sum_to_the_vector(kind):
    operator = operators(3)[kind]
    v = np.random.default_rng(4).standard_normal(operator.dim)
    parts = operator.decompose(v)
    np.testing.assert_allclose(parts.recombine(np.ones_like(parts.values)), v, atol=EXACT)
    np.testing.assert_allclose(parts.squares.sum(), v @ v, rtol=EXACT)
    for i, square in enumerate(parts.squares):
        part = parts.recombine(np.eye(len(parts.values))[i])
        np.testing.assert_allclose(part @ part, square, atol=EXACT)
        np.testing.assert_allclose(operator @ part, parts.values[i] * part, atol=EXACT)
    assert operator.multiplicities.sum() == operator.dim


@pytest.mark.parametrize("kind", operators(0))
def test_inverse_power_satisfies_the_penrose_conditions(kind):
    operator = operators(5)[kind]
    a, plus = operator.dense(), operator.power(-1).dense()
    np.testing.assert_allclose(a @ plus @ a, a, atol=EXACT)
    np.testing.assert_allclose(plus @ a @ plus, plus, atol=EXACT)
    np.testing.assert_allclose(
        operator.power(0.5).dense() @ operator.power(0.5).dense(), a, atol=EXACT
    )


def test_eigenvalues_at_rounding_level_are_zero_and_never_inverted():
    values, tail = resolve_rank(np.array([1.0, 2 * RANK_CUTOFF, RANK_CUTOFF / 2, -1e-17]), 1e-14)
    assert values.tolist() == [1.0, 2 * RANK_CUTOFF, 0.0, 0.0] and tail == 0.0
    rng = np.random.default_rng(0)
    a = rng.standard_normal((4, 20))
    inverse_root = Dense.of(a.T @ a).power(-0.5)
    # Of a rank-4 matrix the 16 other directions must vanish, not blow up to 1e8.
    assert np.linalg.norm(inverse_root.dense(), 2) < 10


def test_a_diagonal_keeps_eigenvalues_of_any_scale():
    direction = Diagonal(np.array([1e20, 1e-20])).power(-1) @ np.array([1e20, 1e-20])
    np.testing.assert_allclose(direction, [1.0, 1.0])


def test_the_tail_decides_the_rank_together_with_the_low_rank_part():
    values, tail = resolve_rank(np.array([1e-14]), 1.0)
    assert values[0] == 0.0 and tail == 1.0
