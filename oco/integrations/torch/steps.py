"""The step of a batch of parameters of one shape: first computed, then made where it is finite.

An average a ← β a + (1 − β) x that starts at zero is divided by its weight, w ← β w + (1 − β):
1 − ∏ β_t where β changes from step to step, and 1 − β^t where it does not.

Nothing here waits for a device between two refreshes: what must not be done to one of the tensors
is masked.  On a CPU, where looking costs nothing, masks are left out where all is well.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from oco.integrations.torch.factors import BatchedRoot, precondition, unfoldings
from oco.integrations.torch.rounding import round_into
from oco.integrations.torch.state import AVERAGES, Batch, Workspace
from oco.shampoo import power_of, scale_of

__all__ = ["step"]

# The norm of a gradient that is used is at most this times the root of the largest number: sums of
# a million squares, or with a decay of up to 1 − 1e-6, stay below it.
ROOM = 1e-3


def step(batch: Batch, group: dict[str, Any], workspace: Workspace) -> None:
    """Make the step of each parameter of a batch wholly, or count its gradient as skipped."""
    state = batch.numbers
    gradients = _gathered(batch, group)
    longest = ROOM * torch.finfo(gradients.dtype).max ** 0.5
    used = _norms(gradients) < longest
    if _certain(used, False):
        _count(batch, used)
        return
    if not _certain(used, True):
        gradients = torch.where(_wide(used, gradients), gradients, 0.0)
    weights = _next_weights(batch, group)
    x = _averaged_gradients(batch, gradients, weights, group, workspace)
    undo, used = _refreshed(batch, gradients, used, group)
    update, factor = _directions(batch, gradients, x, weights, group, workspace)
    rate = factor * _rate(batch, group)
    if "momentum_buffer" in state:
        update, rate = _averaged_steps(batch, update, rate, factor, weights, group, workspace)
    used = used & _stays_finite(batch, update, rate, group)
    _make(batch, gradients, weights, update, rate, used, group)
    undo(used)
    _count(batch, used)


def _gathered(batch: Batch, group: dict[str, Any]) -> Tensor:
    """Return the gradients in the type of the statistics, contiguous, not to be changed."""
    shape, dtype = batch.layout.shape, batch.dtype
    found = [p.grad.to(dtype).reshape(shape) for p in batch.parameters if p.grad is not None]
    # A batch of one is, where it can be, a view of the gradient itself.
    stacked = found[0][None].contiguous() if len(found) == 1 else torch.stack(found)
    return -stacked if group["maximize"] else stacked


def _next_weights(batch: Batch, group: dict[str, Any]) -> dict[str, Tensor]:
    """Return the weights of the averages after this step."""
    return {
        name: decay * batch.numbers[AVERAGES[name]] + _new_part(decay)
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
    inverse = 1 / weights["gradient_average"]
    if not group["bias_correction"]:
        inverse = torch.ones_like(inverse)
    old, new = momentum * inverse, (1 - momentum) * inverse
    if group["nesterov"]:
        old, new = momentum * old, momentum * new + (1 - momentum)
    mean = torch.mul(average, _wide(old, gradients), out=workspace.like(gradients, "x"))
    return mean.addcmul_(gradients, _wide(new, gradients))


def _refreshed(batch: Batch, gradients: Tensor, used: Tensor, group: dict[str, Any]):
    """Refresh the factors that are due; return what undoes it where a step is not made, and `used`.

    Decompositions wait for the device in PyTorch itself.
    """
    rows = batch.due(group["update_every"]) if batch.layout.order >= 2 else []
    if not rows:
        return (lambda made: None), used
    every: Any = slice(None) if len(rows) == len(used) else rows
    beta2 = group["betas"][1]
    absorbed = beta2 * batch.numbers["absorbed"][every] + 1
    root = BatchedRoot(
        torch.ones_like(absorbed) * scale_of(beta2, absorbed, group["bias_correction"]),
        group["epsilon"],
        power_of(group["exponent"], batch.layout.order),
        group["tail"],
    )
    right = torch.ones_like(used[every])
    before: list[tuple[dict[str, Tensor], dict[str, Tensor]]] = [
        (batch.numbers, {"absorbed": batch.numbers["absorbed"][every].clone()})
    ]
    batch.numbers["absorbed"][every] = absorbed
    part = gradients[every]
    for block, factors, states in zip(
        batch.layout.blocks, batch.factors, batch.factor_numbers, strict=True
    ):
        place = (slice(None), *block)
        parts = unfoldings(part[place])
        for factor, state, unfolding in zip(factors, states, parts, strict=True):
            own = {name: tensor[every] for name, tensor in state.items()}
            new, fine = factor.refreshed(own, unfolding, beta2, root)
            right &= fine
            before.append((state, {name: own[name].clone() for name in new}))
            for name, tensor in new.items():
                state[name][every] = tensor
    used = used.clone()
    used[every] &= right

    def undo(made: Tensor) -> None:
        kept = made[every]
        batch.began(rows, kept)
        if not _certain(kept, True):
            for state, old in before:
                for name, tensor in old.items():
                    now = state[name][every]
                    state[name][every] = torch.where(_wide(kept, now), now, tensor)

    return undo, used


def _directions(
    batch: Batch,
    gradients: Tensor,
    x: Tensor,
    weights: dict[str, Tensor],
    group: dict[str, Any],
    workspace: Workspace,
) -> tuple[Tensor, Tensor]:
    """Return U and what each tensor of it is to be multiplied by."""
    one = torch.ones(len(x), dtype=x.dtype, device=x.device)
    if batch.layout.order < 2:
        return _diagonal(batch, gradients, x, weights, group), one
    graft, unit = group["graft"], x[0].numel() ** 0.5
    own = x
    if graft in ("rmsprop", "adam"):
        own = _diagonal(batch, gradients, x, weights, group)
    early = batch.before(group["start_step"])
    if all(early):
        return own, _to_length(own, unit) if graft == "unit" else one
    result = workspace.like(x, "update")
    for block, factors, states in zip(
        batch.layout.blocks, batch.factors, batch.factor_numbers, strict=True
    ):
        place = (slice(None), *block)
        precondition(factors, states, x[place].contiguous(), result[place])
    if any(early):
        first = torch.tensor(early, device=x.device)
        result = torch.where(_wide(first, x), own, result)
    if graft == "none":
        return result, one
    wanted = unit if graft == "unit" else _norms(own)
    return result, _to_length(result, wanted)


def _diagonal(
    batch: Batch, gradients: Tensor, x: Tensor, weights: dict[str, Tensor], group: dict[str, Any]
) -> Tensor:
    """Return m̂/(√v̂ + eps), with x in the place of m̂ but for the graft "adam"."""
    state, (beta1, beta2) = batch.numbers, group["betas"]
    root = state["second_moment"] * beta2
    root.addcmul_(gradients, gradients, value=_new_part(beta2)).sqrt_()
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
    root.add_(_wide(eps, root) if isinstance(eps, Tensor) else eps)
    result = torch.div(x, root, out=root)
    return result.mul_(_wide(scale, root) if isinstance(scale, Tensor) else scale)


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
    steps, new = update * _wide(factor, update), 1 - group["momentum"]
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
        mean = mean / _wide(weight, mean)
    return torch.lerp(mean, steps, new), rate


def _make(
    batch: Batch,
    gradients: Tensor,
    weights: dict[str, Tensor],
    update: Tensor,
    rate: Tensor,
    used: Tensor,
    group: dict[str, Any],
) -> None:
    """Move the parameters and bring the averages up to date, where the step is used."""
    state, (beta1, beta2), all_used = batch.numbers, group["betas"], _certain(used, True)
    if _certain(used, False):
        return

    def put(name: str, new: Tensor) -> None:
        old = state[name]
        old.copy_(new if all_used else torch.where(_wide(used, old), new, old))

    def put_average(name: str, new: Tensor) -> None:
        if state[name].dtype == torch.bfloat16:
            coarse = torch.empty_like(state[name])
            round_into(coarse, new, batch.places, state["step"] + 1)
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
        square.addcmul_(gradients, gradients, value=_new_part(beta2))
        put("second_moment", square)
    if "momentum_buffer" in state:
        put_average("momentum_buffer", batch.step_average)
    _move(batch.parameters, update, rate, used, all_used, group)


def _move(
    parameters: list[Tensor],
    update: Tensor,
    rate: Tensor,
    used: Tensor,
    all_used: bool,
    group: dict[str, Any],
) -> None:
    """Compute w ← (1 − η λ) w − rate·U."""
    if group["weight_decay"]:
        kept = 1 - group["lr"] * group["weight_decay"]
        if all_used:
            torch._foreach_mul_(parameters, kept)
        else:
            kept = torch.where(used, torch.as_tensor(kept, dtype=rate.dtype), 1.0)
            torch._foreach_mul_(parameters, list(kept.unbind()))
    if all_used and len(parameters) == 1 and update.device.type == "cpu":
        parameter = parameters[0]
        parameter.add_(update.view(parameter.shape), alpha=-float(rate))
        return
    moved = update * _wide(-rate, update)
    if not all_used:
        moved = torch.where(_wide(used, moved), moved, 0.0)
    torch._foreach_add_(
        parameters, [one.view(p.shape) for one, p in zip(moved, parameters, strict=True)]
    )


def _stays_finite(batch: Batch, update: Tensor, rate: Tensor, group: dict[str, Any]) -> Tensor:
    """Return where no entry of a parameter can leave its type's range; false where U is NaN."""
    highest = torch.finfo(batch.parameters[0].dtype).max
    kept = abs(1 - group["lr"] * group["weight_decay"])
    if update.device.type == "cpu":
        # The norms take a tenth of the time, and are too large only near the end of the range.
        sizes = torch.stack(torch._foreach_norm(batch.parameters, dtype=update.dtype))
        reach = kept * sizes + rate.abs() * _norms(update)
        if bool((reach <= highest).all()):
            return torch.ones_like(reach, dtype=torch.bool)
    sizes = torch.stack(torch._foreach_norm(batch.parameters, ord=torch.inf)).to(update.dtype)
    largest = update.reshape(len(update), -1).abs().amax(1)
    return kept * sizes + rate.abs() * largest <= highest


