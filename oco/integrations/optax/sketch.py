"""Frequent Directions as a pure function of its state: one row, exactly, under any transformation.

M. Ghashami, E. Liberty, J. M. Phillips, D. P. Woodruff, *Frequent Directions: simple and
deterministic matrix sketching*, SIAM J. Comput. 45 (2016).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from oco import checks
from oco.integrations.optax.decompositions import eigh, highest
from oco.linalg.cutoffs import RANK_CUTOFF

__all__ = [
    "Sketch",
    "empty_sketch",
    "frequent_directions",
    "inverse_root",
    "inverse_roots",
    "merge_sketches",
]

# A remainder of a row beside the sketch that is shorter than this many roundings of the row is one.
NEW_DIRECTION = 450
# Each step turns the directions with an error of a few ε; after so many it is still below 1e-13.
CORRECTED_EVERY = 64


class Sketch(NamedTuple):
    """G̃ = U diag(λ̄) Uᵀ + τ I for G = Σ β^{T−t} g_t g_tᵀ, in arrays of fixed shapes.

    Attributes
    ----------
    directions : Array of shape (k − 1, d)
        Orthonormal rows by descending eigenvalue, followed by rows of zeros.
    eigenvalues : Array of shape (k − 1,)
        λ̄, and zeros for the rows of zeros.
    escaped_mass, total_mass : Array of shape ()
        τ and tr G.
    decay : Array of shape ()
        β.
    rows, refused : Array of int32, of shape ()
        How many rows were absorbed; and how many were not, since they were not finite or the sum of
        all squares would not be.
    """

    directions: jax.Array
    eigenvalues: jax.Array
    escaped_mass: jax.Array
    total_mass: jax.Array
    decay: jax.Array
    rows: jax.Array
    refused: jax.Array


def empty_sketch(d: int, k: int, decay: float = 1.0, dtype=None) -> Sketch:
    """Return a sketch that has absorbed nothing.

    Parameters
    ----------
    d : int
        Length of the rows, ≥ 1.
    k : int
        Sketch size ℓ, from 2 to d + 1; at most ℓ − 1 directions are kept.
    decay : float
        β in (0, 1]: each step multiplies the covariance, and the escaped mass, by it.
    dtype : dtype, optional
        float32 or float64; the wider one that JAX has enabled, if not given.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> empty_sketch(5, 3).directions.shape
    (2, 5)
    """
    d = checks.integer("d", d, low=1)
    k = checks.integer("k", k, low=2, high=d + 1)
    decay = checks.number("decay", decay, above=0, high=1)
    dtype = jax.dtypes.canonicalize_dtype(jnp.float64 if dtype is None else dtype)
    if dtype not in (jnp.float32, jnp.float64):
        raise TypeError(f"dtype: expected float32 or float64, got {dtype}")
    # Each has memory of its own, which a caller may donate.
    return Sketch(
        directions=jnp.zeros((k - 1, d), dtype),
        eigenvalues=jnp.zeros(k - 1, dtype),
        escaped_mass=jnp.zeros((), dtype),
        total_mass=jnp.zeros((), dtype),
        decay=jnp.asarray(decay, dtype),
        rows=jnp.zeros((), jnp.int32),
        refused=jnp.zeros((), jnp.int32),
    )


def frequent_directions(state: Sketch, row: jax.Array) -> tuple[Sketch, jax.Array]:
    r"""Absorb one row: C = β Ḡ + g gᵀ; ρ = λ_ℓ(C); Ḡ = (C − ρ I)₊; τ ← β τ + ρ.

    Parameters
    ----------
    state : Sketch
        From `empty_sketch` or from here.
    row : Array of shape (d,)
        g.  One that is not finite, or with which tr G would not be, is refused: nothing changes but
        the count of them.

    Returns
    -------
    state : Sketch
        The next one.
    coordinates : Array of shape (k − 1,)
        The row's coordinates in the *updated* directions, of which `inverse_root` makes a step.

    Raises
    ------
    TypeError, ValueError
        If the row's type or shape is wrong, before anything is traced.

    Notes
    -----
    It may be compiled, mapped over many sketches, scanned over rows (it has the form that
    `jax.lax.scan` asks for) and differentiated.  A derivative is right where the eigenvalues of C
    differ, and finite everywhere.

    In the space of the directions and of what the row adds to them, C is diag(β λ̄) + z zᵀ with z
    the row's coordinates.  Places that hold no direction get a negative eigenvalue there: they sort
    last, and never mix with those that do.

    A step costs O(dk²): k times what `oco.sketch.FrequentDirections` needs, which folds its turns
    into the directions only now and then, but without branches.

    Examples
    --------
    >>> rows = jnp.array([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    >>> sketch, _ = jax.lax.scan(frequent_directions, empty_sketch(d=3, k=2), rows)
    >>> sketch.eigenvalues.tolist(), float(sketch.escaped_mass)
    ([3.0], 1.0)
    """
    with highest():
        return _absorb(state, _checked(state, row))


def inverse_root(state: Sketch, row: jax.Array, coordinates: jax.Array) -> jax.Array:
    """Return (Ḡ + τ I)^{-1/2} g for the row that was absorbed last (pseudo-inverse).

    Parameters
    ----------
    state : Sketch
        After the row.
    row : Array of shape (d,)
        g.
    coordinates : Array of shape (k − 1,)
        What `frequent_directions` returned with the state.

    Returns
    -------
    Array of shape (d,)

    Notes
    -----
    Eigenvalues that rounding cannot tell from 0 are 0.  While nothing has escaped all of g lies in
    the span of the updated directions, and is read off its coordinates there, so that rounding is
    never divided by the root of rounding.

    Examples
    --------
    >>> row = jnp.array([0.0, 3.0, 4.0])
    >>> sketch, coordinates = frequent_directions(empty_sketch(3, 2), row)
    >>> [f"{x:.3f}" for x in inverse_root(sketch, row, coordinates)]
    ['0.000', '0.600', '0.800']
    """
    with highest():
        inverse, tail = inverse_roots(state)
        inside = (inverse - tail) * coordinates
        return tail * row + inside @ state.directions


def inverse_roots(state: Sketch) -> tuple[jax.Array, jax.Array]:
    """Return the eigenvalues of (Ḡ + τ I)^{-1/2}: on the directions, and on all others."""
    values = jnp.append(state.eigenvalues, 0) + state.escaped_mass
    # A place without a direction stands for nothing; what is beside all directions is the tail.
    noise = jnp.maximum(RANK_CUTOFF, len(values) * jnp.finfo(values.dtype).eps)
    positive = values > noise * values[0]
    roots = jnp.where(positive, jnp.where(positive, values, 1) ** -0.5, 0)
    return roots[:-1], roots[-1]


def merge_sketches(state: Sketch, other: Sketch) -> Sketch:
    """Absorb another sketch, so that the guarantees hold for both streams together.

    Parameters
    ----------
    state, other : Sketch
        Of the same shapes and decay, of streams that end at the same time.

    Raises
    ------
    ValueError
        If their shapes differ.

    Notes
    -----
    The rows √λ̄_i u_i of the other are absorbed one by one without decay, and its τ is added:
    0 ⪯ G − Ḡ ⪯ τ I and τ ≤ Ω_ℓ then hold for the sum.

    Examples
    --------
    >>> one, _ = frequent_directions(empty_sketch(3, 2), jnp.array([2.0, 0.0, 0.0]))
    >>> two, _ = frequent_directions(empty_sketch(3, 2), jnp.array([0.0, 1.0, 0.0]))
    >>> float(merge_sketches(one, two).escaped_mass)
    1.0
    """
    shape, theirs = state.directions.shape, other.directions.shape
    if shape != theirs:
        raise ValueError(f"other: expected directions of shape {shape}, got {theirs}")
    rows = jnp.sqrt(other.eigenvalues)[:, None] * other.directions
    gathered = state._replace(decay=jnp.ones_like(state.decay))
    gathered, _ = lax.scan(frequent_directions, gathered, rows)
    return gathered._replace(
        escaped_mass=gathered.escaped_mass + other.escaped_mass,
        total_mass=state.total_mass + other.total_mass,
        decay=state.decay,
        rows=state.rows + other.rows,
        refused=state.refused + other.refused,
    )


def _checked(state: Sketch, row) -> jax.Array:
    row, d = jnp.asarray(row), state.directions.shape[-1]
    if not jnp.issubdtype(row.dtype, jnp.floating):
        raise TypeError(f"row: expected floating-point numbers, got {row.dtype}")
    if row.shape != (d,):
        raise ValueError(f"row: expected a vector of shape ({d},), got shape {row.shape}")
    return row.astype(state.directions.dtype)


def _absorb(state: Sketch, row: jax.Array) -> tuple[Sketch, jax.Array]:
    finite = jnp.isfinite(state.decay * state.total_mass + row @ row)
    row = jnp.where(finite, row, 0)
    square = row @ row
    z, alive, unit = _split(state, row)
    values = jnp.append(state.decay * state.eigenvalues, 0)
    below = lax.stop_gradient(values.max() + square)
    below = jnp.where(below > 0, below, 1)
    values, turn = eigh(jnp.diag(jnp.where(alive, values, -below)) + jnp.outer(z, z))
    # A decomposition that has failed in every way is refused like a row that is not finite.
    used = finite & jnp.isfinite(jnp.sum(turn))
    turn = turn[:, ::-1]
    held = jnp.arange(len(values)) < alive.sum()
    values = jnp.where(held, jnp.maximum(values[::-1], 0), 0)
    kept = values[:-1] - values[-1]
    # What is refused turns nothing.
    turn = jnp.where(used, jnp.where(kept > 0, turn[:, :-1], 0), jnp.eye(len(z), len(z) - 1))
    rows = state.rows + 1
    frame = state.directions
    inside = lax.cond(
        rows % CORRECTED_EVERY == 0,
        lambda: turn[:-1] + _defect(frame) @ turn[:-1] / 2,
        lambda: turn[:-1],
    )
    after = Sketch(
        directions=inside.T @ frame + turn[-1, :, None] * unit,
        eigenvalues=kept,
        escaped_mass=state.decay * state.escaped_mass + values[-1],
        total_mass=state.decay * state.total_mass + square,
        decay=state.decay,
        rows=rows,
        refused=state.refused,
    )
    before = state._replace(directions=after.directions, refused=state.refused + 1)
    after = jax.tree.map(lambda new, old: jnp.where(used, new, old), after, before)
    return after, jnp.where(used, z @ turn, 0)


def _split(state: Sketch, row: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return the row's coordinates, which of them have a direction, and the direction it adds."""
    directions = state.directions
    inside = directions @ row
    rest = row - inside @ directions
    # Twice is enough: what is left then is orthogonal to rounding.
    again = directions @ rest
    inside, rest = inside + again, rest - again @ directions
    square = rest @ rest
    noise = NEW_DIRECTION * jnp.finfo(row.dtype).eps
    new = jnp.sqrt(lax.stop_gradient(square)) > noise * jnp.sqrt(lax.stop_gradient(row @ row))
    length = jnp.sqrt(jnp.where(new, square, 1))
    unit = jnp.where(new, rest / length, 0)
    z = jnp.append(inside, jnp.where(new, length, 0))
    return z, jnp.append(state.eigenvalues > 0, new), unit


def _defect(frame: jax.Array) -> jax.Array:
    """Return E = I − U Uᵀ: (I + E/2) U is orthonormal to the square of how far U is from it."""
    length = jnp.any(frame != 0, axis=1)
    return jnp.diag(length.astype(frame.dtype)) - frame @ frame.T
