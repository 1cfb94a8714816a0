"""Whether options, parameters and gradients are what the optimizer takes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from oco.integrations.torch.sharding import is_spread
from oco.integrations.torch.state import FACTORED, needed
from oco.shampoo import OPTIONS as SHARED
from oco.shampoo import check_options, layout_of

__all__ = [
    "OPTIONS",
    "check_capture",
    "check_cuts",
    "check_gradients",
    "check_parameters",
    "checked",
    "different",
    "kind_of",
    "parameter_name",
]

# The options of a group: those that NumPy has, too, and those that PyTorch's optimizers have.
OPTIONS = (*SHARED, "maximize", "foreach", "differentiable", "capturable")

# Those of them that other optimizers take, and this one cannot.
IMPOSSIBLE = {
    "differentiable": "steps have no derivatives",
    "capturable": "decompositions wait for the device, and steps are counted outside of graphs",
}

TYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)


def checked(options: dict) -> dict:
    """Return options with their types made plain; a rate that is a tensor stays one.

    Raises
    ------
    TypeError, ValueError
        Naming the option, its value and what was expected.
    """
    rate, names = options.get("lr"), ("maximize", "foreach", *IMPOSSIBLE)
    plain = dict(options)
    if isinstance(rate, torch.Tensor):
        if rate.numel() != 1 or not rate.is_floating_point():
            raise TypeError(f"lr: expected a number or a tensor of one number, got {kind_of(rate)}")
        # Its value is read no more than here: that would wait for its device.
        plain["lr"] = 0.0
    if options.get("momentum_dtype") is torch.bfloat16:
        plain["momentum_dtype"] = "bfloat16"
    for name in names:
        value = options.get(name, False)
        if not isinstance(value, bool) and not (name == "foreach" and value is None):
            raise TypeError(f"{name}: expected True or False, got {value!r}")
    for name, reason in IMPOSSIBLE.items():
        if options.get(name):
            raise ValueError(f"{name}: expected False, got True: {reason}")
    return {**check_options(plain), **({"lr": rate} if isinstance(rate, torch.Tensor) else {})}


def different(options: dict, others: dict) -> bool:
    """Return whether options differ; a rate that is a tensor is the same while it is that tensor.

    Examples
    --------
    >>> different({"lr": 0.1}, {"lr": 0.1}), different({"lr": torch.tensor(0.1)}, {"lr": 0.1})
    (False, True)
    """
    return any(
        options[name] is not others[name]
        and (isinstance(options[name], torch.Tensor) or options[name] != others[name])
        for name in options
    )


def check_capture() -> None:
    """Refuse a step that a CUDA graph is to repeat.

    Raises
    ------
    RuntimeError
        While a graph is being captured.
    """
    if torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing():
        raise RuntimeError(f"capturable: expected no CUDA graph: {IMPOSSIBLE['capturable']}")


def check_gradients(groups: Sequence[dict]) -> None:
    """Refuse gradients that are sparse, or not of a real floating-point type, by name."""
    for g, group in enumerate(groups):
        for i, parameter in enumerate(group["params"]):
            gradient = parameter.grad
            if gradient is None:
                continue
            if gradient.layout != torch.strided or not gradient.is_floating_point():
                raise TypeError(
                    f"{parameter_name(group, g, i)}.grad: expected a dense floating-point "
                    f"gradient, got {gradient.dtype} with layout {gradient.layout}"
                )


def check_cuts(names: Sequence[str], parameters: Sequence, options: dict) -> None:
    """Refuse a factored second moment of a parameter that is not cut by rows alone, by name."""
    for name, parameter in zip(names, parameters, strict=True):
        if not is_spread(parameter) or FACTORED not in needed(
            options, layout_of(parameter.shape, options)
        ):
            continue
        cut = parameter.placements
        if parameter.shape[0] == 1 or not all(p.is_replicate() or p.is_shard(0) for p in cut):
            raise ValueError(
                f"{name}: expected a parameter that is cut along its first axis, longer than 1, "
                f"for a factored second moment, got {cut} of shape {tuple(parameter.shape)}"
            )


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
        cut = getattr(parameter, "placements", ())
        if any(placement.is_partial() for placement in cut):
            raise ValueError(f"{name}: expected a tensor that is cut or repeated, got {tuple(cut)}")
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


def kind_of(value) -> str:
    """Return what errors say that a value is."""
    if isinstance(value, torch.Tensor):
        return f"a tensor of {value.dtype} of shape {tuple(value.shape)}"
    return type(value).__name__
