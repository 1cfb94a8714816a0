"""What the optimizer remembers of a parameter: a dictionary of tensors and numbers."""

from __future__ import annotations

import torch

from oco.integrations.torch import moments
from oco.integrations.torch.preconditioner import Preconditioner

__all__ = ["new_state", "statistics_bytes", "statistics_type", "tensor_bytes"]

# The tensors of a state that are statistics of second moments; the others are made from them, or
# are averages of gradients and updates.
STATISTICS = ("second_moment", "covariance", "directions", "eigenvalues")


def statistics_type(dtype: torch.dtype) -> torch.dtype:
    """Return the type of the statistics of a parameter: float64 for float64, else float32.

    Examples
    --------
    >>> statistics_type(torch.bfloat16)
    torch.float32
    """
    return torch.float64 if dtype == torch.float64 else torch.float32


def new_state(parameter: torch.Tensor, group: dict, plan: Preconditioner) -> dict:
    """Return the state before the first gradient.

    Parameters
    ----------
    parameter : Tensor
        Gives the shape, the type and the device.
    group : dict
        Its group's options.
    plan : Preconditioner
        Its preconditioner.
    """
    dtype = statistics_type(parameter.dtype)
    names = moments.needed(group["graft"], plan.order)
    if group["momentum"]:
        names += ("momentum_buffer",)
    state = {name: torch.zeros_like(parameter, dtype=dtype) for name in names}
    state |= {"step": 0, "skipped": 0}
    if plan.order >= 2:
        like = torch.empty((), dtype=dtype, device=parameter.device)
        state |= {"absorbed": 0, "stale": False, "factors": plan.zeros(like)}
    return state


def tensor_bytes(value) -> int:
    """Return the memory of all tensors in nested dictionaries and lists, in bytes.

    Examples
    --------
    >>> tensor_bytes({"a": torch.zeros(2), "b": [torch.zeros(3)], "c": 1})
    20
    """
    return sum(tensor.nbytes for _, tensor in _tensors("", value))


def statistics_bytes(state: dict) -> int:
    """Return the memory of the second-moment statistics in a state, in bytes.

    Examples
    --------
    >>> statistics_bytes({"second_moment": torch.zeros(2), "momentum_buffer": torch.zeros(2)})
    8
    """
    return sum(tensor.nbytes for name, tensor in _tensors("", state) if name in STATISTICS)


def _tensors(name: str, value):
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _tensors(key, entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _tensors(name, entry)
