"""S-AdaGrad for Optax: AdaGrad with a Frequent Directions sketch and its escaped mass.

V. Feinberg, X. Chen, Y. J. Sun, R. Anil, E. Hazan, *Sketchy: memory-efficient adaptive
regularization with frequent directions*, NeurIPS 2023, arXiv:2302.03764, Algorithm 2.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from oco import checks
from oco.integrations.optax.leaves import check_leaves, statistics_type
from oco.integrations.optax.options import plain
from oco.integrations.optax.sketch import Sketch, empty_sketch, frequent_directions, inverse_root

__all__ = ["ScaleBySAdagradState", "scale_by_s_adagrad"]


class ScaleBySAdagradState(NamedTuple):
    """The sketches: a tuple of one for each leaf, or of one for all.

    Attributes
    ----------
    sketches : tuple of Sketch
        `refused` counts the gradients that could not be used.
    """

    sketches: tuple[Sketch, ...]


def scale_by_s_adagrad(
    k: int, *, decay: float = 1.0, flat: bool = False
) -> optax.GradientTransformation:
    r"""Scale updates by (Ḡ_t + τ_t I)^{-1/2}, from a sketch of the gradients as vectors.

    Parameters
    ----------
    k : int
        Sketch size ≥ 2: k − 1 directions are kept.  A leaf of d entries has a sketch of at most
        d + 1, which is full-matrix AdaGrad.
    decay : float
        β in (0, 1]: G_t = Σ β^{t−s} g_s g_sᵀ.
    flat : bool
        Whether all leaves are one vector; otherwise each is one of its own.

    Returns
    -------
    optax.GradientTransformation
        Its `init` and `update` refuse leaves that are empty or not of floating-point numbers by
        name.  A gradient that is not finite gives an update of 0, changes no sketch and is counted.

    Raises
    ------
    TypeError, ValueError
        If an option is bad.

    Examples
    --------
    >>> optimizer = optax.chain(scale_by_s_adagrad(k=4), optax.scale_by_learning_rate(0.5))
    >>> params = jnp.array([1.0, -2.0, 3.0])
    >>> state = optimizer.init(params)
    >>> for _ in range(100):
    ...     updates, state = optimizer.update(2 * params, state)
    ...     params = optax.apply_updates(params, updates)
    >>> bool(jnp.linalg.norm(params) < 1.0)
    True
    """
    k = checks.integer("k", plain("k", k), low=2)
    decay = checks.number("decay", plain("decay", decay), above=0, high=1)
    if not isinstance(flat, bool):
        raise TypeError(f"flat: expected True or False, got {flat!r}")

    def vectors(name: str, tree) -> list[jax.Array]:
        leaves = check_leaves(name, tree)
        if flat:
            leaves = [ravel_pytree(leaves)[0]] if leaves else []
        return [leaf.ravel().astype(statistics_type(leaf.dtype)) for leaf in leaves]

    def init(params):
        sketches = (
            empty_sketch(vector.size, min(k, vector.size + 1), decay, vector.dtype)
            for vector in vectors("params", params)
        )
        return ScaleBySAdagradState(tuple(sketches))

    def update(updates, state, params=None):
        del params
        rows = vectors("updates", updates)
        if len(rows) != len(state.sketches):
            raise ValueError(
                f"updates: expected {len(state.sketches)} vectors as at the start, got {len(rows)}"
            )
        for i, (sketch, row) in enumerate(zip(state.sketches, rows, strict=True)):
            d, place = sketch.directions.shape[1], "all" if flat else f"leaf {i}"
            if row.size != d:
                raise ValueError(
                    f"updates: expected {d} entries in {place} as at the start, got {row.size}"
                )
        steps = [_step(sketch, row) for sketch, row in zip(state.sketches, rows, strict=True)]
        state = ScaleBySAdagradState(tuple(sketch for sketch, _ in steps))
        directions = [direction for _, direction in steps]
        if flat and directions:
            return ravel_pytree(updates)[1](directions[0]), state
        leaves, structure = jax.tree.flatten(updates)
        scaled = [
            direction.reshape(jnp.shape(leaf)).astype(jnp.asarray(leaf).dtype)
            for leaf, direction in zip(leaves, directions, strict=True)
        ]
        return jax.tree.unflatten(structure, scaled), state

    return optax.GradientTransformation(init, update)


def _step(sketch: Sketch, row: jax.Array) -> tuple[Sketch, jax.Array]:
    after, coordinates = frequent_directions(sketch, row)
    direction = inverse_root(after, row, coordinates)
    return after, jnp.where(after.refused == sketch.refused, direction, 0)
