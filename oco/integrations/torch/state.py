"""What the optimizer remembers of a parameter: tensors, in nested dictionaries.

Scalars (counts, the averages' weights, τ) are tensors on the CPU, so that reading them waits for no
device; all other tensors are on the parameter's.
"""

from __future__ import annotations

import torch

from oco.integrations.torch.moments import AVERAGES
from oco.integrations.torch.preconditioner import Preconditioner

__all__ = [
    "as_tensors",
    "new_averages",
    "new_state",
    "statistics_bytes",
    "statistics_type",
    "tensor_bytes",
]

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


def new_state(parameter: torch.Tensor, plan: Preconditioner) -> dict:
    """Return the state before the first gradient, without the averages.

    Parameters
    ----------
    parameter : Tensor
        Gives the type and the device.
    plan : Preconditioner
        Its preconditioner.

    Notes
    -----
    ``step`` counts the gradients that were used and ``skipped`` those that were not; ``absorbed``
    is a ← β₂ a + 1 over those that the factors have absorbed.
    """
    state = {"step": torch.tensor(0), "skipped": torch.tensor(0)}
    if plan.order >= 2:
        like = torch.empty((), dtype=statistics_type(parameter.dtype), device=parameter.device)
        state["absorbed"] = torch.zeros((), dtype=torch.float64)
        state["factors"] = plan.zeros(like)
    return state


def new_averages(parameter: torch.Tensor, names) -> dict:
    """Return averages that have not absorbed anything, and their weights."""
    dtype = statistics_type(parameter.dtype)
    buffers = {name: torch.zeros_like(parameter, dtype=dtype) for name in names}
    return buffers | {AVERAGES[name]: torch.zeros((), dtype=torch.float64) for name in names}


def as_tensors(state: dict) -> dict:
    """Return a state with tensors in the place of numbers.

    Examples
    --------
    >>> as_tensors({"step": 2, "absorbed": 1.5})
    {'step': tensor(2), 'absorbed': tensor(1.5000, dtype=torch.float64)}
    """
    return {
        key: torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else torch.int64)
        if isinstance(value, int | float)
        else value
        for key, value in state.items()
    }


def tensor_bytes(value) -> int:
    """Return the memory of the tensors in nested dictionaries, in bytes; scalars do not count.

    Examples
    --------
    >>> tensor_bytes({"a": torch.zeros(2), "b": {"c": torch.zeros(3), "step": torch.tensor(1)}})
    20
    """
    if isinstance(value, dict):
        return sum(map(tensor_bytes, value.values()))
    return value.nbytes if isinstance(value, torch.Tensor) and value.ndim else 0


def statistics_bytes(state: dict) -> int:
    """Return the memory of the covariances, sketches or, of a vector, second moment, in bytes.

    Examples
    --------
    >>> statistics_bytes({"second_moment": torch.zeros(2), "momentum_buffer": torch.zeros(2)})
    8
    """
    if "factors" not in state:
        return tensor_bytes(state.get("second_moment"))
    factors = (factor for block in state["factors"].values() for factor in block.values())
    return sum(tensor_bytes(factor.get(name)) for factor in factors for name in STATISTICS)
