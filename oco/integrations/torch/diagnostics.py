"""Numbers to watch while `SShampoo` trains, for TensorBoard, W&B or a print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from oco.integrations.torch.sharding import is_spread

__all__ = ["diagnostics"]


def diagnostics(
    optimizer: torch.optim.Optimizer, model: torch.nn.Module | None = None
) -> dict[str, float]:
    """Return what `SShampoo.diagnostics` says."""
    names = {} if model is None else {p: name for name, p in model.named_parameters()}
    found: dict[str, Tensor | float] = {"skipped": 0.0}
    every = [p for group in optimizer.param_groups for p in group["params"]]
    for i, parameter in enumerate(every):
        state = optimizer.state.get(parameter, {})
        found["skipped"] += float(state.get("skipped", 0))
        if not is_spread(parameter):
            name = names.get(parameter, str(i))
            for axis, values in _of_axes(state):
                found |= {f"{name}/{axis}/{what}": value for what, value in values.items()}
    # One transfer from the device for all of them.
    numbers = torch.stack([torch.as_tensor(v, dtype=torch.float64).cpu() for v in found.values()])
    return dict(zip(found, numbers.tolist(), strict=True))


def _of_axes(state: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Iterate over the axes of a parameter: over all of its blocks, what their factors hold."""
    blocks = state.get("factors", {}).values()
    for axis in next(iter(blocks), {}):
        kept = [block.get(axis, {}) for block in blocks]
        if all("eigenvalues" in factor for factor in kept):
            held = sum(factor["eigenvalues"].sum() for factor in kept)
            total = sum(factor["total_mass"] for factor in kept)
            largest = torch.stack([factor["eigenvalues"].max() for factor in kept]).max()
            yield (
                axis,
                {
                    "escaped": (1 - held / total).clamp(0, 1).nan_to_num(0.0),
                    "largest": largest,
                },
            )
