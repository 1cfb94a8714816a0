"""The leaves of a tree of parameters: what is accepted, and how errors call them."""

from __future__ import annotations

from collections.abc import Iterable

import jax
import jax.numpy as jnp

__all__ = ["check_leaves", "check_shapes", "statistics_type"]

TYPES = ("float32", "bfloat16", "float16", "float64")


def check_leaves(name: str, tree) -> list[jax.Array]:
    """Return the leaves of a tree as arrays, or refuse one.

    Parameters
    ----------
    name : str
        What the tree is called.
    tree : pytree
        Of arrays, or of what stands for one while it is traced.

    Raises
    ------
    TypeError
        If one is not of one of `TYPES`.
    ValueError
        If one has no entries.

    Examples
    --------
    >>> check_leaves("params", {"w": jnp.zeros((3, 0))})
    Traceback (most recent call last):
    ...
    ValueError: params['w']: expected at least one entry, got shape (3, 0)
    """
    leaves = []
    for path, given in jax.tree_util.tree_leaves_with_path(tree):
        where = name + jax.tree_util.keystr(path)
        try:
            leaf = jnp.asarray(given)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{where}: expected an array, got {type(given).__name__}") from error
        if leaf.dtype.name not in TYPES:
            raise TypeError(f"{where}: expected one of {', '.join(TYPES)}, got {leaf.dtype}")
        if leaf.size == 0:
            raise ValueError(f"{where}: expected at least one entry, got shape {leaf.shape}")
        leaves.append(leaf)
    return leaves


def check_shapes(name: str, tree, shapes: Iterable[tuple[int, ...]]) -> None:
    """Refuse a tree whose leaves have other shapes than these.

    Raises
    ------
    ValueError
        Naming the first leaf of another shape, or how many there are.

    Examples
    --------
    >>> check_shapes("params", {"w": jnp.zeros(3)}, [(4, 6)])
    Traceback (most recent call last):
    ...
    ValueError: params['w']: expected shape (4, 6), got (3,)
    """
    leaves, shapes = jax.tree_util.tree_leaves_with_path(tree), list(shapes)
    if len(leaves) != len(shapes):
        raise ValueError(f"{name}: expected {len(shapes)} leaves, got {len(leaves)}")
    for (path, leaf), shape in zip(leaves, shapes, strict=True):
        if jnp.shape(leaf) != shape:
            where = name + jax.tree_util.keystr(path)
            raise ValueError(f"{where}: expected shape {shape}, got {jnp.shape(leaf)}")


def statistics_type(dtype) -> jnp.dtype:
    """Return the type of the statistics of a parameter: float64 for float64, else float32.

    Examples
    --------
    >>> statistics_type(jnp.bfloat16)
    dtype('float32')
    """
    return jnp.dtype(jnp.float64 if dtype == jnp.float64 else jnp.float32)
