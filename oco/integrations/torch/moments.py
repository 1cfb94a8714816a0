"""Adam's moments: the length of a grafted step, and all of the step of a vector."""

from __future__ import annotations

import math

import torch

__all__ = ["diagonal_length", "diagonal_step", "needed", "update"]

# Numbers whose step is computed at a time where its length alone is wanted: a megabyte fits the
# second-level cache.
PIECE = 1 << 18


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
    numerator, eps, scale = _terms(state, gradient, group)
    return _quotient(numerator, state["second_moment"], eps).mul_(scale)


def diagonal_length(state: dict, gradient: torch.Tensor, group: dict) -> torch.Tensor:
    """Return the Frobenius norm of `diagonal_step`, without a tensor of its size on a CPU."""
    numerator, eps, scale = _terms(state, gradient, group)
    rows = max(PIECE * len(gradient) // gradient.numel(), 1)
    if gradient.device.type != "cpu" or rows >= len(gradient):
        return scale * torch.linalg.vector_norm(_quotient(numerator, state["second_moment"], eps))
    pieces = zip(numerator.split(rows), state["second_moment"].split(rows), strict=True)
    lengths = [torch.linalg.vector_norm(_quotient(*piece, eps)) for piece in pieces]
    return scale * torch.linalg.vector_norm(torch.stack(lengths))


def _terms(state: dict, gradient: torch.Tensor, group: dict) -> tuple[torch.Tensor, float, float]:
    """Return a, b, c such that the diagonal step is c·a/(√v + b), with v as it is kept."""
    first = second = 1.0
    if group["bias_correction"]:
        first = 1 - group["beta1"] ** state["step"]
        second = math.sqrt(1 - group["beta2"] ** state["step"]) if group["beta2"] < 1 else 1.0
    if group["graft"] == "adam":
        return state["first_moment"], second * group["eps"], second / first
    return gradient, second * group["eps"], second


def _quotient(numerator: torch.Tensor, square: torch.Tensor, eps: float) -> torch.Tensor:
    result = square.sqrt().add_(eps)
    return torch.div(numerator, result, out=result)
