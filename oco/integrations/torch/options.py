"""What the optimizer accepts: options of a group, and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch

from oco import checks
from oco.shampoo import AVERAGED, GRAFTS, ROOTS, TAILS

__all__ = ["OPTIONS", "check_options", "check_parameters", "parameter_name"]

# Sketches keep rank - 1 directions, so that one of rank 1 would keep nothing.
LEAST_RANK = 2
TYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)


def check_options(options: dict) -> dict:
    """Return the options of a group with their types made plain.

    Raises
    ------
    TypeError, ValueError
        Naming the option, its value and what was expected.

    Examples
    --------
    >>> check_options({"rank": 1})
    Traceback (most recent call last):
    ...
    ValueError: rank: expected an integer >= 2, got 1
    """
    known = {name: CHECKS[name](name, value) for name, value in options.items() if name in CHECKS}
    return {**options, **known}


def check_parameters(names: Sequence[str], parameters: Sequence, rank) -> None:
    """Refuse parameters that cannot be optimized, or that do not fit a rank per axis.

    Raises
    ------
    TypeError
        If one is not of one of `TYPES`.
    ValueError
        If one has no entries, or `rank` is a tuple of another length than a matrix or tensor has
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
        if matrix and isinstance(rank, tuple) and len(rank) != len(shape):
            raise ValueError(
                f"rank: expected one for each of the {len(shape)} axes of {name} of shape {shape}, "
                f"got {len(rank)}"
            )


def parameter_name(group: dict, group_index: int, index: int) -> str:
    """Return how errors call a parameter: by its own name where it came with one."""
    if "param_names" in group:
        return group["param_names"][index]
    return f"param_groups[{group_index}]['params'][{index}]"


def _rank(name: str, value):
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return tuple(
            None if rank is None else checks.integer(f"{name}[{axis}]", rank, low=LEAST_RANK)
            for axis, rank in enumerate(value)
        )
    return checks.integer(name, value, low=LEAST_RANK)


def _max_axis(name: str, value):
    return None if value is None else checks.integer(name, value, low=1)


def _flag(name: str, value) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return value


CHECKS = {
    "lr": partial(checks.number, low=0),
    "rank": _rank,
    "beta1": partial(checks.number, low=0, below=1),
    "beta2": partial(checks.number, above=0, high=1),
    "eps": partial(checks.number, above=0),
    "epsilon": partial(checks.number, low=0),
    "momentum": partial(checks.number, low=0, below=1),
    "graft": partial(checks.choice, options=GRAFTS),
    "weight_decay": partial(checks.number, low=0),
    "update_every": partial(checks.integer, low=1),
    "start_step": partial(checks.integer, low=1),
    "max_axis": _max_axis,
    "average": partial(checks.choice, options=AVERAGED),
    "nesterov": _flag,
    "matrix_rate": partial(checks.number, above=0),
    "tail": partial(checks.choice, options=TAILS),
    "exponent": partial(checks.choice, options=ROOTS),
    "bias_correction": _flag,
}
OPTIONS = tuple(CHECKS)
