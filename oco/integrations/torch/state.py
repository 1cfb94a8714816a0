"""What the optimizer remembers of parameters: tensors, in nested dictionaries.

Each parameter has a dictionary of its own, which is what a checkpoint holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from oco.integrations.torch.factors import make_factor
from oco.integrations.torch.sharding import Shards, is_spread, local, spread_like
from oco.shampoo import Layout

__all__ = [
    "AVERAGES",
    "FACTORED",
    "MOMENTA",
    "SCALARS",
    "Workspace",
    "average_type",
    "needed",
    "new_averages",
    "new_state",
    "statistics_bytes",
    "statistics_type",
    "tensor_bytes",
]

# The averages that a parameter may keep; the weight of each is beside it in the state.
AVERAGES = {
    "first_moment": "first_weight",
    "second_moment": "second_weight",
    "factored_moment": "factored_weight",
    "momentum_buffer": "momentum_weight",
    "gradient_average": "gradient_weight",
}
# The one of them that has not the parameter's shape: means along each axis, one after the other,
# which every process keeps whole.
FACTORED = "factored_moment"
# Those of them that `momentum_dtype` is about.
MOMENTA = ("momentum_buffer", "gradient_average")
# Single numbers; reading them waits for the device that they are on.
SCALARS = {
    *("step", "skipped", "absorbed", "escaped_mass", "total_mass", "root_tail"),
    *AVERAGES.values(),
}
# The tensors of a factor that are its statistic; its root is made from them.
STATISTICS = ("covariance", "directions", "eigenvalues")
# Numbers from which on memory to work in is kept: smaller tensors get pages that are in use.
LARGE = 1 << 16


def statistics_type(dtype: torch.dtype) -> torch.dtype:
    """Return the type of the statistics of a parameter: float64 for float64, else float32.

    Examples
    --------
    >>> statistics_type(torch.bfloat16)
    torch.float32
    """
    return torch.float64 if dtype == torch.float64 else torch.float32


def needed(group: dict[str, Any], plan: Layout) -> tuple[str, ...]:
    """Return which averages a parameter must keep.

    Parameters
    ----------
    group : dict
        graft, momentum and average.
    plan : Layout
        Of the parameter; where it has no factors the step is a coordinatewise one.

    Examples
    --------
    >>> options = {"graft": "sgd", "momentum": 0.9, "average": "gradient"}
    >>> needed(options, Layout((5,), (), ()))
    ('second_moment', 'gradient_average')
    """
    graft, names = group["graft"], tuple[str, ...]()
    if plan.order >= 2 and (graft == "adafactor" or not plan.preconditioned):
        names = (FACTORED,)
    elif graft in ("adam", "rmsprop") or plan.order < 2:
        names = ("first_moment", "second_moment") if graft == "adam" else ("second_moment",)
    if group["momentum"]:
        names += ("momentum_buffer" if group["average"] == "step" else "gradient_average",)
    return names


def new_state(parameter: Tensor, plan: Layout) -> dict[str, Any]:
    """Return the state before the first gradient, without the averages.

    Notes
    -----
    ``step`` counts the gradients that were used and ``skipped`` those that were not; ``absorbed``
    is a ← β₂ a + 1 over those that the factors have absorbed.
    """
    device = parameter.device
    state: dict[str, Any] = {
        name: torch.zeros((), dtype=torch.int64, device=device) for name in ("step", "skipped")
    }
    if plan.preconditioned:
        like = torch.empty((), dtype=statistics_type(parameter.dtype), device=device)
        state["absorbed"] = torch.zeros((), dtype=torch.float64, device=device)
        state["factors"] = {
            str(b): {str(side.axis): make_factor(side).zeros(like) for side in sides}
            for b, sides in enumerate(plan.sides)
        }
    return spread_like(state, parameter)


def average_type(name: str, parameter: Tensor, group: dict[str, Any]) -> torch.dtype:
    """Return the type that an average of a parameter is kept in."""
    if name in MOMENTA and group["momentum_dtype"] is not None:
        return getattr(torch, group["momentum_dtype"])
    return statistics_type(parameter.dtype)


def new_averages(
    parameter: Tensor, names: Sequence[str], group: dict[str, Any]
) -> dict[str, Tensor]:
    """Return averages that have not absorbed anything, and their weights."""
    found = {}
    for name in names:
        dtype = average_type(name, parameter, group)
        if name == FACTORED:
            size = sum(n for n in parameter.shape if n > 1)
            found[name] = torch.zeros(size, dtype=dtype, device=parameter.device)
        else:
            own = local(parameter)
            own = torch.zeros_like(own, dtype=dtype, memory_format=torch.contiguous_format)
            found[name] = Shards(parameter).spread(own) if is_spread(parameter) else own
        found[AVERAGES[name]] = torch.zeros((), dtype=torch.float64, device=parameter.device)
    return found


class Workspace:
    """Memory for a large tensor that is needed for one batch after the other.

    Notes
    -----
    On a CPU a large tensor that is allocated in each step gets fresh pages of memory each time, and
    touching them takes as long as several passes over it.  On other devices PyTorch itself
    keeps memory for the next tensor.

    Examples
    --------
    >>> workspace, large = Workspace(), torch.ones(300, 300)
    >>> workspace.like(large, "x").data_ptr() == workspace.like(large, "x").data_ptr()
    True
    """

    def __init__(self) -> None:
        self._memory: dict[tuple[str, torch.dtype], Tensor] = {}

    def like(self, tensor: Tensor, use: str) -> Tensor:
        """Return memory of a tensor's shape and type, valid until the next call for this use."""
        size = tensor.numel()
        if tensor.device.type != "cpu" or size < LARGE:
            return torch.empty_like(tensor, memory_format=torch.contiguous_format)
        memory = self._memory.get((use, tensor.dtype))
        if memory is None or memory.numel() < size:
            memory = self._memory[use, tensor.dtype] = tensor.new_empty(size)
        return memory[:size].view(tensor.shape)

    def stack(self, tensors: Sequence[Tensor], use: str) -> Tensor:
        """Return tensors of one shape and type stacked, valid until the next call for this use."""
        first = tensors[0]
        room = self.like(first.expand(len(tensors), *first.shape), use)
        return torch.stack(list(tensors), out=room)


def tensor_bytes(value: Any) -> int:
    """Return the memory of the tensors in nested dictionaries, in bytes; scalars do not count.

    Of a tensor that processes hold a part of each it is this process's part.

    Examples
    --------
    >>> tensor_bytes({"a": torch.zeros(2), "b": {"c": torch.zeros(3), "step": torch.tensor(1)}})
    20
    """
    if isinstance(value, dict):
        return sum(map(tensor_bytes, value.values()))
    return local(value).nbytes if isinstance(value, Tensor) and value.ndim else 0


def statistics_bytes(state: dict[str, Any]) -> int:
    """Return the memory of the covariances, sketches or, of a vector, second moment, in bytes.

    Examples
    --------
    >>> statistics_bytes({"second_moment": torch.zeros(2), "momentum_buffer": torch.zeros(2)})
    8
    """
    if "factors" not in state:
        return tensor_bytes(state.get("second_moment")) + tensor_bytes(state.get(FACTORED))
    factors = (factor for block in state["factors"].values() for factor in block.values())
    return sum(tensor_bytes(factor.get(name)) for factor in factors for name in STATISTICS)
