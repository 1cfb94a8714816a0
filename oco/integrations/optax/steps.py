"""The step of all leaves: each is made wholly, or not at all and counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from oco.integrations.optax import averages, factors
from oco.integrations.optax.averages import Averages, Weights
from oco.integrations.optax.leaves import statistics_type
from oco.integrations.optax.options import known
from oco.integrations.optax.plan import Group, Plan, gather, scatter
from oco.shampoo import SEEN, power_of, scale_of, statistics_interval

__all__ = ["Kept", "fresh", "step"]

# The norm of a gradient that is used is at most this times the root of the largest number: sums of
# a million squares, or with a decay of up to 1 − 1e-6, stay below it.
ROOM = 1e-3


class Kept(NamedTuple):
    """What is kept from step to step, with sequences over leaves where the state has trees.

    Attributes
    ----------
    steps, skipped : Array of int32, of shape (leaves,)
        How many gradients of each leaf were used, and how many were not.
    weights : Weights
        What averages are divided by.
    averages : list of Averages
        One for each leaf.
    factors : tuple of tuple of Exact or Sketched
        For each group of blocks, the factor of each side.
    """

    steps: jax.Array
    skipped: jax.Array
    weights: Weights
    averages: list[Averages]
    factors: tuple[tuple[factors.Exact | factors.Sketched, ...], ...]


class _Turns(NamedTuple):
    """Whose turn it is, for each leaf.

    Attributes
    ----------
    due, rooted : Array of bool, of shape (leaves,)
        Which factors absorb the gradient, and which of these have roots of exact ones made anew.
    absorbed : Array of shape (leaves,)
        As in `Weights`, after this gradient.
    """

    due: jax.Array
    rooted: jax.Array
    absorbed: jax.Array


def fresh(plan: Plan, leaves: Sequence[jax.Array], options: dict) -> Kept:
    """Return what is kept before the first gradient."""
    count = len(leaves)
    wide = jax.dtypes.canonicalize_dtype(jnp.float64)
    return Kept(
        steps=jnp.zeros(count, jnp.int32),
        skipped=jnp.zeros(count, jnp.int32),
        weights=Weights(*(jnp.zeros(count, wide) for _ in Weights._fields)),
        averages=[
            Averages(
                *(
                    jnp.zeros(leaf.shape, statistics_type(leaf.dtype)) if needed else None
                    for needed in averages.kept(options, layout.order)
                )
            )
            for leaf, layout in zip(leaves, plan.layouts, strict=True)
        ],
        factors=tuple(
            tuple(factors.zeros(side, len(group.members), group.dtype) for side in group.sides)
            for group in plan.groups
        ),
    )


def step(
    plan: Plan, before: Kept, leaves: Sequence[jax.Array], options: dict
) -> tuple[list[jax.Array], Kept, jax.Array]:
    """Compute the step of each leaf.

    Parameters
    ----------
    plan : Plan
        For leaves of these shapes.
    before : Kept
        What was kept.
    leaves : sequence of Array
        The gradients.
    options : dict
        Those of `oco.shampoo.OPTIONS` but `lr`, `k`, `max_axis` and `weight_decay`.

    Returns
    -------
    updates : list of Array
        What the learning rate is multiplied by, of the gradients' types; 0 where one is skipped.
    after : Kept
        With nothing changed of what is skipped, but the count.
    used : Array of bool, of shape (leaves,)
        Which leaves make a step.
    """
    gradients, used = _usable(leaves)
    weights = averages.grown(before.weights, options)
    steps = before.steps + 1
    after = before._replace(steps=steps, weights=weights)
    # As NumPy and PyTorch count: those that were skipped are calls, too.
    calls, every = before.steps + before.skipped, options["update_every"]
    passed, new = (calls - jnp.array(plan.phases)) % every, before.weights.absorbed == 0
    due, rooted = (used & (turn | new) for turn in (passed % _interval(options) == 0, passed == 0))
    absorbed = jnp.where(due, options["betas"][1] * weights.absorbed + 1, weights.absorbed)
    after = after._replace(weights=weights._replace(absorbed=absorbed))
    rows = [_row(after.weights, i, g.dtype) for i, g in enumerate(gradients)]
    each = zip(before.averages, gradients, rows, strict=True)
    xs, moved = map(list, zip(*(_averaged(*one, options) for one in each), strict=True))
    blocks, refreshed = [], []
    for group, states in zip(plan.groups, before.factors, strict=True):
        turns = _Turns(due, rooted, absorbed)
        states, sound = _refreshed(plan, group, states, gradients, turns, options)
        used = used.at[jnp.array(group.leaves)].min(sound)
        tensor = gather(group, plan, xs)
        for side, state in zip(group.sides, states, strict=True):
            tensor = factors.precondition(state, tensor, side.axis)
        blocks.append(tensor)
        refreshed.append(states)
    preconditioned = scatter(plan, blocks, xs)
    updates, final = [], []
    for i, leaf in enumerate(leaves):
        order = plan.layouts[i].order
        direction = _direction(
            xs[i], preconditioned[i], moved[i], rows[i], order, calls[i], options
        )
        update, averaged = _stepped(direction, moved[i], rows[i], order, options)
        updates.append(update.astype(leaf.dtype))
        final.append(averaged)
    used &= jnp.stack([jnp.isfinite(update).all() for update in updates])
    updates = [jnp.where(good, u, 0) for good, u in zip(used, updates, strict=True)]
    after = after._replace(averages=final, factors=tuple(refreshed))
    return updates, _where(used, plan, after, before), used


def _usable(leaves: Sequence[jax.Array]) -> tuple[list[jax.Array], jax.Array]:
    """Return gradients of the statistics' types, 0 in the place of those that cannot be used."""
    gradients, used = [], []
    for leaf in leaves:
        g = leaf.astype(statistics_type(leaf.dtype))
        good = jnp.sqrt(jnp.sum(g * g)) < ROOM * jnp.finfo(g.dtype).max ** 0.5
        gradients.append(jnp.where(good, g, 0))
        used.append(good)
    return gradients, jnp.stack(used)


