"""Kronecker products and blocks of them against the dense matrices that they stand for."""

from functools import reduce

import numpy as np
import pytest

from oco.linalg.kronecker import BlockDiagonal, Kronecker, along, unfold
from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.operators import Dense

# A few products of matrices with entries of about 1.
TOLERANCE = 1e-12


def dense(rng, n, rank=None):
    factor = rng.standard_normal((n, rank or n))
    return Dense.of(factor @ factor.T)


def low_rank(rng, n, rank, tail):
    rows = np.linalg.qr(rng.standard_normal((n, rank)))[0].T
    return LowRankPlusScalar.of(rows, rng.uniform(1, 5, rank), tail)


def product(name):
    rng = np.random.default_rng(1)
    factors = {
        "exact": lambda: [dense(rng, 4), dense(rng, 3)],
        "sketched": lambda: [low_rank(rng, 5, 2, 0.3), low_rank(rng, 4, 1, 0.7)],
        "mixed": lambda: [low_rank(rng, 4, 2, 0.3), dense(rng, 3)],
        "singular": lambda: [low_rank(rng, 4, 2, 0.0), dense(rng, 3, rank=2)],
        "tensor": lambda: [dense(rng, 2), low_rank(rng, 4, 1, 0.2), low_rank(rng, 3, 2, 0.5)],
        "one axis": lambda: [low_rank(rng, 5, 2, 0.3)],
        "no tail left": lambda: [low_rank(rng, 3, 3, 0.3), dense(rng, 2)],
    }[name]()
    return Kronecker(factors)


def blocks():
    rng = np.random.default_rng(2)
    places = [(slice(i, i + 2), slice(j, j + 3)) for i in (0, 2) for j in (0, 3)]
    operators = [Kronecker([dense(rng, 2), low_rank(rng, 3, 1, 0.4)]) for _ in places]
    return BlockDiagonal((4, 6), places, operators), places, operators


PRODUCTS = ("exact", "sketched", "mixed", "singular", "tensor", "one axis", "no tail left")
CASES = {name: product(name) for name in PRODUCTS} | {"blocks": blocks()[0]}


@pytest.mark.parametrize("name", PRODUCTS)
def test_it_is_the_kronecker_product(name):
    operator = CASES[name]
    expected = reduce(np.kron, [factor.dense() for factor in operator.factors])
    np.testing.assert_allclose(operator.dense(), expected, atol=TOLERANCE)
    assert operator.dim == len(expected)


def test_blocks_act_on_their_part_of_the_tensor():
    operator, places, parts = blocks()
    v = np.random.default_rng(3).standard_normal((4, 6))
    expected = np.empty_like(v)
    for place, part in zip(places, parts, strict=True):
        expected[place] = (part @ v[place].reshape(-1)).reshape(2, 3)
    np.testing.assert_allclose(operator @ v.reshape(-1), expected.reshape(-1), atol=TOLERANCE)


@pytest.mark.parametrize("operator", CASES.values(), ids=CASES)
def test_the_spectrum_is_that_of_the_dense_matrix(operator):
    values = np.repeat(operator.values, operator.multiplicities.astype(int))
    expected = np.linalg.eigvalsh(operator.dense())
    np.testing.assert_allclose(np.sort(values), expected, atol=TOLERANCE * expected[-1])
    assert operator.sum() == pytest.approx(expected.sum(), rel=TOLERANCE)
    assert operator.sum(np.sqrt) == pytest.approx(np.sqrt(np.maximum(expected, 0)).sum(), rel=1e-6)


@pytest.mark.parametrize("operator", CASES.values(), ids=CASES)
def test_components_add_up_and_are_eigenvectors(operator):
    v = np.random.default_rng(4).standard_normal(operator.dim)
    parts = operator.decompose(v)
    whole = parts.recombine(np.ones(len(parts.values)))
    np.testing.assert_allclose(whole, v, atol=TOLERANCE)
    assert parts.squares.sum() == pytest.approx(v @ v, rel=TOLERANCE)
    matrix = operator.dense()
    for i, value in enumerate(parts.values):
        own = parts.recombine(np.eye(len(parts.values))[i])
        assert own @ own == pytest.approx(parts.squares[i], abs=TOLERANCE)
        np.testing.assert_allclose(matrix @ own, value * own, atol=100 * TOLERANCE)


@pytest.mark.parametrize("operator", CASES.values(), ids=CASES)
def test_functions_of_it(operator):
    v = np.random.default_rng(5).standard_normal(operator.dim)
    values, vectors = np.linalg.eigh(operator.dense())
    values = np.where(values > 1e-10, values, 0.0)
    powers = np.where(values > 0, np.where(values > 0, values, 1) ** -0.25, 0)
    expected = vectors @ (powers * (vectors.T @ v))
    np.testing.assert_allclose(operator.power(-0.25) @ v, expected, atol=1e-10)
    expected = vectors @ (np.log1p(values) * (vectors.T @ v))
    np.testing.assert_allclose(operator.map(np.log1p) @ v, expected, atol=1e-10)
    np.testing.assert_allclose(operator.apply(np.log1p, v), expected, atol=1e-10)


@pytest.mark.parametrize("name", PRODUCTS)
def test_solving_is_the_pseudo_inverse(name):
    operator = CASES[name]
    v = np.random.default_rng(8).standard_normal(operator.dim)
    expected = np.linalg.pinv(operator.dense(), rcond=1e-10, hermitian=True) @ v
    np.testing.assert_allclose(operator.solve(v), expected, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize("scale", [0.5, 3.0, 1e4])
@pytest.mark.parametrize("operator", CASES.values(), ids=CASES)
def test_projection_satisfies_the_variational_inequality(operator, scale):
    """⟨H(x − y), u − x⟩ ≥ 0 for every u in the ball; the worst u is −H(x − y)/‖H(x − y)‖."""
    y = scale * np.random.default_rng(6).standard_normal(operator.dim)
    x = operator.project_on_ball(y, 1.0)
    slope = operator @ (x - y)
    worst = -np.linalg.norm(slope) - slope @ x
    assert np.linalg.norm(x) <= 1 + 1e-12
    assert worst >= -1e-9 * max(np.linalg.norm(slope), 1)


def test_unfolding_is_undone_along_each_axis():
    tensor = np.random.default_rng(7).standard_normal((2, 3, 4))
    for axis in range(3):
        assert unfold(tensor, axis).shape == (tensor.shape[axis], 24 // tensor.shape[axis])
        np.testing.assert_array_equal(along(lambda m: m, tensor, axis), tensor)
        np.testing.assert_allclose(
            unfold(tensor, axis) @ unfold(tensor, axis).T,
            np.tensordot(tensor, tensor, axes=[[i for i in range(3) if i != axis]] * 2),
        )
