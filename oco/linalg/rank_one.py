"""The rank-one eigenvalue update: the eigendecomposition of diag(λ) + z zᵀ."""

from __future__ import annotations

import numpy as np

from oco.linalg.engine import kernel

__all__ = ["rank_one_eigh"]


@kernel
def rank_one_eigh(poles, z):
    """Decompose diag(poles) + z zᵀ = Q diag(w) Qᵀ.

    Parameters
    ----------
    poles : ndarray of shape (n,)
        λ, in any order.
    z : ndarray of shape (n,)
        The vector of the update.

    Returns
    -------
    w : ndarray of shape (n,)
        Eigenvalues, in descending order.
    Qt : ndarray of shape (n, n)
        Qᵀ: the orthonormal eigenvectors in its rows, in the same order.

    Examples
    --------
    >>> w, Qt = rank_one_eigh(np.array([3.0, 0.0]), np.array([0.0, 2.0]))
    >>> w
    array([4., 3.])
    """
    matrix = np.outer(z, z)
    for i in range(len(poles)):
        matrix[i, i] += poles[i]
    ascending, vectors = np.linalg.eigh(matrix)
    return ascending[::-1].copy(), np.ascontiguousarray(vectors.T[::-1])
