"""Eigenvectors under ``jit``: sound, or found to be unsound by whoever asks.

LAPACK's routines in single precision may return NaN, or not converge, for harmless matrices of low
rank with many zeros; those in double precision have not been seen to.  Compiled code cannot raise,
so that what comes out is looked at, and tried again in another way where it is not orthonormal.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

__all__ = ["eigh", "highest", "orthonormal", "orthonormal_basis"]


def highest():
    """Return the context in which matrix products keep all digits of their type.

    Accelerators would otherwise round the factors to 10 bits or fewer.
    """
    return jax.default_matmul_precision("highest")


@jax.custom_jvp
def eigh(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return eigenvalues, ascending, and eigenvectors in columns.

    Parameters
    ----------
    matrix : Array of shape (..., n, n)
        Symmetric.

    Returns
    -------
    values : Array of shape (..., n)
    vectors : Array of shape (..., n, n)
        Orthonormal to rounding; not so, or NaN, where every way has failed: see `orthonormal`.

    Notes
    -----
    Where two eigenvalues are equal to rounding, their eigenvectors have no derivative: the turn
    within their plane counts as 0.  What does not depend on that turn has its own derivative, and
    nothing becomes NaN.

    Examples
    --------
    >>> eigh(jnp.diag(jnp.array([2.0, 1.0])))[0].tolist()
    [1.0, 2.0]
    """
    values, vectors = jnp.linalg.eigh(matrix)
    if matrix.dtype != jnp.float32:
        return values, vectors
    sound = orthonormal(vectors) & jnp.isfinite(values).all(-1)

    def again() -> tuple[jax.Array, jax.Array]:
        others, turned = _another_way(matrix)
        return (
            jnp.where(sound[..., None], values, others),
            jnp.where(sound[..., None, None], vectors, turned),
        )

    return lax.cond(sound.all(), lambda: (values, vectors), again)


@eigh.defjvp
def _eigh_jvp(primals, tangents):
    (matrix,), (change,) = primals, tangents
    values, vectors = eigh(matrix)
    with highest():
        turned = jnp.swapaxes(vectors, -1, -2) @ change @ vectors
        turned = (turned + jnp.swapaxes(turned, -1, -2)) / 2
        gaps = values[..., None, :] - values[..., :, None]
        # A symmetric matrix' eigenvalues are in error by about n ε times the largest.
        noise = matrix.shape[-1] * jnp.finfo(matrix.dtype).eps
        apart = jnp.abs(gaps) > noise * jnp.abs(values).max(-1)[..., None, None]
        rates = jnp.where(apart, 1 / jnp.where(apart, gaps, 1), 0)
        moved = vectors @ (rates * turned)
    return (values, vectors), (jnp.diagonal(turned, axis1=-2, axis2=-1), moved)


def orthonormal_basis(matrix: jax.Array) -> jax.Array:
    """Return Q of the decomposition Q R: orthonormal columns that span those of the matrix.

    Parameters
    ----------
    matrix : Array of shape (..., n, k)
        With k ≤ n; where its rank is lower, Q has further directions.

    Examples
    --------
    >>> abs(orthonormal_basis(jnp.array([[3.0], [4.0]]))).round(6).tolist()
    [[0.6...], [0.8...]]
    """
    return jnp.linalg.qr(matrix)[0]


def orthonormal(vectors: jax.Array) -> jax.Array:
    """Check Vᵀ V x = x for x of ones, which NaN anywhere fails too.

    Rounding leaves about n ε; half of the digits are asked for.

    Parameters
    ----------
    vectors : Array of shape (..., n, k)

    Returns
    -------
    Array of bool, of shape (...)

    Examples
    --------
    >>> bool(orthonormal(jnp.eye(2))), bool(orthonormal(jnp.ones((2, 2))))
    (True, False)
    """
    with highest():
        image = jnp.einsum("...ij,...i->...j", vectors, vectors.sum(-1))
    return jnp.linalg.norm(image - 1, axis=-1) < jnp.finfo(vectors.dtype).eps ** 0.5


def _another_way(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Decompose in double precision where JAX has it, and otherwise a matrix without the zeros."""
    wider = jnp.promote_types(matrix.dtype, jax.dtypes.canonicalize_dtype(jnp.float64))
    if wider != matrix.dtype:
        values, vectors = jnp.linalg.eigh(matrix.astype(wider))
        return values.astype(matrix.dtype), vectors.astype(matrix.dtype)
    # Reflected by I − 2 u uᵀ, with the entries of u all different.
    u = jnp.arange(1, matrix.shape[-1] + 1, dtype=matrix.dtype) ** 0.5
    u = u / jnp.linalg.norm(u)
    with highest():
        reflected = _reflected(_reflected(matrix, u), u)
        values, vectors = jnp.linalg.eigh(reflected)
        # The transpose of what reflects the rows.
        return values, jnp.swapaxes(_reflected(vectors, u), -1, -2)


def _reflected(matrix: jax.Array, u: jax.Array) -> jax.Array:
    """Return ((I − 2 u uᵀ) M)ᵀ: twice, a symmetric matrix is reflected from both sides."""
    return jnp.swapaxes(matrix - 2 * u[:, None] * (u @ matrix)[..., None, :], -1, -2)
