"""Decompositions of a batch of matrices, each of which is right or is said not to be: never NaN.

LAPACK's routines in single precision may return NaN, or not converge, for harmless matrices of low
rank with many zeros, such as Gram matrices of a sketch that has not filled.  Those in double
precision have not been seen to.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

__all__ = ["eigh", "leading_eigenvectors", "orthonormal_basis"]

# On a CPU, LAPACK's drivers for some of the eigenvectors alone pay where a matrix is at least this
# large, and at least this many times as large as their number (on one thread 1.3 times as fast for
# 32 of 256, 1.6 for 64 of 512, 2.5 for 64 of 1024; no faster for 32 of 192 or 64 of 256).
SUBSET_SIZE, SUBSET_RATIO = 224, 5

# PyTorch's types do not know it.
LinAlgError: type[RuntimeError] = vars(torch.linalg)["LinAlgError"]


def eigh(matrices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return eigenvalues, ascending, eigenvectors in columns, and of which matrices they are right.

    Parameters
    ----------
    matrices : Tensor of shape (batch, n, n)
        Symmetric.

    Returns
    -------
    values : Tensor of shape (batch, n)
    vectors : Tensor of shape (batch, n, n)
        Both of the matrices' type; where right, finite, the vectors orthonormal to rounding.
    right : Tensor of shape (batch,)
        False where neither their own precision nor double precision gives them.

    Examples
    --------
    >>> eigh(torch.diag(torch.tensor([2.0, 1.0]))[None])[0]
    tensor([[1., 2.]])
    """
    try:
        values, vectors = torch.linalg.eigh(matrices)
    except LinAlgError:
        values, vectors = matrices.new_zeros(matrices.shape[:2]), torch.zeros_like(matrices)
    right = torch.isfinite(values).all(1) & _orthonormal(vectors)
    # PyTorch's decompositions wait for the device as well.
    for i in right.logical_not().nonzero().flatten().tolist():
        try:
            found = torch.linalg.eigh(matrices[i].double())
        except LinAlgError:
            continue
        values[i], vectors[i] = found[0].to(values.dtype), found[1].to(values.dtype)
        right[i] = torch.isfinite(values[i]).all() & _orthonormal(vectors[i : i + 1])[0]
    return values, vectors, right


def leading_eigenvectors(matrices: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return eigenvectors of the `count` largest eigenvalues, and of which matrices they are right.

    Parameters
    ----------
    matrices : Tensor of shape (batch, s, s)
        Symmetric.
    count : int
        From 1 to s.

    Returns
    -------
    vectors : Tensor of shape (batch, s, count)
        In columns, in no particular order, orthonormal to rounding.
    right : Tensor of shape (batch,)

    Examples
    --------
    >>> leading_eigenvectors(torch.diag(torch.tensor([1.0, 3.0, 2.0]))[None], 1)[0].abs()
    tensor([[[0.], [1.], [0.]]])
    """
    size = matrices.shape[1]
    if matrices.device.type == "cpu" and size >= max(SUBSET_SIZE, SUBSET_RATIO * count):
        found = [_subset(matrix, count) for matrix in matrices]
        if all(vectors is not None for vectors in found):
            stacked = torch.stack([v for v in found if v is not None])
            right = _orthonormal(stacked)
            if bool(right.all()):
                return stacked, right
    _, vectors, right = eigh(matrices)
    return vectors[:, :, size - count :], right


def orthonormal_basis(matrices: Tensor) -> tuple[Tensor, Tensor]:
    """Return Q of the decompositions Q R, with columns that span those of the matrices.

    Parameters
    ----------
    matrices : Tensor of shape (batch, n, k)
        With k ≤ n; where its rank is lower, Q has further directions.

    Returns
    -------
    basis : Tensor of shape (batch, n, k)
    right : Tensor of shape (batch,)
        False where neither precision gives orthonormal columns.

    Examples
    --------
    >>> orthonormal_basis(torch.tensor([[[3.0], [4.0]]]))[0].abs()
    tensor([[[0.6000], [0.8000]]])
    """
    basis = torch.linalg.qr(matrices).Q
    right = _orthonormal(basis)
    for i in right.logical_not().nonzero().flatten().tolist():
        basis[i] = torch.linalg.qr(matrices[i].double()).Q.to(basis.dtype)
        right[i] = _orthonormal(basis[i : i + 1])[0]
    return basis, right


def _orthonormal(vectors: Tensor) -> Tensor:
    """Check Vᵀ V x = x for x of ones, which NaN anywhere fails too, at the cost of reading V twice.

    Rounding leaves about n ε; half of the digits are asked for.
    """
    product = (vectors.mT @ vectors.sum(2, keepdim=True)).squeeze(2)
    return torch.linalg.vector_norm(product - 1, dim=1) < torch.finfo(vectors.dtype).eps ** 0.5


def _subset(matrix: Tensor, count: int) -> Tensor | None:
    """Compute those alone by LAPACK's drivers for that, which PyTorch lacks; None if it fails."""
    if not bool(torch.isfinite(matrix.sum())):
        return None
    linalg, pool = scipy_linalg()
    size = len(matrix)
    try:
        with pool.limit(limits=torch.get_num_threads()):
            _, vectors = linalg.eigh(
                matrix.numpy(), subset_by_index=(size - count, size - 1), check_finite=False
            )
    except linalg.LinAlgError:
        return None
    return torch.from_numpy(vectors)


@lru_cache(1)
def scipy_linalg() -> tuple[Any, Any]:
    """Return SciPy's linear algebra, and the control of its threads: a pool beside PyTorch's."""
    import scipy.linalg
    from threadpoolctl import ThreadpoolController

    return scipy.linalg, ThreadpoolController().select(user_api="blas")
