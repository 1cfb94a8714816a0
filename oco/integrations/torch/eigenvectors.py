"""The leading eigenvectors of a symmetric positive semi-definite matrix."""

from __future__ import annotations

import scipy.linalg
import torch

__all__ = ["eigh", "leading_eigenvectors"]

# Computing some of the eigenvectors alone pays where the matrix is at least this large, and at
# least this many times as large as their number (measured: 1.1 times as fast at 128, 2 at 256).
SUBSET_SIZE, SUBSET_RATIO = 128, 2


def eigh(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return eigenvalues, ascending, and eigenvectors in columns.

    LAPACK's single-precision routine does not converge on some harmless matrices of low rank, with
    many zeros; the one in double precision does.

    Parameters
    ----------
    matrix : Tensor of shape (n, n)
        Symmetric and finite.

    Returns
    -------
    values : Tensor of shape (n,)
    vectors : Tensor of shape (n, n)
        Both of the matrix' type.

    Examples
    --------
    >>> eigh(torch.diag(torch.tensor([2.0, 1.0])))[0]
    tensor([1., 2.])
    """
    try:
        values, vectors = torch.linalg.eigh(matrix)
    except torch.linalg.LinAlgError:
        values, vectors = torch.linalg.eigh(matrix.double())
    return values.to(matrix.dtype), vectors.to(matrix.dtype)


def leading_eigenvectors(matrix: torch.Tensor, count: int) -> torch.Tensor:
    """Return eigenvectors of the `count` largest eigenvalues.

    Parameters
    ----------
    matrix : Tensor of shape (s, s)
        Symmetric; it may be overwritten.
    count : int
        From 1 to s.

    Returns
    -------
    Tensor of shape (s, count)
        In columns, in no particular order, orthonormal to rounding.

    Examples
    --------
    >>> leading_eigenvectors(torch.diag(torch.tensor([1.0, 3.0, 2.0])), 1).abs()
    tensor([[0.],
            [1.],
            [0.]])
    """
    size = len(matrix)
    if matrix.device.type != "cpu" or size < max(SUBSET_SIZE, SUBSET_RATIO * count):
        return eigh(matrix)[1][:, size - count :]
    # LAPACK's drivers for a part of the spectrum, which PyTorch does not offer.
    _, vectors = scipy.linalg.eigh(
        matrix.numpy().T,
        lower=False,
        subset_by_index=(size - count, size - 1),
        overwrite_a=True,
        check_finite=False,
    )
    return torch.from_numpy(vectors)
