"""Is a state dict one for these parameters?  And the state as it was saved, type for type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from oco.integrations.torch.options import (
    OPTIONS,
    check_options,
    check_parameters,
    parameter_name,
)
from oco.integrations.torch.preconditioner import preconditioner
from oco.integrations.torch.state import new_state

__all__ = ["check_state_dict", "restored"]


def check_state_dict(groups: Sequence[dict], state_dict: dict) -> None:
    """Refuse a state dict that does not fit an optimizer's groups.

    Parameters
    ----------
    groups : sequence of dict
        The optimizer's ``param_groups``.
    state_dict : dict
        What is to be loaded.

    Raises
    ------
    TypeError, ValueError
        Naming the entry, what it is and what was expected.
    """
    for key in ("state", "param_groups"):
        if not isinstance(state_dict, dict) or key not in state_dict:
            raise ValueError(f"state_dict: expected a dictionary with the key {key!r}")
    saved_groups = state_dict["param_groups"]
    if len(saved_groups) != len(groups):
        raise ValueError(
            f"state_dict['param_groups']: expected {len(groups)} groups, got {len(saved_groups)}"
        )
    for g, (group, saved) in enumerate(zip(groups, saved_groups, strict=True)):
        where = f"state_dict['param_groups'][{g}]"
        missing = [name for name in OPTIONS if name not in saved]
        if missing:
            raise ValueError(f"{where}: expected the option {missing[0]!r}, which is missing")
        if len(saved["params"]) != len(group["params"]):
            raise ValueError(
                f"{where}['params']: expected {len(group['params'])} parameters, "
                f"got {len(saved['params'])}"
            )
        options = check_options(saved)
        names = [parameter_name(group, g, i) for i in range(len(group["params"]))]
        check_parameters(names, group["params"], options["rank"])
        for name, key, parameter in zip(names, saved["params"], group["params"], strict=True):
            _check_plan(name, parameter, group, options)
            if key in state_dict["state"]:
                _check_state(name, parameter, options, state_dict["state"][key])


def restored(groups: Sequence[dict], state_dict: dict) -> Iterator[tuple[torch.Tensor, dict]]:
    """Yield each parameter that has a state, and a copy of it on the parameter's device."""
    for group, saved in zip(groups, state_dict["param_groups"], strict=True):
        for parameter, key in zip(group["params"], saved["params"], strict=True):
            if key in state_dict["state"]:
                yield parameter, _copied(state_dict["state"][key], parameter.device)


def _check_plan(name: str, parameter: torch.Tensor, group: dict, saved: dict) -> None:
    """Refuse factors of another kind than those of this optimizer."""
    shape = tuple(parameter.shape)
    for option in ("rank", "max_axis"):
        other = {"rank": group["rank"], "max_axis": group["max_axis"], option: saved[option]}
        own = preconditioner(shape, group["rank"], group["max_axis"])
        if preconditioner(shape, **other) != own:
            raise ValueError(
                f"state_dict: expected {option} {group[option]} for {name} of shape {shape}, "
                f"got {saved[option]}"
            )


def _check_state(name: str, parameter: torch.Tensor, group: dict, saved) -> None:
    """Hold a parameter's state against what a new one would be."""
    plan = preconditioner(tuple(parameter.shape), group["rank"], group["max_axis"])
    _check_like(
        f"state_dict: state of {name}", new_state(parameter.detach().to("meta"), group, plan), saved
    )


def _check_like(where: str, expected, found) -> None:
    """Refuse `found` unless it is built like `expected`: keys, lengths, types, shapes."""
    if type(found) is not type(expected):
        raise TypeError(f"{where}: expected {_kind(expected)}, got {_kind(found)}")
    if isinstance(expected, torch.Tensor):
        if (found.dtype, found.shape) != (expected.dtype, expected.shape):
            raise ValueError(f"{where}: expected {_kind(expected)}, got {_kind(found)}")
    elif isinstance(expected, dict):
        if found.keys() != expected.keys():
            different = sorted(found.keys() ^ expected.keys(), key=str)
            raise ValueError(f"{where}: expected the keys {list(expected)}, differs in {different}")
        for key, entry in expected.items():
            _check_like(f"{where}[{key!r}]", entry, found[key])
    elif isinstance(expected, list):
        if len(found) != len(expected):
            raise ValueError(f"{where}: expected {len(expected)} entries, got {len(found)}")
        for i, (entry, other) in enumerate(zip(expected, found, strict=True)):
            _check_like(f"{where}[{i}]", entry, other)


def _kind(value) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of {value.dtype} of shape {tuple(value.shape)}"
    return type(value).__name__


def _copied(value, device: torch.device):
    if isinstance(value, torch.Tensor):
        return value.detach().to(device, copy=True)
    if isinstance(value, dict):
        return {key: _copied(entry, device) for key, entry in value.items()}
    if isinstance(value, list):
        return [_copied(entry, device) for entry in value]
    return value
