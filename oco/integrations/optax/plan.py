"""Which leaves have blocks of one kind: those are decomposed together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from oco.integrations.optax.leaves import statistics_type
from oco.shampoo import Layout, Side, layout

__all__ = ["Group", "Plan", "gather", "make_plan", "scatter"]


class Group(NamedTuple):
    """Blocks of one shape, with factors of the same sizes and statistics of one type.

    Attributes
    ----------
    dims : tuple of int
        The blocks' shape.
    sides : tuple of Side
        Their factors.
    dtype : dtype
        Of the statistics.
    members : tuple of (int, tuple of slice)
        Each block: the number of its leaf, and where it lies in it.
    """

    dims: tuple[int, ...]
    sides: tuple[Side, ...]
    dtype: jnp.dtype
    members: tuple[tuple[int, tuple[slice, ...]], ...]

    @property
    def leaves(self) -> list[int]:
        """The number of each member's leaf."""
        return [leaf for leaf, _ in self.members]


class Plan(NamedTuple):
    """The layout of each leaf, and the groups of all blocks.

    Attributes
    ----------
    layouts : tuple of Layout
        Of `oco.shampoo`.
    phases : tuple of int
        φ of each leaf: how many matrices and tensors come before it.
    groups : tuple of Group
        In the order in which their first blocks come.
    """

    layouts: tuple[Layout, ...]
    phases: tuple[int, ...]
    groups: tuple[Group, ...]


def make_plan(names: Sequence[str], leaves: Sequence[jax.Array], k, max_axis) -> Plan:
    """Return the plan for leaves of these shapes and types.

    Parameters
    ----------
    names : sequence of str
        How errors call them.
    leaves : sequence of Array
        Only their shapes and types matter.
    k, max_axis
        As for `oco.shampoo.layout`.

    Raises
    ------
    ValueError
        If `k` is a tuple of another length than a matrix or tensor has axes.

    Examples
    --------
    >>> plan = make_plan("ab", [jnp.zeros((8, 30)), jnp.zeros((8, 20))], 4, 10)
    >>> [(group.dims, group.leaves) for group in plan.groups]
    [((8, 10), [0, 0, 0, 1, 1])]
    """
    layouts: list[Layout] = []
    found: dict[tuple, list] = {}
    for i, (name, leaf) in enumerate(zip(names, leaves, strict=True)):
        shape = leaf.shape
        matrix = sum(n > 1 for n in shape) >= 2
        if matrix and isinstance(k, tuple) and len(k) != len(shape):
            raise ValueError(
                f"k: expected one for each of the {len(shape)} axes of {name} of shape {shape}, "
                f"got {len(k)}"
            )
        # Of a vector only the order is needed.
        placed = layout(shape, k if matrix else None, max_axis)
        layouts.append(placed)
        if not matrix:
            continue
        dtype = statistics_type(leaf.dtype)
        for place, sides in zip(placed.blocks, placed.sides, strict=True):
            dims = tuple(piece.stop - piece.start for piece in place)
            found.setdefault((dims, sides, dtype), []).append((i, place))
    groups = tuple(
        Group(dims, sides, dtype, tuple(members)) for (dims, sides, dtype), members in found.items()
    )
    matrices = [placed.order >= 2 for placed in layouts]
    phases = tuple(sum(matrices[:i]) for i in range(len(matrices)))
    return Plan(tuple(layouts), phases, groups)


def gather(group: Group, plan: Plan, tensors: Sequence[jax.Array]) -> jax.Array:
    """Return a group's blocks of one tensor for each leaf, of shape (members, *dims)."""
    return jnp.stack(
        [tensors[i].reshape(plan.layouts[i].shape)[place] for i, place in group.members]
    )


def scatter(
    plan: Plan, blocks: Sequence[jax.Array], tensors: Sequence[jax.Array]
) -> list[jax.Array]:
    """Return the tensors with the groups' blocks in the place of what they have there."""
    results = list(tensors)
    for group, stacked in zip(plan.groups, blocks, strict=True):
        for (i, place), block in zip(group.members, stacked, strict=True):
            shape, merged = results[i].shape, plan.layouts[i].shape
            if math.prod(merged) == block.size:
                results[i] = block.reshape(shape)
            else:
                results[i] = results[i].reshape(merged).at[place].set(block).reshape(shape)
    return results
