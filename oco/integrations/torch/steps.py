"""The step of one parameter: first computed without changing anything, then made."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch

from oco.integrations.torch import moments
from oco.integrations.torch.preconditioner import Preconditioner
from oco.integrations.torch.roots import Root
from oco.integrations.torch.state import as_tensors, new_averages, statistics_type
from oco.integrations.torch.workspace import Workspace
from oco.shampoo import power_of, scale_of

__all__ = ["NotFinite", "Step", "compute", "make"]

# The norm of a gradient that is used is at most this times the root of the largest number: sums of
# a million squares, or with a decay of up to 1 − 1e-6, stay below it.
ROOM = 1e-3


class NotFinite(ArithmeticError):
    """Something that a step would write is not finite."""


class Step(NamedTuple):
    """What a step will do.

    Attributes
    ----------
    state : dict
        The next state, but for the averages, which are still to absorb the gradient or U, and with
        numbers where the state has tensors on the CPU.
    gradient : Tensor
        g, of the statistics' type.
    update : Tensor
        U; not to be changed, since it may be the gradient itself.
    rate : float
        By which the parameter moves against U, or what is made of U and its average.
    """

    state: dict
    gradient: torch.Tensor
    update: torch.Tensor
    rate: float


def compute(
    parameter: torch.Tensor,
    state: dict,
    group: dict,
    plan: Preconditioner,
    workspace: Workspace,
) -> Step:
    """Compute a parameter's step; neither the parameter nor any tensor of its state is changed.

    Parameters
    ----------
    parameter : Tensor
        With its gradient.
    state : dict
        Its state.
    group : dict
        Its options.
    plan : Preconditioner
        Its preconditioner.
    workspace : Workspace
        Where U may be kept.

    Raises
    ------
    NotFinite
        If the gradient is not finite or too large for statistics of it, or if a weight or an
        average would not be finite after the step.
    torch.linalg.LinAlgError
        If statistics are not finite.
    """
    gradient = parameter.grad.to(statistics_type(parameter.dtype))
    longest = ROOM * torch.finfo(gradient.dtype).max ** 0.5
    if not float(torch.linalg.vector_norm(gradient)) < longest:
        raise NotFinite
    new = {**state, "step": int(state["step"]) + 1}
    names = moments.needed(group, plan.order)
    new |= new_averages(parameter, [name for name in names if name not in state])
    new |= moments.next_weights(new, group)
    update = _direction(new, gradient, group, plan, workspace)
    rate = group["lr"] * (group["matrix_rate"] if plan.order >= 2 else 1.0)
    highest = torch.finfo(parameter.dtype).max
    for size in (torch.linalg.vector_norm, _largest):
        # The norms take a tenth of the time, and are too large only near the end of the range.
        if _reach(size, parameter, new, update, rate, group) <= highest:
            return Step(new, gradient, update, rate)
    raise NotFinite


def make(parameter: torch.Tensor, state: dict, step: Step, group: dict) -> None:
    """Make a step: change the parameter and its state."""
    new, update, rate = step.state, step.update, step.rate
    moments.update(new, step.gradient, group)
    if "momentum_buffer" in new:
        average = new["momentum_buffer"].lerp_(update, 1 - group["momentum"])
        if group["average"] == "step":
            weight = _weight(new, group)
            if group["nesterov"]:
                update = torch.lerp(average / weight, update, 1 - group["momentum"])
            else:
                update, rate = average, rate / weight
    if group["weight_decay"]:
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
    parameter.add_(update, alpha=-rate)
    state.update(as_tensors(new))


def _weight(new: dict, group: dict) -> float:
    """Return what the average of steps is divided by."""
    return new["momentum_weight"] if group["bias_correction"] else 1.0


def _direction(
    new: dict,
    gradient: torch.Tensor,
    group: dict,
    plan: Preconditioner,
    workspace: Workspace,
) -> torch.Tensor:
    """Return U, and put the factors' next state into `new`."""
    x = moments.averaged_gradient(new, gradient, group)
    if plan.order < 2:
        return moments.diagonal_step(new, gradient, x, group)
    if (new["step"] - 1) % group["update_every"] == 0 or not new["absorbed"]:
        beta2 = group["betas"][1]
        new["absorbed"] = beta2 * float(new["absorbed"]) + 1
        new["factors"] = plan.refreshed(
            new["factors"], gradient.squeeze(), beta2, _root(new, group, plan.order)
        )
    graft, unit = group["graft"], gradient.numel() ** 0.5
    if new["step"] < group["start_step"]:
        if graft in ("rmsprop", "adam"):
            return moments.diagonal_step(new, gradient, x, group)
        return _of_length(workspace.copy(x), unit) if graft == "unit" else x
    if graft in ("rmsprop", "adam"):
        wanted = moments.diagonal_length(new, gradient, x, group)
    else:
        wanted = torch.linalg.vector_norm(x) if graft == "sgd" else unit
    result = workspace.copy(x)
    plan.apply_(new["factors"], result.squeeze())
    return result if graft == "none" else _of_length(result, wanted)


def _of_length(tensor: torch.Tensor, wanted) -> torch.Tensor:
    """Scale a tensor, in place, to a Frobenius norm; zero stays zero."""
    length = torch.linalg.vector_norm(tensor)
    # NaN where the length is infinite.
    return tensor.mul_(torch.where(length > 0, wanted / length + 0.0 * length, length))


def _root(new: dict, group: dict, order: int) -> Root:
    """Return which root of the factors preconditions."""
    return Root(
        scale_of(group["betas"][1], new["absorbed"], group["bias_correction"]),
        group["epsilon"],
        power_of(group["exponent"], order),
        group["tail"],
    )


def _reach(
    size: Callable, parameter: torch.Tensor, new: dict, update: torch.Tensor, rate: float, group
) -> torch.Tensor:
    """Return a bound on the parameter's entries after the step; NaN or infinite if U is.

    `size` bounds the entries of a tensor.
    """
    moved = size(update)
    if "momentum_buffer" in new and group["average"] == "step":
        momentum, average = group["momentum"], size(new["momentum_buffer"])
        average = ((1 - momentum) * moved + momentum * average) / _weight(new, group)
        moved = torch.maximum(average, moved) if group["nesterov"] else average
    kept = abs(1 - group["lr"] * group["weight_decay"])
    return kept * size(parameter).to(moved.dtype) + rate * moved


def _largest(tensor: torch.Tensor) -> torch.Tensor:
    """Return the largest magnitude; NaN if there is one."""
    # PyTorch's maximum norm takes ten times as long.
    low, high = torch.aminmax(tensor)
    return torch.maximum(-low, high)