def _count(batch: Batch, used: Tensor) -> None:
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
        "momentum_buffer": group["momentum"],
        "gradient_average": group["momentum"],
    }


def _new_part(beta: float) -> float:
    """Return how much of an average is new: 1 − β, or 1 where it sums without forgetting."""
    return 1 - beta if beta < 1 else 1.0


def _to_length(tensors: Tensor, wanted: Any) -> Tensor:
    """Return what scales tensors to Frobenius norms; zero stays zero."""
    length = _norms(tensors)
    # NaN where the length is infinite.
    return torch.where(length > 0, wanted / length + 0.0 * length, length)


def _norms(tensors: Tensor) -> Tensor:
    return torch.linalg.vector_norm(tensors.reshape(len(tensors), -1), dim=1)


def _wide(numbers: Tensor, like: Tensor) -> Tensor:
    """Return one number for each tensor so that it can be multiplied with all of it."""
    numbers = numbers if numbers.dtype == torch.bool else numbers.to(like.dtype)
    return numbers.view(-1, *[1] * (like.ndim - 1))


def _certain(flags: Tensor, value: bool) -> bool:
    """Return whether all flags are known to be `value`, which only a CPU tells without waiting."""
    return flags.device.type == "cpu" and bool((flags if value else ~flags).all())
