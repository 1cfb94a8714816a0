"""What the optimizer remembers of a parameter: a dictionary of tensors and numbers."""

from __future__ import annotations

import itertools

import torch

from oco.integrations.torch import moments
from oco.integrations.torch.preconditioner import Preconditioner

__all__ = ["new_state", "statistics_bytes", "statistics_type", "tensor_bytes"]

# The tensors of a factor that are its statistic; its root is made from them.
STATISTICS = ("covariance", "directions", "eigenvalues")


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
    if isinstance(value, torch.Tensor):
        return value.nbytes
    if isinstance(value, dict):
        return sum(map(tensor_bytes, value.values()))
    return sum(map(tensor_bytes, value)) if isinstance(value, list) else 0


def statistics_bytes(state: dict) -> int:
    """Return the memory of the covariances, sketches or, of a vector, second moment, in bytes.

    Examples
    --------
    >>> statistics_bytes({"second_moment": torch.zeros(2), "momentum_buffer": torch.zeros(2)})
    8
    """
    if "factors" not in state:
        return state["second_moment"].nbytes
    factors = itertools.chain.from_iterable(state["factors"])
    return sum(factor[name].nbytes for factor in factors for name in STATISTICS if name in factor)
