"""Adam's moments: the length of a grafted step, and all of the step of a vector."""

from __future__ import annotations

import math

import torch

__all__ = ["diagonal_step", "needed", "update"]


def needed(graft: str, order: int) -> tuple[str, ...]:
    """Return which moments a parameter keeps.

    Parameters
    ----------
    graft : str
        "none", "sgd", "rmsprop" or "adam".
    order : int
        How many of its axes are longer than 1; with fewer than two the step is a diagonal one.

    Examples
    --------
    >>> needed("sgd", order=2), needed("sgd", order=1)
    ((), ('second_moment',))
    """
    if graft == "adam":
        return ("first_moment", "second_moment")
    return ("second_moment",) if graft == "rmsprop" or order < 2 else ()


def update(state: dict, gradient: torch.Tensor, beta1: float, beta2: float) -> None:
    """Absorb a gradient g into the moments in `state`, in place.

    Notes
    -----
    m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g², or v + g² where β₂ = 1.
    """
    if "first_moment" in state:
        state["first_moment"].lerp_(gradient, 1 - beta1)
    if "second_moment" in state:
        weight = 1 - beta2 if beta2 < 1 else 1.0
        state["second_moment"].mul_(beta2).addcmul_(gradient, gradient, value=weight)


def diagonal_step(state: dict, gradient: torch.Tensor, group: dict) -> torch.Tensor:
    """Return m̂/(√v̂ + eps), with the gradient in the place of m̂ where no first moment is kept.

    Parameters
    ----------
    state : dict
        A parameter's state, with a second moment.
    gradient : Tensor
        g.
    group : dict
        beta1, beta2, eps and bias_correction.
    """
    steps, corrected = state["step"], group["bias_correction"]
    scale = 1.0
    if corrected and group["beta2"] < 1:
        scale = math.sqrt(1 - group["beta2"] ** steps)
    result = state["second_moment"].sqrt().div_(scale).add_(group["eps"])
    if "first_moment" not in state:
        return torch.div(gradient, result, out=result)
    torch.div(state["first_moment"], result, out=result)
    return result.div_(1 - group["beta1"] ** steps) if corrected else result
