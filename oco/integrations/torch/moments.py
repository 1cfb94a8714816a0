"""Running averages: Adam's moments, the steps made of them, and momentum.

An average a ← β a + (1 − β) x that starts at zero is divided by its weight, w ← β w + (1 − β):
1 − ∏ β_t where β changes from step to step, and 1 − β^t where it does not.  What is computed from
an average and the next x does not change the average: a step can still be refused.
"""

from __future__ import annotations

import math

import torch

__all__ = [
    "AVERAGES",
    "averaged_gradient",
    "diagonal_length",
    "diagonal_step",
    "needed",
    "next_weights",
    "update",
]

# The averages that a parameter may keep; the weight of each is beside it in the state.
AVERAGES = {
    "first_moment": "first_weight",
    "second_moment": "second_weight",
    "momentum_buffer": "momentum_weight",
    "gradient_average": "gradient_weight",
}
# Numbers whose step is computed at a time where its length alone is wanted: a megabyte fits the
# second-level cache.
PIECE = 1 << 18


def needed(group: dict, order: int) -> tuple[str, ...]:
    """Return which averages a parameter must keep.

    Parameters
    ----------
    group : dict
        graft, momentum and average.
    order : int
        How many of its axes are longer than 1; with fewer than two the step is a diagonal one.

    Examples
    --------
    >>> needed({"graft": "sgd", "momentum": 0.9, "average": "gradient"}, order=1)
    ('second_moment', 'gradient_average')
    """
    names = ("first_moment",) if group["graft"] == "adam" else ()
    if group["graft"] in ("adam", "rmsprop") or order < 2:
        names += ("second_moment",)
    if group["momentum"]:
        names += ("momentum_buffer" if group["average"] == "step" else "gradient_average",)
    return names


def next_weights(state: dict, group: dict) -> dict:
    """Return the weights of the averages in `state` after the next step."""
    found = {}
    for average, decay in _decays(group).items():
        if average in state:
            name = AVERAGES[average]
            found[name] = decay * float(state[name]) + _new_part(decay)
    return found


def update(state: dict, gradient: torch.Tensor, group: dict) -> None:
    """Absorb a gradient g into the moments in `state`, in place.

    Notes
    -----
    m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g², or v + g² where β₂ = 1; the average of gradients
    that momentum keeps, as m with μ.
    """
    beta1, beta2 = group["betas"]
    if "first_moment" in state:
        state["first_moment"].lerp_(gradient, 1 - beta1)
    if "second_moment" in state:
        square = state["second_moment"].mul_(beta2)
        square.addcmul_(gradient, gradient, value=_new_part(beta2))
    if "gradient_average" in state:
        state["gradient_average"].lerp_(gradient, 1 - group["momentum"])


def averaged_gradient(state: dict, gradient: torch.Tensor, group: dict) -> torch.Tensor:
    """Return x, whose direction is wanted: the gradient, or what momentum makes of it.

    The average has not yet absorbed the gradient; its weight is that after it has.
    """
    if group["average"] == "step" or "gradient_average" not in state:
        return gradient
    mean = torch.lerp(state["gradient_average"], gradient, 1 - group["momentum"])
    if group["bias_correction"]:
        mean.div_(state["gradient_weight"])
    return mean.lerp_(gradient, 1 - group["momentum"]) if group["nesterov"] else mean


def diagonal_step(
    state: dict, gradient: torch.Tensor, x: torch.Tensor, group: dict
) -> torch.Tensor:
    """Return m̂/(√v̂ + eps), with x in the place of m̂ but for the graft "adam".

    Parameters
    ----------
    state : dict
        The moments before they absorb the gradient, and their weights after it, as numbers.
    gradient, x : Tensor
        g, and g or an average of it.
    group : dict
        graft, betas, eps and bias_correction.
    """
    eps, scale = _terms(state, gradient, group)
    return _quotient(gradient, x, *_averages(state, group), group, eps).mul_(scale)


def diagonal_length(
    state: dict, gradient: torch.Tensor, x: torch.Tensor, group: dict
) -> torch.Tensor:
    """Return the Frobenius norm of `diagonal_step`, without a tensor of its size on a CPU."""
    eps, scale = _terms(state, gradient, group)
    tensors = [gradient, x, *_averages(state, group)]
    rows = max(PIECE * len(gradient) // gradient.numel(), 1)
    if gradient.device.type != "cpu" or rows >= len(gradient):
        return scale * torch.linalg.vector_norm(_quotient(*tensors, group, eps))
    pieces = zip(*(_split(tensor, rows, len(gradient)) for tensor in tensors), strict=True)
    lengths = [torch.linalg.vector_norm(_quotient(*piece, group, eps)) for piece in pieces]
    return scale * torch.linalg.vector_norm(torch.stack(lengths))


def _decays(group: dict) -> dict:
    return {
        "first_moment": group["betas"][0],
        "second_moment": group["betas"][1],
        "momentum_buffer": group["momentum"],
        "gradient_average": group["momentum"],
    }


def _new_part(beta: float) -> float:
    """Return how much of an average is new: 1 − β, or 1 where it sums without forgetting."""
    return 1 - beta if beta < 1 else 1.0


def _averages(state: dict, group: dict) -> tuple[torch.Tensor | None, torch.Tensor]:
    return state["first_moment"] if group["graft"] == "adam" else None, state["second_moment"]


def _split(tensor: torch.Tensor | None, rows: int, size: int):
    return tensor.split(rows) if tensor is not None else [None] * -(-size // rows)


def _terms(state: dict, gradient: torch.Tensor, group: dict) -> tuple[float, float]:
    """Return b, c such that the diagonal step is c·a/(√v + b), with a and v as they are kept."""
    first = second = 1.0
    if group["bias_correction"]:
        if group["graft"] == "adam":
            first = state["first_weight"]
        if group["betas"][1] < 1:
            second = math.sqrt(state["second_weight"])
    # An eps that the type cannot tell from zero would make 0/0 of a coordinate without gradient.
    return max(second * group["eps"], torch.finfo(gradient.dtype).tiny), second / first


def _quotient(
    gradient: torch.Tensor,
    x: torch.Tensor,
    first: torch.Tensor | None,
    square: torch.Tensor,
    group: dict,
    eps: float,
) -> torch.Tensor:
    """Return a/(√v + eps) for the averages after they have absorbed the gradient."""
    beta2 = group["betas"][1]
    root = torch.mul(square, beta2).addcmul_(gradient, gradient, value=_new_part(beta2))
    root.sqrt_().add_(eps)
    numerator = x if first is None else torch.lerp(first, gradient, 1 - group["betas"][0])
    return torch.div(numerator, root, out=root)
