"""Operators on tensors that act on each axis: Kronecker products, and blocks of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial, reduce

import numpy as np

from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.operators import Components, Dense, SpectralOperator, pseudo_power

__all__ = ["BlockDiagonal", "Kronecker", "along", "unfold"]


def unfold(tensor: np.ndarray, axis: int) -> np.ndarray:
    """Return the tensor as a matrix whose rows run along `axis`, of shape (n, everything else).

    Examples
    --------
    >>> unfold(np.arange(6).reshape(1, 2, 3), axis=1)
    array([[0, 1, 2], [3, 4, 5]])
    """
    return np.moveaxis(tensor, axis, 0).reshape(tensor.shape[axis], -1)


def along(function: Callable[[np.ndarray], np.ndarray], tensor: np.ndarray, axis: int):
    """Return the tensor whose unfolding along `axis` is ``function(unfold(tensor, axis))``.

    Examples
    --------
    >>> along(lambda columns: columns[:1], np.arange(6).reshape(2, 3), axis=1)
    array([[0], [3]])
    """
    others = tensor.shape[:axis] + tensor.shape[axis + 1 :]
    return np.moveaxis(function(unfold(tensor, axis)).reshape(-1, *others), 0, axis)


class _Axis:
    """One factor of a Kronecker product, as it acts on the columns of an unfolded tensor.

    A column of length n becomes its q coordinates along the factor's eigenvectors and, where the
    factor is a low-rank part plus a scalar (``tailed``), what these leave of it: n more numbers,
    which share the last eigenvalue.  Lengths are kept, and so the adjoint maps back.
    """

    def __init__(self, operator: Dense | LowRankPlusScalar) -> None:
        self.operator = operator
        self.tailed = not isinstance(operator, Dense)
        self.rank = len(operator.values) - self.tailed

    def coordinates(self, columns: np.ndarray) -> np.ndarray:
        """Return the columns' coordinates along the eigenvectors."""
        if isinstance(self.operator, Dense):
            return self.operator.vectors.T @ columns
        return self.operator.basis.coordinates(columns)

    def combine(self, coordinates: np.ndarray) -> np.ndarray:
        """Return the columns with these coordinates along the eigenvectors."""
        if isinstance(self.operator, Dense):
            return self.operator.vectors @ coordinates
        return self.operator.basis.combine(coordinates.T).T

    def analyse(self, columns: np.ndarray) -> np.ndarray:
        coordinates = self.coordinates(columns)
        if not self.tailed:
            return coordinates
        return np.concatenate([coordinates, columns - self.combine(coordinates)])

    def synthesise(self, coordinates: np.ndarray) -> np.ndarray:
        columns = self.combine(coordinates[: self.rank])
        return columns + coordinates[self.rank :] if self.tailed else columns

    def multiply(self, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return A X for the columns X and the operator A with the eigenvalues given."""
        if not self.rank:
            return values[0] * columns
        coordinates = self.coordinates(columns)
        if not self.tailed:
            return self.combine(values[:, None] * coordinates)
        low_rank = self.combine((values[:-1] - values[-1])[:, None] * coordinates)
        return low_rank + values[-1] * columns

    def sums(self, squares: np.ndarray, axis: int) -> np.ndarray:
        """Sum squares over each eigenspace: q of one dimension each, and that of the rest."""
        return np.add.reduceat(squares, range(self.rank + 1), axis) if self.tailed else squares

    @property
    def spread(self) -> np.ndarray:
        """The index of the eigenvalue that belongs to each coordinate."""
        tail = np.full(self.tailed * self.operator.dim, self.rank)
        return np.concatenate([np.arange(self.rank), tail])


class _OnAxes(SpectralOperator):
    """A Kronecker product, or any function of one: the same eigenspaces, other eigenvalues."""

    def __init__(self, axes: Sequence[_Axis]) -> None:
        self._axes = axes
        self.dim = int(np.prod([axis.operator.dim for axis in axes]))

    @cached_property
    def values(self) -> np.ndarray:
        """Products of the factors' eigenvalues: computed only where a projection needs them."""
        return _outer([axis.operator.values for axis in self._axes])

    @cached_property
    def multiplicities(self) -> np.ndarray:
        """How many directions each eigenvalue stands for: products over the axes."""
        return _outer([axis.operator.multiplicities for axis in self._axes])

    def decompose(self, v):
        """Split `v`, the entries of a tensor in C order."""
        tensor = v.reshape([axis.operator.dim for axis in self._axes])
        for i, axis in enumerate(self._axes):
            tensor = along(axis.analyse, tensor, i)
        squares = tensor**2
        for i, axis in enumerate(self._axes):
            squares = axis.sums(squares, i)

        def recombine(w: np.ndarray) -> np.ndarray:
            spread = np.ix_(*(axis.spread for axis in self._axes))
            result = tensor * w.reshape(squares.shape)[spread]
            for i, axis in enumerate(self._axes):
                result = along(axis.synthesise, result, i)
            return result.reshape(-1)

        return Components(self.values, squares.reshape(-1), recombine)

    def map(self, f):
        """Return the operator with the same eigenspaces and eigenvalues f(λ)."""
        mapped = _OnAxes(self._axes)
        mapped.values = f(self.values)
        return mapped


class Kronecker(_OnAxes):
    """A = A_1 ⊗ … ⊗ A_p on tensors of shape (n_1, …, n_p), whose entries are taken in C order.

    Its eigenvalues are the products of the factors' eigenvalues.

    Parameters
    ----------
    factors : sequence of Dense or LowRankPlusScalar
        A_i, n_i × n_i.

    Examples
    --------
    >>> left = Dense.of(np.diag([1.0, 2.0]))
    >>> right = LowRankPlusScalar.of(np.array([[0.0, 1.0, 0.0]]), np.array([5.0]), tail=1.0)
    >>> (Kronecker([left, right]) @ np.ones(6)).reshape(2, 3)
    array([[ 1.,  5.,  1.], [ 2., 10.,  2.]])
    """

    def __init__(self, factors: Sequence[Dense | LowRankPlusScalar]) -> None:
        self.factors = tuple(factors)
        super().__init__([_Axis(factor) for factor in self.factors])

    def __matmul__(self, v):
        """Return A v: each factor acts along its own axis."""
        return self._multiply(v, [factor.values for factor in self.factors])

    def solve(self, v: np.ndarray) -> np.ndarray:
        """Return A⁺ v, of shape (d,) (pseudo-inverse)."""
        return self._multiply(v, [pseudo_power(factor.values, -1.0) for factor in self.factors])

    def _multiply(self, v, values):
        tensor = v.reshape([factor.dim for factor in self.factors])
        for i, (axis, own) in enumerate(zip(self._axes, values, strict=True)):
            tensor = along(partial(axis.multiply, values=own), tensor, i)
        return tensor.reshape(-1)

    def dense(self):
        """Return the matrix, of shape (d, d)."""
        return reduce(np.kron, [factor.dense() for factor in self.factors])

    def power(self, exponent):
        """Return A to the power `exponent`: the product of the factors' powers."""
        return Kronecker([factor.power(exponent) for factor in self.factors])

    def sum(self, f=None):
        """Return Σ f(λ_i); without `f` the trace, the product of the factors' traces."""
        if f is not None:
            return super().sum(f)
        return float(np.prod([factor.sum() for factor in self.factors]))


class BlockDiagonal(SpectralOperator):
    """One operator for each block of a tensor that is cut into blocks.

    Parameters
    ----------
    shape : tuple of int
        Shape of the tensor.
    blocks : sequence of tuple of slice
        Where each block lies; together they cover the tensor once.
    operators : sequence of SpectralOperator
        What acts on the entries of each block, in C order.

    Examples
    --------
    >>> halves = [(slice(0, 1),), (slice(1, 3),)]
    >>> A = BlockDiagonal((3,), halves, [Dense.of(np.eye(1)), Dense.of(2 * np.eye(2))])
    >>> A @ np.ones(3)
    array([1., 2., 2.])
    """

    def __init__(self, shape, blocks, operators: Sequence[SpectralOperator]) -> None:
        self.dim = int(np.prod(shape))
        self._shape, self._blocks, self._operators = tuple(shape), blocks, operators
        self._ends = np.cumsum([len(operator.values) for operator in operators])[:-1]

    @cached_property
    def values(self) -> np.ndarray:
        """Eigenvalues, block after block."""
        return np.concatenate([operator.values for operator in self._operators])

    @cached_property
    def multiplicities(self) -> np.ndarray:
        """How many directions each eigenvalue stands for."""
        return np.concatenate([operator.multiplicities for operator in self._operators])

    def _gather(self, v):
        tensor = v.reshape(self._shape)
        return [tensor[block].reshape(-1) for block in self._blocks]

    def _scatter(self, vectors):
        result = np.empty(self._shape)
        for block, v in zip(self._blocks, vectors, strict=True):
            result[block] = v.reshape(result[block].shape)
        return result.reshape(-1)

    def decompose(self, v):
        """Split each block of `v`, the entries of the tensor in C order."""
        pairs = zip(self._operators, self._gather(v), strict=True)
        parts = [operator.decompose(block) for operator, block in pairs]

        def recombine(w: np.ndarray) -> np.ndarray:
            weights = np.split(w, self._ends)
            return self._scatter(
                [part.recombine(own) for part, own in zip(parts, weights, strict=True)]
            )

        return Components(self.values, np.concatenate([part.squares for part in parts]), recombine)

    def __matmul__(self, v):
        """Return A v, block by block."""
        pairs = zip(self._operators, self._gather(v), strict=True)
        return self._scatter([operator @ block for operator, block in pairs])

    def map(self, f):
        """Return f of each block."""
        mapped = [operator.map(f) for operator in self._operators]
        return BlockDiagonal(self._shape, self._blocks, mapped)

    def power(self, exponent):
        """Return each block to the power `exponent`."""
        powers = [operator.power(exponent) for operator in self._operators]
        return BlockDiagonal(self._shape, self._blocks, powers)


def _outer(vectors: Sequence[np.ndarray]) -> np.ndarray:
    """Return all products of one entry of each vector, the last varying fastest."""
    return reduce(np.multiply.outer, vectors).reshape(-1)
