"""Adam's moments: the length of a grafted step, and all of the step of a vector."""

from __future__ import annotations

import math
from types import EllipsisType

import torch

__all__ = ["diagonal_length", "diagonal_step", "needed", "update"]

# Numbers whose step is computed at a time where its length alone is wanted: they fit the
# second-level cache.
PIECE = 1 << 16


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


def diagonal_step(
    state: dict, gradient: torch.Tensor, group: dict, rows: slice | EllipsisType = ...
) -> torch.Tensor:
    """Return m̂/(√v̂ + eps), with the gradient in the place of m̂ where no first moment is kept.

    Parameters
    ----------
    state : dict
        A parameter's state, with a second moment.
    gradient : Tensor
        g.
    group : dict
        beta1, beta2, eps and bias_correction.
    rows : slice, optional
        The part of it, along the first axis, that is wanted.
    """
    steps, corrected = state["step"], group["bias_correction"]
    result = state["second_moment"][rows].sqrt()
    if corrected and group["beta2"] < 1:
        result.div_(math.sqrt(1 - group["beta2"] ** steps))
    result.add_(group["eps"])
    if "first_moment" not in state:
        return torch.div(gradient[rows], result, out=result)
    torch.div(state["first_moment"][rows], result, out=result)
    return result.div_(1 - group["beta1"] ** steps) if corrected else result


def diagonal_length(state: dict, gradient: torch.Tensor, group: dict) -> torch.Tensor:
    """Return the Frobenius norm of `diagonal_step`, without a tensor of its size on a CPU."""
    rows = max(PIECE * len(gradient) // gradient.numel(), 1)
    if gradient.device.type != "cpu" or rows >= len(gradient):
        return torch.linalg.vector_norm(diagonal_step(state, gradient, group))
    starts = range(0, len(gradient), rows)
    pieces = (diagonal_step(state, gradient, group, slice(i, i + rows)) for i in starts)
    return torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(p) for p in pieces]))
