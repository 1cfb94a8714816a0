"""Decompositions that are either right or say that they failed: never NaN.

LAPACK's routines in single precision may return NaN, or not converge, for harmless matrices of low
rank with many zeros, such as Gram matrices of a sketch that has not filled.  Those in double
precision have not been seen to.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch

__all__ = ["eigh", "leading_eigenvectors", "orthonormal_basis"]

# Computing some of the eigenvectors alone pays where the matrix is at least this large, and at
# least this many times as large as their number (on one thread 1.5 times as fast for 64 of 512, 3
# for 64 of 1024; with 128 of 512 no faster, and below 400 slower than PyTorch's own routine).
SUBSET_SIZE, SUBSET_RATIO = 512, 4


def eigh(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return eigenvalues, ascending, and eigenvectors in columns.

    Parameters
    ----------
    matrix : Tensor of shape (n, n)
        Symmetric.

    Returns
    -------
    values : Tensor of shape (n,)
    vectors : Tensor of shape (n, n)
        Both of the matrix' type, finite, the vectors orthonormal to rounding.

    Raises
    ------
    torch.linalg.LinAlgError
        If neither its own precision nor double precision gives them: `matrix` is not finite.

    Examples
    --------
    >>> eigh(torch.diag(torch.tensor([2.0, 1.0])))[0]
    tensor([1., 2.])
    """
    for precision in _precisions(matrix):
        try:
            values, vectors = torch.linalg.eigh(matrix.to(precision))
        except torch.linalg.LinAlgError:
            continue
        if _finite(values) and _orthonormal(vectors):
            return values.to(matrix.dtype), vectors.to(matrix.dtype)
    raise torch.linalg.LinAlgError(f"no eigenvectors of a matrix of shape {tuple(matrix.shape)}")


def leading_eigenvectors(matrix: torch.Tensor, count: int) -> torch.Tensor:
    """Return eigenvectors of the `count` largest eigenvalues.

    Parameters
    ----------
    matrix : Tensor of shape (s, s)
        Symmetric.
    count : int
        From 1 to s.

    Returns
    -------
    Tensor of shape (s, count)
        In columns, in no particular order, orthonormal to rounding.

    Raises
    ------
    torch.linalg.LinAlgError
        As `eigh` does.

    Examples
    --------
    >>> leading_eigenvectors(torch.diag(torch.tensor([1.0, 3.0, 2.0])), 1).abs()
    tensor([[0.],
            [1.],
            [0.]])
    """
    size = len(matrix)
    if matrix.device.type == "cpu" and size >= max(SUBSET_SIZE, SUBSET_RATIO * count):
        vectors = _subset(matrix, count)
        if vectors is not None:
            return vectors
    return eigh(matrix)[1][:, size - count :]


def orthonormal_basis(matrix: torch.Tensor) -> torch.Tensor:
    """Return Q of the decomposition Q R: orthonormal columns that span those of the matrix.

    Parameters
    ----------
    matrix : Tensor of shape (n, k)
        With k ≤ n; where its rank is lower, Q has further directions.

    Raises
    ------
    torch.linalg.LinAlgError
        If neither precision gives such columns: `matrix` is not finite.

    Examples
    --------
    >>> orthonormal_basis(torch.tensor([[3.0], [4.0]])).abs()
    tensor([[0.6000],
            [0.8000]])
    """
    for precision in _precisions(matrix):
        basis = torch.linalg.qr(matrix.to(precision)).Q
        if _orthonormal(basis):
            return basis.to(matrix.dtype)
    raise torch.linalg.LinAlgError(f"no basis for columns of shape {tuple(matrix.shape)}")


def _precisions(matrix: torch.Tensor) -> tuple[torch.dtype, ...]:
    """Return the types in which a decomposition is tried."""
    return (matrix.dtype,) if matrix.dtype == torch.float64 else (matrix.dtype, torch.float64)


def _finite(tensor: torch.Tensor) -> bool:
    return math.isfinite(tensor.sum())


def _orthonormal(vectors: torch.Tensor) -> bool:
    """Check Vᵀ V x = x for x of ones, which NaN anywhere fails too, at the cost of reading V twice.

    Rounding leaves about n ε; half of the digits are asked for.
    """
    error = torch.linalg.vector_norm(torch.mv(vectors.T, vectors.sum(1)) - 1)
    return float(error) < torch.finfo(vectors.dtype).eps ** 0.5


def _subset(matrix: torch.Tensor, count: int) -> torch.Tensor | None:
    """Compute those alone by LAPACK's drivers for that, which PyTorch lacks; None if it fails."""
    if not _finite(matrix):
        return None
    linalg, pool = _scipy()
    size = len(matrix)
    try:
        with pool.limit(limits=torch.get_num_threads()):
            _, vectors = linalg.eigh(
                matrix.numpy(), subset_by_index=(size - count, size - 1), check_finite=False
            )
    except linalg.LinAlgError:
        return None
    vectors = torch.from_numpy(vectors)
    return vectors if _orthonormal(vectors) else None


@lru_cache(1)
def _scipy():
    """Return SciPy's linear algebra, and the control of its threads: a pool beside PyTorch's."""
    import scipy.linalg
    from threadpoolctl import ThreadpoolController

    return scipy.linalg, ThreadpoolController().select(user_api="blas")
