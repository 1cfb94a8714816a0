"""The factors of a side, of many blocks at once: exact covariances, or sketches of them.

States are stacked along a first axis, which all decompositions take as it is.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from oco.integrations.optax.decompositions import (
    eigh,
    orthonormal,
    orthonormal_basis,
    singular,
    triangular,
)
from oco.shampoo import NOISE, RANK_CUTOFF, Side, tail_of

__all__ = ["Exact", "Root", "Sketched", "absorb", "invert", "precondition", "zeros"]


class Exact(NamedTuple):
    """C ← β C + M Mᵀ (Shampoo).

    Attributes
    ----------
    covariance : Array of shape (N, n, n)
        C.
    root : Array of shape (N, n, n)
        The inverse root that was made of it last.
    """

    covariance: jax.Array
    root: jax.Array


class Sketched(NamedTuple):
    """C̃ = U diag(λ̄) Uᵀ + τ I by Frequent Directions (S-Shampoo).

    Attributes
    ----------
    directions : Array of shape (N, n, k − 1)
        U, in columns.
    eigenvalues : Array of shape (N, k − 1)
        λ̄.
    escaped_mass, total_mass : Array of shape (N,)
        τ and tr C.
    root : Array of shape (N, k − 1)
        The inverse root's weights on U, less that on everything else.
    root_tail : Array of shape (N,)
        Its weight on everything else.
    """

    directions: jax.Array
    eigenvalues: jax.Array
    escaped_mass: jax.Array
    total_mass: jax.Array
    root: jax.Array
    root_tail: jax.Array


class Root(NamedTuple):
    """Which root preconditions: (c C̃ + ε λ_max(c C̃) I)^(−e).

    Attributes
    ----------
    scale : Array of shape (N,)
        c > 0.
    epsilon : float or Array
        ε ≥ 0.
    power : float
        e > 0.
    tail : {"escaped", "half", "mean"}
        What C̃ is where it is made from a sketch: `oco.shampoo.tail_of`.
    """

    scale: jax.Array
    epsilon: float | jax.Array
    power: float
    tail: str


def zeros(side: Side, count: int, dtype) -> Exact | Sketched:
    """Return the state of `count` blocks before the first gradient."""
    n, k = side.dim, side.k
    # Each array has memory of its own, which a caller may donate.
    if k is None:
        return Exact(jnp.zeros((count, n, n), dtype), jnp.zeros((count, n, n), dtype))
    return Sketched(
        directions=jnp.zeros((count, n, k - 1), dtype),
        eigenvalues=jnp.zeros((count, k - 1), dtype),
        escaped_mass=jnp.zeros(count, dtype),
        total_mass=jnp.zeros(count, dtype),
        root=jnp.zeros((count, k - 1), dtype),
        root_tail=jnp.zeros(count, dtype),
    )


def absorb(state: Exact | Sketched, tensor: jax.Array, axis: int, decay: float):
    """Return the state after it has absorbed gradients of shape (N, *dims).

    Notes
    -----
    One step of a sketch is C = β U diag(λ̄) Uᵀ + M Mᵀ = B Bᵀ with B = [√β U diag(λ̄)^½, M];
    ρ = λ_ℓ(C); the top ℓ eigenpairs of C with ρ subtracted are kept; τ ← β τ + ρ.

    The eigenvectors are those of the smaller one of B Bᵀ and Bᵀ B.  Squaring B loses half of the
    digits of its small singular values; so they only span the subspace, within which singular
    values are computed again, from B itself (Rayleigh–Ritz).  A direction that rounding could not
    tell from the null space of C has the eigenvalue 0.
    """
    matrix = _unfolded(tensor, axis)
    if isinstance(state, Exact):
        return state._replace(covariance=decay * state.covariance + matrix @ _T(matrix))
    k = state.eigenvalues.shape[-1] + 1
    old = state.directions * jnp.sqrt(decay * state.eigenvalues)[:, None, :]
    columns = jnp.concatenate([old, matrix], axis=2)
    if columns.shape[1] <= columns.shape[2]:
        leading = eigh(columns @ _T(columns))[1][..., -k:]
    else:
        leading = columns @ eigh(_T(columns) @ columns)[1][..., -k:]
    basis = orthonormal_basis(leading)
    values, turn = singular(_square(_T(columns) @ basis))
    noise = NOISE[values.dtype.name] ** 0.5
    values = jnp.where(values > noise * values[:, :1], values, 0)
    kept, last = values[:, :-1], values[:, -1:]
    square = jnp.sum(matrix * matrix, axis=(1, 2))
    return state._replace(
        directions=basis @ turn[..., :-1],
        eigenvalues=(kept - last) * (kept + last),
        escaped_mass=decay * state.escaped_mass + last[:, 0] ** 2,
        total_mass=decay * state.total_mass + square,
    )


def invert(state: Exact | Sketched, root: Root):
    """Return the state with its inverse root up to date, and which blocks have a sound one."""
    if isinstance(state, Exact):
        values, vectors = eigh(state.covariance)
        # Eigenvalues of a rounded matrix are in error by up to about n ε λ_max.
        noise = values.shape[-1] * float(jnp.finfo(values.dtype).eps)
        weights = _inverse_root(jnp.maximum(values, 0), root, noise)
        state = state._replace(root=(vectors * weights[:, None, :]) @ _T(vectors))
        return state, jnp.isfinite(state.root).all((1, 2))
    values = jnp.pad(state.eigenvalues, ((0, 0), (0, 1)))
    weights = _inverse_root(values + _tail(state, values, root.tail), root)
    tail = weights[:, -1]
    state = state._replace(root=weights[:, :-1] - tail[:, None], root_tail=tail)
    return state, orthonormal(state.directions) & jnp.isfinite(weights).all(1)


def precondition(state: Exact | Sketched, tensor: jax.Array, axis: int) -> jax.Array:
    """Multiply tensors of shape (N, *dims) by the inverse root along an axis."""
    matrix = _unfolded(tensor, axis)
    if isinstance(state, Exact):
        result = state.root @ matrix
    else:
        inside = _T(state.directions * state.root[:, None, :]) @ matrix
        result = state.root_tail[:, None, None] * matrix + state.directions @ inside
    moved = jnp.moveaxis(tensor, axis + 1, 1)
    return jnp.moveaxis(result.reshape(moved.shape), 1, axis + 1)


def _T(matrix: jax.Array) -> jax.Array:
    return jnp.swapaxes(matrix, -1, -2)


def _unfolded(tensor: jax.Array, axis: int) -> jax.Array:
    """Return matrices of shape (N, n_axis, rest)."""
    moved = jnp.moveaxis(tensor, axis + 1, 1)
    return moved.reshape(*moved.shape[:2], -1)


def _square(matrix: jax.Array) -> jax.Array:
    """Return a square matrix with the singular values and right vectors of a tall or wide one."""
    rows, columns = matrix.shape[-2:]
    if rows < columns:
        return jnp.pad(matrix, ((0, 0), (0, columns - rows), (0, 0)))
    return triangular(matrix)


def _tail(state: Sketched, values: jax.Array, kind: str) -> jax.Array:
    """Return what is added to eigenvalues, where 0 means one that the sketch does not have."""
    held, escaped = values > 0, state.escaped_mass
    if kind == "mean":
        # `tail_of` chooses between numbers, which are not known yet.
        count = held.sum(1)
        missed = state.total_mass - values.sum(1) - count * escaped
        mean = jnp.maximum(missed, 0) / (state.directions.shape[1] - count)
        inside, outside = escaped, jnp.minimum(escaped, mean)
    else:
        inside = outside = escaped * tail_of(kind, 1.0, 0.0, 1)[0]
    return jnp.where(held, inside[:, None], outside[:, None])


def _inverse_root(values: jax.Array, root: Root, noise: float = 0.0) -> jax.Array:
    """Return the inverse root of eigenvalues, of shape (N, n); zero stays zero.

    Eigenvalues may be in error by `noise` times the largest.  An ε of at least a rounding is more
    than what rounding makes of zero; without one, what may be zero counts as such.
    """
    values = root.scale[:, None] * values
    largest = values.max(1, keepdims=True)
    damped = values + root.epsilon * largest
    clear = (values > noise * largest) | (root.epsilon >= jnp.finfo(values.dtype).eps)
    positive = clear & (damped > RANK_CUTOFF * damped.max(1, keepdims=True))
    return jnp.where(positive, jnp.where(positive, damped, 1) ** -root.power, 0)
