"""What the optimizer accepts: parameters of some types."""

from __future__ import annotations

from collections.abc import Sequence

import torch

__all__ = ["check_parameters", "parameter_name"]

TYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)


def check_parameters(names: Sequence[str], parameters: Sequence, k) -> None:
    """Refuse parameters that cannot be optimized, or that do not fit a sketch size per axis.

    Raises
    ------
    TypeError
        If one is not of one of `TYPES`.
    ValueError
        If one has no entries, or `k` is a tuple of another length than a matrix or tensor has
        axes.
    """
    for name, parameter in zip(names, parameters, strict=True):
        if not isinstance(parameter, torch.Tensor):
            continue  # PyTorch's own check says what it is.
        shape = tuple(parameter.shape)
        if parameter.dtype not in TYPES:
            raise TypeError(
                f"{name}: expected one of {', '.join(map(str, TYPES))}, got {parameter.dtype}"
            )
        if parameter.numel() == 0:
            raise ValueError(f"{name}: expected at least one entry, got shape {shape}")
        matrix = sum(n > 1 for n in shape) >= 2
        if matrix and isinstance(k, tuple) and len(k) != len(shape):
            raise ValueError(
                f"k: expected one for each of the {len(shape)} axes of {name} of shape {shape}, "
                f"got {len(k)}"
            )


def parameter_name(group: dict, group_index: int, index: int) -> str:
    """Return how errors call a parameter: by its own name where it came with one."""
    if "param_names" in group:
        return group["param_names"][index]
    return f"param_groups[{group_index}]['params'][{index}]"