def _row(weights: Weights, i: int, dtype) -> Weights:
    return Weights(*(weight[i].astype(dtype) for weight in weights))


def _averaged(
    kept: Averages, g: jax.Array, weights: Weights, options: dict
) -> tuple[jax.Array, Averages]:
    """Return x, whose direction is wanted, and the averages after g but for that of steps."""
    kept = averages.absorb(kept, g, options)
    if options["average"] == "step" or kept.momentum is None:
        return g, kept
    kept = kept._replace(momentum=averages.mixed(kept.momentum, g, options["momentum"]))
    return _mean(kept, g, weights, options), kept


def _mean(kept: Averages, newest: jax.Array, weights: Weights, options: dict) -> jax.Array:
    """Return what momentum has averaged, with the newest once more where that is asked for."""
    mean = kept.momentum / weights.momentum if options["bias_correction"] else kept.momentum
    return averages.mixed(mean, newest, options["momentum"]) if options["nesterov"] else mean


def _interval(options: dict):
    """Return r, of which `statistics_interval` is the definition, where s may be an array too."""
    every, interval = options["update_every"], options["statistics_every"]
    if known(every) or interval is not None:
        return statistics_interval(interval, every)
    return jnp.maximum(1, every // SEEN)


def _refreshed(plan: Plan, group: Group, states, gradients, turns: _Turns, options: dict):
    """Return the factors of a group, refreshed where that is due, and which blocks are sound."""
    due, rooted, absorbed = (array[jnp.array(group.leaves)] for array in turns)
    every, beta2 = options["update_every"], options["betas"][1]
    scale = scale_of(beta2, absorbed.astype(group.dtype), options["bias_correction"])
    root = factors.Root(
        jnp.broadcast_to(jnp.asarray(scale, group.dtype), due.shape),
        options["epsilon"],
        power_of(options["exponent"], len(group.sides)),
        options["tail"],
    )
    tensor = gather(group, plan, gradients)

    def absorb(old, rows):
        pairs = zip(group.sides, old, strict=True)
        new = [factors.absorb(state, tensor[rows], side.axis, beta2) for side, state in pairs]
        # A sketch's root is made of its directions, and costs little beside them.
        return invert(new, rows, factors.Sketched)

    def invert(old, rows, kind=factors.Exact):
        own = root._replace(scale=root.scale[rows])
        found, sound = [], jnp.ones_like(due[rows])
        for state in old:
            new, good = factors.invert(state, own) if isinstance(state, kind) else (state, True)
            found.append(new)
            sound &= good
        return tuple(found), sound

    states, sound = _in_parts(absorb, states, due, _share(_interval(options), every))
    if any(side.k is None for side in group.sides):
        states, good = _in_parts(invert, states, rooted, _share(every, every))
        sound &= good
    return states, sound


def _share(interval, every) -> Fraction | None:
    """Return in which part of the steps something is due, or None where that is not known."""
    if known(interval) and interval == 1:
        return Fraction(1)
    return Fraction(-(-every // interval), every) if known(every) else None


def _in_parts(change: Callable, states, due: jax.Array, share: Fraction | None):
    """Change the states of the blocks that are due; return them, and which blocks are sound."""
    if share == 1:
        # Each one is due whenever a gradient can be used.
        found, sound = change(states, slice(None))
        return _chosen(due, found, states), sound | ~due
    # The blocks that are due come first, and are decomposed so many at a time as come in one step.
    count = len(due)
    size = 1 if share is None else math.ceil(count * share)
    order = jnp.pad(jnp.argsort(~due), (0, -count % size), constant_values=count)

    def some(carry):
        start, states, sound = carry
        rows = lax.dynamic_slice(order, (start,), (size,))
        # Rows beyond the last are read as the last one, and written nowhere.
        wanted = due[rows] & (rows < count)
        old = jax.tree.map(lambda all_of_it: all_of_it[rows], states)
        new, good = change(old, rows)
        states = jax.tree.map(
            lambda all_of_it, part: all_of_it.at[rows].set(part, mode="drop"),
            states,
            _chosen(wanted, new, old),
        )
        return start + size, states, sound.at[rows].set(good | ~wanted, mode="drop")

    start = (jnp.int32(0), states, jnp.ones_like(due))
    return lax.while_loop(lambda carry: carry[0] < due.sum(), some, start)[1:]


def _direction(
    x: jax.Array,
    preconditioned: jax.Array,
    kept: Averages,
    weights: Weights,
    order: int,
    calls: jax.Array,
    options: dict,
) -> jax.Array:
    """Return U of a leaf: what is preconditioned, with the length of the graft's step."""
    graft, start = options["graft"], options["start_step"]
    unit = x.size**0.5
    if order < 2:
        return averages.diagonal_step(kept, weights, x, options)
    if graft in ("rmsprop", "adam"):
        lender = averages.diagonal_step(kept, weights, x, options)
    else:
        lender = _of_length(x, unit) if graft == "unit" else x
    wanted = unit if graft == "unit" else jnp.linalg.norm(lender.ravel())
    result = preconditioned if graft == "none" else _of_length(preconditioned, wanted)
    if known(start) and start == 1:
        return result
    return jnp.where(calls + 1 < start, lender, result)


def _of_length(tensor: jax.Array, wanted) -> jax.Array:
    """Return a tensor scaled to a Frobenius norm; zero stays zero, and an infinite one is NaN."""
    length = jnp.linalg.norm(tensor.ravel())
    factor = wanted / jnp.where(length > 0, length, 1) + 0 * length
    return tensor * jnp.where(length > 0, factor, length)


def _stepped(
    direction: jax.Array, kept: Averages, weights: Weights, order: int, options: dict
) -> tuple[jax.Array, Averages]:
    """Return the step that momentum makes of U, with matrices' own rate."""
    if options["average"] == "step" and kept.momentum is not None:
        momentum = averages.mixed(kept.momentum, direction, options["momentum"])
        kept = kept._replace(momentum=momentum)
        direction = _mean(kept, direction, weights, options)
    return direction * options["matrix_rate"] if order >= 2 else direction, kept


def _where(used: jax.Array, plan: Plan, after: Kept, before: Kept) -> Kept:
    """Return what is kept after the step, with nothing changed of leaves that make none."""

    def all_of_it():
        return after

    def some_of_it():
        chosen = [
            jax.tree.map(lambda new, old, good=good: jnp.where(good, new, old), new, old)
            for good, new, old in zip(used, after.averages, before.averages, strict=True)
        ]
        states = tuple(
            tuple(
                _chosen(used[jnp.array(group.leaves)], new, old)
                for new, old in zip(news, olds, strict=True)
            )
            for group, news, olds in zip(plan.groups, after.factors, before.factors, strict=True)
        )
        return Kept(
            steps=jnp.where(used, after.steps, before.steps),
            skipped=before.skipped + ~used,
            weights=_chosen(used, after.weights, before.weights),
            averages=chosen,
            factors=states,
        )

    return lax.cond(used.all(), all_of_it, some_of_it)


def _chosen(where: jax.Array, new, old):
    """Return the new where it is wanted along the first axis, and the old elsewhere."""

    def choose(a, b):
        return jnp.where(where.reshape(-1, *(1,) * (a.ndim - 1)), a, b)

    return jax.tree.map(choose, new, old)
