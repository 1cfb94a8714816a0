"""The step of a batch of parameters of one shape: first computed, then made where it is finite.

An average a ← β a + (1 − β) x that starts at zero is divided by its weight, w ← β w + (1 − β):
1 − ∏ β_t where β changes from step to step, and 1 − β^t where it does not.

Nothing here waits for a device between two refreshes: what must not be done to one of the tensors
is masked.  On a CPU, where looking costs nothing, masks are left out where all is well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from oco.integrations.torch import masks
from oco.integrations.torch.batches import Batch
from oco.integrations.torch.coordinatewise import lengths, new_part, next_means
from oco.integrations.torch.directions import directions
from oco.integrations.torch.masks import norms, wide
from oco.integrations.torch.rounding import round_into
from oco.integrations.torch.sharding import is_spread, local
from oco.integrations.torch.state import AVERAGES, FACTORED, Workspace

__all__ = ["step"]

# The norm of a gradient that is used is at most this times the root of the largest number: sums of
# a million squares, or with a decay of up to 1 − 1e-6, stay below it.
ROOM = 1e-3
# What a run that is over answers.
DONE = object()


def step(batches: Sequence[Batch], group: dict[str, Any], workspace: Workspace) -> None:
    """Make the step of each parameter of batches wholly, or count its gradient as skipped.

    Several batches are taken through it side by side: first all are gathered where they are cut
    into shards, then each process does its share of the work, then all is sent.
    """
    # What lies in a workspace must outlast the other batches' turns.
    memory = [workspace] if len(batches) == 1 else [Workspace() for _ in batches]
    runs: list[Iterator[None]] = [
        _run(batch, group, own) for batch, own in zip(batches, memory, strict=True)
    ]
    while runs:
        runs = [run for run in runs if next(run, DONE) is not DONE]


def _run(batch: Batch, group: dict[str, Any], workspace: Workspace) -> Iterator[None]:
    state, shards = batch.numbers, batch.shards
    gradients = _gathered(batch, group, workspace)
    longest = ROOM * torch.finfo(gradients.dtype).max ** 0.5
    used = lengths(batch, gradients) < longest
    if masks.certain(used, False):
        _count(batch, used)
        return
    if not masks.certain(used, True):
        gradients = torch.where(wide(used, gradients), gradients, 0.0)
    weights = _next_weights(batch, group)
    x = _averaged_gradients(batch, gradients, weights, group, workspace)
    update, factor, length, right, settle = yield from directions(
        batch, gradients, x, weights, group, workspace
    )
    rate = factor * _rate(batch, group)
    if "momentum_buffer" in state:
        old = update
        update, rate = _averaged_steps(batch, update, rate, factor, weights, group, workspace)
        length = length if update is old else None
    finite = _stays_finite(batch, update, rate, length, group, workspace)
    used = used & right & shards.everywhere(finite)
    _make(batch, gradients, weights, update, rate, used, group, workspace)
    settle(used)
    _count(batch, used)


def _gathered(batch: Batch, group: dict[str, Any], workspace: Workspace) -> Tensor:
    """Return the gradients in the type of the statistics, contiguous, not to be changed."""
    kind = batch.dtype
    found = [p.grad for p in batch.parameters if p.grad is not None]
    found = [g if g.dtype == kind else g.to(kind) for g in found]
    if is_spread(batch.parameters[0]):
        placements = batch.parameters[0].placements  # type: ignore[attr-defined]
        found = [local(g.redistribute(placements=placements)) for g in found]  # type: ignore
    elif found[0].shape != batch.layout.shape:
        found = [g.reshape(batch.layout.shape) for g in found]
    # A batch of one is, where it can be, a view of the gradient itself.
    single = len(found) == 1
    stacked = found[0][None].contiguous() if single else workspace.stack(found, "gradients")
    return -stacked if group["maximize"] else stacked


def _next_weights(batch: Batch, group: dict[str, Any]) -> dict[str, Tensor]:
    """Return the weights of the averages after this step."""
    return {
        name: decay * batch.numbers[AVERAGES[name]] + new_part(decay)
        for name, decay in _decays(group).items()
        if name in batch.numbers
    }


def _averaged_gradients(
    batch: Batch,
    gradients: Tensor,
    weights: dict[str, Tensor],
    group: dict[str, Any],
    workspace: Workspace,
) -> Tensor:
    """Return x, whose direction is wanted: the gradient, or what momentum makes of it."""
    if group["average"] == "step" or "gradient_average" not in batch.numbers:
        return gradients
    momentum, average = group["momentum"], batch.numbers["gradient_average"]
    # x = (μ a + (1 − μ) g)/w, or with Nesterov μ times that plus (1 − μ) g, in two passes.
    weight = weights["gradient_average"]
    inverse = 1 / weight if group["bias_correction"] else torch.ones_like(weight)
    old, new = momentum * inverse, (1 - momentum) * inverse
    if group["nesterov"]:
        old, new = momentum * old, momentum * new + (1 - momentum)
    unit = batch.layout.preconditioned and group["graft"] == "unit"
    if unit and group["statistics"] == "gradient" and average.dtype == gradients.dtype:
        # The length of x does not matter: fewer passes.
        share, out = wide(new / (old + new), gradients), workspace.like(gradients, "x")
        return torch.lerp(average, gradients, share, out=out)
    mean = torch.mul(average, wide(old, gradients), out=workspace.like(gradients, "x"))
    return mean.addcmul_(gradients, wide(new, gradients))


def _averaged_steps(
    batch: Batch,
    update: Tensor,
    rate: Tensor,
    factor: Tensor,
    weights: dict[str, Tensor],
    group: dict[str, Any],
    workspace: Workspace,
) -> tuple[Tensor, Tensor]:
    """Return the average of steps, or what Nesterov makes of it, and the rate along it.

    An average that is kept from steps before is brought up to date also where it is not used.
    """
    steps, new = update * wide(factor, update), 1 - group["momentum"]
    average = batch.numbers["momentum_buffer"].to(steps.dtype)
    batch.step_average = torch.lerp(average, steps, new, out=workspace.like(update, "average"))
    if group["average"] == "gradient":
        return update, rate
    rate = _rate(batch, group) * torch.ones_like(factor)
    weight = weights["momentum_buffer"] if group["bias_correction"] else None
    if not group["nesterov"]:
        return batch.step_average, rate if weight is None else rate / weight.to(rate.dtype)
    mean = batch.step_average
    if weight is not None:
        mean = mean / wide(weight, mean)
    return torch.lerp(mean, steps, new), rate


def _make(
    batch: Batch,
    gradients: Tensor,
    weights: dict[str, Tensor],
    update: Tensor,
    rate: Tensor,
    used: Tensor,
    group: dict[str, Any],
    workspace: Workspace,
) -> None:
    """Move the parameters and bring the averages up to date, where the step is used."""
    state, (beta1, beta2), all_used = batch.numbers, group["betas"], masks.certain(used, True)
    if masks.certain(used, False):
        return

    def put(name: str, new: Tensor) -> None:
        old = state[name]
        old.copy_(new if all_used else torch.where(wide(used, old), new, old))

    def put_average(name: str, new: Tensor) -> None:
        if state[name].dtype == torch.bfloat16:
            coarse = torch.empty_like(state[name])
            round_into(coarse, new, batch.places, state["step"] + 1, batch.rows)
            new = coarse
        put(name, new)

    for name, weight in weights.items():
        put(AVERAGES[name], weight)
    for name, decay in (("first_moment", beta1), ("gradient_average", group["momentum"])):
        if name in state and all_used and state[name].dtype == gradients.dtype:
            state[name].lerp_(gradients, 1 - decay)
        elif name in state:
            put_average(name, torch.lerp(state[name].to(gradients.dtype), gradients, 1 - decay))
    if "second_moment" in state:
        old = state["second_moment"]
        square = old.mul_(beta2) if all_used else old * beta2
        square.addcmul_(gradients, gradients, value=new_part(beta2))
        put("second_moment", square)
    if FACTORED in state:
        put(FACTORED, next_means(batch, gradients, beta2))
    if "momentum_buffer" in state:
        put_average("momentum_buffer", batch.step_average)
    _move(batch.held(), update, rate, used, all_used, group, workspace)


def _move(
    parameters: list[Tensor],
    update: Tensor,
    rate: Tensor,
    used: Tensor,
    all_used: bool,
    group: dict[str, Any],
    workspace: Workspace,
) -> None:
    """Compute w ← (1 − η λ) w − rate·U."""
    if group["weight_decay"]:
        kept = 1 - group["lr"] * group["weight_decay"]
        if all_used:
            torch._foreach_mul_(parameters, kept)
        else:
            kept = torch.where(used, torch.as_tensor(kept, dtype=rate.dtype), 1.0)
            torch._foreach_mul_(parameters, list(kept.unbind()))
    if all_used and masks.one_by_one(update):
        for parameter, own, number in zip(parameters, update.unbind(), rate.tolist(), strict=True):
            parameter.add_(own.view(parameter.shape), alpha=-number)
        return
    moved = torch.mul(update, wide(-rate, update), out=workspace.like(update, "moved"))
    if not all_used:
        moved = torch.where(wide(used, moved), moved, 0.0)
    each = moved.view(len(moved), *parameters[0].shape).unbind()
    torch._foreach_add_(parameters, each)


def _stays_finite(
    batch: Batch,
    update: Tensor,
    rate: Tensor,
    length: Tensor | None,
    group: dict[str, Any],
    workspace: Workspace,
) -> Tensor:
    """Return where no entry of a parameter can leave its type's range; false where U is NaN."""
    highest = torch.finfo(batch.parameters[0].dtype).max
    kept = abs(1 - group["lr"] * group["weight_decay"])
    parameters = batch.held()
    if not update.numel():
        return torch.ones_like(rate, dtype=torch.bool)
    if update.device.type == "cpu":
        # The norms take a tenth of the time, and are too large only near the end of the range.
        if len(parameters) == 1:
            sizes = torch.linalg.vector_norm(parameters[0], dtype=update.dtype)
        else:
            sizes = norms(workspace.stack(parameters, "parameters"), update.dtype)
        reach = kept * sizes + rate.abs() * (norms(update) if length is None else length)
        fits = reach <= highest
        if masks.certain(fits, True):
            return fits
    sizes = torch.stack(torch._foreach_norm(parameters, ord=torch.inf)).to(update.dtype)
    largest = update.reshape(len(update), -1).abs().amax(1)
    return kept * sizes + rate.abs() * largest <= highest


def _count(batch: Batch, used: Tensor) -> None:
    if masks.certain(used, True):
        batch.numbers["step"] += 1
    else:
        batch.numbers["step"] += used
        batch.numbers["skipped"] += used.logical_not()
    batch.called()


def _rate(batch: Batch, group: dict[str, Any]) -> Any:
    """Return η, a number or a tensor, for vectors or for matrices."""
    return group["lr"] * (group["matrix_rate"] if batch.layout.order >= 2 else 1.0)


def _decays(group: dict[str, Any]) -> dict[str, float]:
    return {
        "first_moment": group["betas"][0],
        "second_moment": group["betas"][1],
        FACTORED: group["betas"][1],
        "momentum_buffer": group["momentum"],
        "gradient_average": group["momentum"],
    }
