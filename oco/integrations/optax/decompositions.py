"""Decompositions under ``jit`` that are either right or NaN.

LAPACK's routines in single precision may return NaN, or not converge, for harmless matrices of low
rank with many zeros; those in double precision have not been seen to.  Compiled code cannot raise,
so that what comes out is looked at, and tried again in another way where it is not orthonormal.

On the CPU matrices of a stack are decomposed one by one.  JAX spreads a stack over the threads of a
pool, and waits in one of them: as many stacks at a time as there are threads wait for ever, which
jaxlib 0.10.2 does on two cores.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

__all__ = ["eigh", "highest", "orthonormal", "orthonormal_basis", "singular", "triangular"]


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
        Orthonormal to rounding, or NaN where every way has failed.

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
    return _sound(_eigenvectors, matrix)


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


def singular(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return singular values, descending, and right singular vectors in columns.

    Parameters
    ----------
    matrix : Array of shape (..., n, n)

    Returns
    -------
    values : Array of shape (..., n)
    vectors : Array of shape (..., n, n)
        Orthonormal to rounding, or NaN where every way has failed.

    Examples
    --------
    >>> singular(jnp.diag(jnp.array([1.0, -2.0])))[0].tolist()
    [2.0, 1.0]
    """
    return _sound(right_vectors, matrix)


def orthonormal_basis(matrix: jax.Array) -> jax.Array:
    """Return Q of the decomposition Q R: orthonormal columns that span those of the matrix.

    Parameters
    ----------
    matrix : Array of shape (..., n, k)
        With k ≤ n; where its rank is lower, Q has further directions.

    Examples
    --------
    >>> [f"{abs(x):.3f}" for x in orthonormal_basis(jnp.array([[3.0], [4.0]])).ravel()]
    ['0.600', '0.800']
    """
    return _one_by_one(_basis, matrix)


def triangular(matrix: jax.Array) -> jax.Array:
    """Return R of the decomposition Q R.

    Parameters
    ----------
    matrix : Array of shape (..., n, k)
        With k ≤ n.

    Examples
    --------
    >>> [f"{abs(x):.3f}" for x in triangular(jnp.array([[3.0], [4.0]])).ravel()]
    ['5.000']
    """
    return _one_by_one(partial(jnp.linalg.qr, mode="r"), matrix)


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


def _basis(matrix: jax.Array) -> jax.Array:
    return jnp.linalg.qr(matrix)[0]


def _eigenvectors(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    values, vectors = jnp.linalg.eigh(matrix)
    return values, vectors


def right_vectors(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    _, values, vectors = jnp.linalg.svd(matrix)
    return values, jnp.swapaxes(vectors, -1, -2)


def _one_by_one(decompose: Callable, matrix: jax.Array):
    """Decompose matrices of a stack, on the CPU each by a call of its own, under `vmap` too."""

    def alone(stack):
        single = jax.custom_batching.sequential_vmap(decompose)
        for _ in stack.shape[:-2]:
            single = jax.vmap(single)
        return single(stack)

    return lax.platform_dependent(matrix, cpu=alone, default=decompose)


def _sound(decompose: Callable, matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Decompose square matrices, in another way those where the first has failed."""
    decompose = partial(_one_by_one, decompose)
    values, vectors = decompose(matrix)
    if matrix.dtype != jnp.float32:
        return values, vectors
    sound = orthonormal(vectors) & jnp.isfinite(values).all(-1)

    def again() -> tuple[jax.Array, jax.Array]:
        others, turned = _another_way(decompose, matrix)
        turned = jnp.where(orthonormal(turned)[..., None, None], turned, jnp.nan)
        return (
            jnp.where(sound[..., None], values, others),
            jnp.where(sound[..., None, None], vectors, turned),
        )

    return lax.cond(sound.all(), lambda: (values, vectors), again)


def _another_way(decompose: Callable, matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Decompose in double precision where JAX has it, and otherwise a matrix without the zeros."""
    wider = jax.dtypes.canonicalize_dtype(jnp.float64)
    if wider != matrix.dtype:
        values, vectors = decompose(matrix.astype(wider))
        return values.astype(matrix.dtype), vectors.astype(matrix.dtype)
    # Reflected on both sides by I − 2 u uᵀ, with the entries of u all different.
    u = jnp.arange(1, matrix.shape[-1] + 1, dtype=matrix.dtype) ** 0.5
    u = u / jnp.linalg.norm(u)
    with highest():
        values, vectors = decompose(_reflected(_reflected(matrix, u), u))
        return values, jnp.swapaxes(_reflected(vectors, u), -1, -2)


def _reflected(matrix: jax.Array, u: jax.Array) -> jax.Array:
    """Return ((I − 2 u uᵀ) M)ᵀ; done twice, M is reflected on both sides."""
    return jnp.swapaxes(matrix - 2 * u[:, None] * (u @ matrix)[..., None, :], -1, -2)
