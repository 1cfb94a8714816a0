"""Unfoldings of a tensor along its axes, with Gram matrices computed once."""

from __future__ import annotations

from functools import cached_property

import torch

__all__ = ["Unfolding", "unfold", "unfoldings"]

# A Gram matrix at least this large is computed in so many stripes, each from the diagonal down:
# 9/16 of the operations, by products that are still large.
LARGE, STRIPES = 512, 8


class Unfolding:
    """A matrix M whose Gram matrices M Mᵀ and Mᵀ M are computed on demand, at most once.

    Parameters
    ----------
    matrix : Tensor of shape (n, r)
        M.

    Examples
    --------
    >>> unfolding = Unfolding(torch.tensor([[1.0, 2.0]]))
    >>> unfolding.gram, unfolding.T.gram
    (tensor([[5.]]), tensor([[1., 2.], [2., 4.]]))
    """

    def __init__(self, matrix: torch.Tensor) -> None:
        self.matrix = matrix

    @cached_property
    def gram(self) -> torch.Tensor:
        """M Mᵀ, of shape (n, n); not to be changed."""
        return _gram(self.matrix)

    @cached_property
    def T(self) -> Unfolding:
        """The unfolding of Mᵀ, whose own transpose is this one."""
        transposed = Unfolding(self.matrix.T)
        transposed.T = self
        return transposed


def _gram(matrix: torch.Tensor) -> torch.Tensor:
    """Return M Mᵀ, computing little more than one of its triangles where it is large."""
    size = len(matrix)
    if size < LARGE:
        return matrix @ matrix.T
    result = matrix.new_empty(size, size)
    step = -(-size // STRIPES)
    for start in range(0, size, step):
        stop = start + step
        torch.mm(matrix[start:], matrix[start:stop].T, out=result[start:, start:stop])
        result[start:stop, stop:] = result[stop:, start:stop].T
    return result


def unfold(tensor: torch.Tensor, axis: int) -> torch.Tensor:
    """Return the tensor as a matrix of shape (n_axis, rest): a view where the order is two.

    Examples
    --------
    >>> unfold(torch.zeros(2, 3, 5), 1).shape
    torch.Size([3, 10])
    """
    if tensor.ndim == 2:
        return tensor if axis == 0 else tensor.T
    return tensor.movedim(axis, 0).reshape(tensor.shape[axis], -1)


def unfoldings(tensor: torch.Tensor) -> tuple[Unfolding, ...]:
    """Return the unfoldings along all axes; those of a matrix share their Gram matrices."""
    if tensor.ndim == 2:
        rows = Unfolding(tensor)
        return rows, rows.T
    return tuple(Unfolding(unfold(tensor, axis)) for axis in range(tensor.ndim))
