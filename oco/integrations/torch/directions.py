"""The direction of a step: what the factors, refreshed when they are due, make of a batch."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from oco.integrations.torch import masks
from oco.integrations.torch.batches import Batch
from oco.integrations.torch.coordinatewise import coordinatewise, lengths
from oco.integrations.torch.factors import (
    BatchedRoot,
    BatchedSketchedFactor,
    FactorState,
    unfoldings,
)
from oco.integrations.torch.masks import wide
from oco.integrations.torch.products import precondition
from oco.integrations.torch.sharding import Shards
from oco.integrations.torch.state import Workspace
from oco.shampoo import floor_of, power_of, scale_of, statistics_interval

__all__ = ["directions"]

# What was there, by the dictionary that it is in.
Before = list[tuple[dict[str, Tensor], dict[str, Tensor]]]
# U, what each tensor of it is to be multiplied by, their lengths if they are known, of which
# tensors it is right, and what is to be called with those of which the step is made.
Directions = tuple[Tensor, Tensor, Tensor | None, Tensor, Callable[[Tensor], None]]


def directions(
    batch: Batch,
    gradients: Tensor,
    x: Tensor,
    weights: dict[str, Tensor],
    group: dict[str, Any],
    workspace: Workspace,
) -> Generator[None, None, Directions]:
    """Return the directions of x, with factors that have absorbed the gradients if they are due.

    They may take the memory of x, unless x are the gradients.
    Yields where shards have been gathered, and where the work is done: then it is others' turn.
    """
    one = torch.ones(len(x), dtype=x.dtype, device=x.device)
    right = torch.ones_like(one, dtype=torch.bool)
    if not batch.layout.preconditioned:
        return (
            coordinatewise(batch, gradients, x, weights, group),
            one,
            None,
            right,
            lambda made: None,
        )
    graft, unit, shards = group["graft"], batch.parameters[0].numel() ** 0.5, batch.shards
    lender = x
    if graft in ("rmsprop", "adam", "adafactor"):
        lender = coordinatewise(batch, gradients, x, weights, group)
    wanted: Any = unit if graft == "unit" else None
    if graft not in ("unit", "none"):
        wanted = lengths(batch, lender)
    turns, early = _turns(batch, group), batch.before(group["start_step"])
    source = x if group["statistics"] == "average" else gradients
    factors: list[list[FactorState]] = []
    seen, whole = [x[:0] for _ in turns], x[:0]
    if turns or not all(early):
        factors = batch.whole_factors()
    for i, turn in enumerate(turns):
        seen[i] = shards.gathered(source[turn.every])
    if not all(early):
        whole = shards.gathered(x)
    if not shards.mine:
        seen, whole = [x[:0] for _ in turns], x[:0]
        factors = factors if turns else []
    yield
    before: list[tuple[Any, Before]] = []
    for turn, own in zip(turns, seen, strict=True):
        absorbed = group["betas"][1] * batch.numbers["absorbed"][turn.every] + 1
        old = batch.numbers["absorbed"][turn.every].clone()
        before.append((turn.every, [(batch.numbers, {"absorbed": old})]))
        batch.numbers["absorbed"][turn.every] = absorbed
        if shards.mine:
            kept, right[turn.every] = _refreshed(batch, factors, own, absorbed, turn, group)
            # Shards are not written before it is known that they are to be kept.
            before += [] if isinstance(shards, Shards) else [(turn.every, kept)]
    result = lender
    if not all(early):
        result = x.new_empty(len(x), *batch.layout.shape)
        if shards.mine:
            # Memory that nobody reads afterwards takes the result.
            ours = whole is x and x is not gradients and not any(early)
            result = whole if ours else workspace.like(whole, "update")
            _precondition(batch, factors, whole, result)
    yield
    right = shards.judged(right)
    if not all(early):
        result = shards.part(shards.sent(result))
        if any(early):
            result = torch.where(wide(torch.tensor(early, device=x.device), x), lender, result)

    def settle(made: Tensor) -> None:
        for turn in turns:
            batch.began(turn.rows, made[turn.every])
        if turns and isinstance(shards, Shards):
            batch.keep(factors, made)
        for every, states in before:
            kept = made[every]
            if not masks.certain(kept, True):
                for state, old in states:
                    for name, tensor in old.items():
                        now = state[name][every]
                        state[name][every] = torch.where(wide(kept, now), now, tensor)

    length = lengths(batch, result)
    if graft == "none" or (all(early) and graft != "unit"):
        return result, one, length, right, settle
    return result, _to_length(length, wanted), length, right, settle


class _Turn(NamedTuple):
    """Whose factors absorb gradients, and whether exact ones have their roots made anew.

    Those of sketches are made of their directions, which change whenever they absorb.
    """

    rows: list[int]
    every: Any
    rooted: bool


def _turns(batch: Batch, group: dict[str, Any]) -> list[_Turn]:
    """Return whose turn it is, in two parts: with new roots, and without."""
    every = group["update_every"]
    rooted = batch.due(every, every)
    often = batch.due(every, statistics_interval(group["statistics_every"], every))
    others = [i for i in often if i not in set(rooted)]
    size = len(batch.parameters)
    return [
        _Turn(rows, slice(None) if len(rows) == size else rows, anew)
        for rows, anew in ((rooted, True), (others, False))
        if rows
    ]


def _refreshed(
    batch: Batch,
    states: list[list[FactorState]],
    gradients: Tensor,
    absorbed: Tensor,
    turn: _Turn,
    group: dict[str, Any],
) -> tuple[Before, Tensor]:
    """Refresh factors that are due; return what they were, and of which tensors they are right.

    Decompositions wait for the device in PyTorch itself.
    """
    beta2 = group["betas"][1]
    root = BatchedRoot(
        torch.ones_like(absorbed) * scale_of(beta2, absorbed, group["bias_correction"]),
        group["epsilon"],
        power_of(group["exponent"], len(batch.factors[0])),
        group["tail"],
        floor_of(group, len(batch.factors[0])),
    )
    right = torch.ones(len(gradients), dtype=torch.bool, device=gradients.device)
    before: Before = []
    for block, factors, numbers in zip(batch.layout.blocks, batch.factors, states, strict=True):
        place = (slice(None), *block)
        parts = unfoldings(gradients[place], batch.axes)
        for factor, state, unfolding in zip(factors, numbers, parts, strict=True):
            own = {name: tensor[turn.every] for name, tensor in state.items()}
            new, fine = factor.absorbed(own, unfolding, beta2, group["refresh"])
            right &= fine
            if turn.rooted or isinstance(factor, BatchedSketchedFactor):
                roots, fine = factor.rooted(new, root)
                right &= fine
                new.update(roots)
            before.append((state, {name: own[name].clone() for name in new}))
            for name, tensor in new.items():
                state[name][turn.every] = tensor
    return before, right


def _precondition(batch: Batch, states: list[list[FactorState]], x: Tensor, result: Tensor) -> None:
    for block, factors, numbers in zip(batch.layout.blocks, batch.factors, states, strict=True):
        place = (slice(None), *block)
        precondition(batch.axes, factors, numbers, x[place].contiguous(), result[place])


def _to_length(length: Tensor, wanted: Any) -> Tensor:
    """Return what brings tensors of one length to another; zero stays zero."""
    # NaN where the length is infinite.
    return torch.where(length > 0, wanted / length + 0.0 * length, length)
