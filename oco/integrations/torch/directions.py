"""The direction of a step: what the factors, refreshed when they are due, make of a batch."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import torch
from torch import Tensor

from oco.integrations.torch import masks
from oco.integrations.torch.batches import Batch
from oco.integrations.torch.factors import BatchedRoot, FactorState, precondition, unfoldings
from oco.integrations.torch.masks import norms, wide
from oco.integrations.torch.sharding import Shards
from oco.integrations.torch.state import Workspace
from oco.shampoo import power_of, scale_of

__all__ = ["directions", "lengths", "new_part"]

# What was there, by the dictionary that it is in.
Before = list[tuple[dict[str, Tensor], dict[str, Tensor]]]
# U, what each tensor of it is to be multiplied by, of which tensors it is right, and what is to be
# called with those of which the step is made.
Directions = tuple[Tensor, Tensor, Tensor, Callable[[Tensor], None]]


def directions(
    batch: Batch,
    gradients: Tensor,
    x: Tensor,
    weights: dict[str, Tensor],
    group: dict[str, Any],
    workspace: Workspace,
) -> Generator[None, None, Directions]:
    """Return the directions of x, with factors that have absorbed the gradients if they are due.

    Yields where shards have been gathered, and where the work is done: then it is others' turn.
    """
    one = torch.ones(len(x), dtype=x.dtype, device=x.device)
    right = torch.ones_like(one, dtype=torch.bool)
    if batch.layout.order < 2:
        return _diagonal(batch, gradients, x, weights, group), one, right, lambda made: None
    graft, unit, shards = group["graft"], batch.parameters[0].numel() ** 0.5, batch.shards
    lender = x
    if graft in ("rmsprop", "adam"):
        lender = _diagonal(batch, gradients, x, weights, group)
    rows, early = batch.due(group["update_every"]), batch.before(group["start_step"])
    every: Any = slice(None) if len(rows) == len(x) else rows
    factors: list[list[FactorState]] = []
    seen = whole = x[:0]
    if rows or not all(early):
        factors = batch.whole_factors()
    if rows:
        seen = shards.gathered(gradients[every])
    if not all(early):
        whole = shards.gathered(x)
    if not shards.mine:
        seen = whole = x[:0]
        factors = factors if rows else []
    yield
    before: Before = []
    if rows:
        absorbed = group["betas"][1] * batch.numbers["absorbed"][every] + 1
        before.append((batch.numbers, {"absorbed": batch.numbers["absorbed"][every].clone()}))
        batch.numbers["absorbed"][every] = absorbed
        if shards.mine:
            kept, right[every] = _refreshed(batch, factors, seen, absorbed, every, group)
            # Shards are not written before it is known that they are to be kept.
            before += [] if isinstance(shards, Shards) else kept
    result = lender
    if not all(early):
        result = x.new_empty(len(x), *batch.layout.shape)
        if shards.mine:
            result = workspace.like(whole, "update")
            _precondition(batch, factors, whole, result)
    yield
    right = shards.sent(right.int()).bool()
    if not all(early):
        result = shards.part(shards.sent(result))
        if any(early):
            result = torch.where(wide(torch.tensor(early, device=x.device), x), lender, result)

    def settle(made: Tensor) -> None:
        if not rows:
            return
        kept = made[every]
        batch.began(rows, kept)
        if isinstance(shards, Shards):
            batch.keep(factors, made)
        if not masks.certain(kept, True):
            for state, old in before:
                for name, tensor in old.items():
                    now = state[name][every]
                    state[name][every] = torch.where(wide(kept, now), now, tensor)

    if graft == "none" or (all(early) and graft != "unit"):
        return result, one, right, settle
    wanted = unit if graft == "unit" else lengths(batch, lender)
    return result, _to_length(lengths(batch, result), wanted), right, settle


def _refreshed(
    batch: Batch,
    states: list[list[FactorState]],
    gradients: Tensor,
    absorbed: Tensor,
    every: Any,
    group: dict[str, Any],
) -> tuple[Before, Tensor]:
    """Refresh factors that are due; return what they were, and of which tensors they are right.

    Decompositions wait for the device in PyTorch itself.
    """
    beta2 = group["betas"][1]
    root = BatchedRoot(
        torch.ones_like(absorbed) * scale_of(beta2, absorbed, group["bias_correction"]),
        group["epsilon"],
        power_of(group["exponent"], batch.layout.order),
        group["tail"],
    )
    right = torch.ones(len(gradients), dtype=torch.bool, device=gradients.device)
    before: Before = []
    for block, factors, numbers in zip(batch.layout.blocks, batch.factors, states, strict=True):
        place = (slice(None), *block)
        parts = unfoldings(gradients[place])
        for factor, state, unfolding in zip(factors, numbers, parts, strict=True):
            own = {name: tensor[every] for name, tensor in state.items()}
            new, fine = factor.refreshed(own, unfolding, beta2, root)
            right &= fine
            before.append((state, {name: own[name].clone() for name in new}))
            for name, tensor in new.items():
                state[name][every] = tensor
    return before, right


def _precondition(batch: Batch, states: list[list[FactorState]], x: Tensor, result: Tensor) -> None:
    for block, factors, numbers in zip(batch.layout.blocks, batch.factors, states, strict=True):
        place = (slice(None), *block)
        precondition(factors, numbers, x[place].contiguous(), result[place])


def _diagonal(
    batch: Batch, gradients: Tensor, x: Tensor, weights: dict[str, Tensor], group: dict[str, Any]
) -> Tensor:
    """Return m̂/(√v̂ + eps), with x in the place of m̂ but for the graft "adam"."""
    state, (beta1, beta2) = batch.numbers, group["betas"]
    root = state["second_moment"] * beta2
    root.addcmul_(gradients, gradients, value=new_part(beta2)).sqrt_()
    # An eps that the type cannot tell from zero would make 0/0 of a coordinate without gradient.
    eps: Any = max(group["eps"], torch.finfo(root.dtype).tiny)
    scale: Any = 1.0
    if group["bias_correction"] and beta2 < 1:
        scale = weights["second_moment"].sqrt()
        eps = (scale * group["eps"]).clamp_min(torch.finfo(root.dtype).tiny)
    if group["graft"] == "adam":
        x = torch.lerp(state["first_moment"], gradients, 1 - beta1)
        if group["bias_correction"]:
            scale = scale / weights["first_moment"]
    root.add_(wide(eps, root) if isinstance(eps, Tensor) else eps)
    result = torch.div(x, root, out=root)
    return result.mul_(wide(scale, root) if isinstance(scale, Tensor) else scale)


def lengths(batch: Batch, tensors: Tensor) -> Tensor:
    """Return the Frobenius norms of all of the tensors of which this process may hold a part."""
    if not isinstance(batch.shards, Shards):
        return norms(tensors)
    return batch.shards.total(norms(tensors).square()).sqrt()


def _to_length(length: Tensor, wanted: Any) -> Tensor:
    """Return what brings tensors of one length to another; zero stays zero."""
    # NaN where the length is infinite.
    return torch.where(length > 0, wanted / length + 0.0 * length, length)


def new_part(beta: float) -> float:
    """Return how much of an average is new: 1 − β, or 1 where it sums without forgetting."""
    return 1 - beta if beta < 1 else 1.0
