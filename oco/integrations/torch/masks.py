"""What is done to some tensors of a batch only."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["certain", "norms", "wide"]


def certain(flags: Tensor, value: bool) -> bool:
    """Return whether all flags are known to be `value`, which only a CPU tells without waiting."""
    return flags.device.type == "cpu" and bool((flags if value else ~flags).all())


def wide(numbers: Tensor, like: Tensor) -> Tensor:
    """Return one number for each tensor so that it can be multiplied with all of it."""
    numbers = numbers if numbers.dtype == torch.bool else numbers.to(like.dtype)
    return numbers.view(-1, *[1] * (like.ndim - 1))


def norms(tensors: Tensor) -> Tensor:
    """Return the Frobenius norm of each tensor."""
    return torch.linalg.vector_norm(tensors.reshape(len(tensors), -1), dim=1)
