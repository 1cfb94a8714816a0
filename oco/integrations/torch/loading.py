"""Does a state fit these parameters and options?  And the state of a checkpoint, type for type."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from oco.integrations.torch.checking import (
    OPTIONS,
    check_cuts,
    check_parameters,
    checked,
    different,
    kind_of,
    parameter_name,
)
from oco.integrations.torch.sharding import local, spread_like
from oco.integrations.torch.state import (
    AVERAGES,
    FACTORED,
    MOMENTA,
    SCALARS,
    new_averages,
    new_state,
)
from oco.shampoo import FACTOR_OPTIONS, layout_of

__all__ = ["loadable", "renamed", "taken_options", "type_for_type"]

OLD_BETAS = ("beta1", "beta2")
# The option by which groups of this optimizer are recognised.
MARK = "k"


@contextmanager
def type_for_type(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Let what the optimizer loads be checked, and keep its types and shards.

    PyTorch would cast the state to the parameters' types; statistics have types of their own.
    """
    states = {}

    def check(_, final: dict) -> dict:
        groups, found = loadable(optimizer.param_groups, final)
        states.update(found)
        return {**final, "state": {}, "param_groups": groups}

    def restore(_) -> None:
        optimizer.state.update(states)

    handles = (
        optimizer.register_load_state_dict_pre_hook(check),
        optimizer.register_load_state_dict_post_hook(restore, prepend=True),
    )
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def loadable(groups: Sequence[dict], state_dict: dict) -> tuple[list[dict], dict]:
    """Return what is to be loaded, or refuse it.

    Parameters
    ----------
    groups : sequence of dict
        The optimizer's ``param_groups``; options that the state dict does not know are theirs.
    state_dict : dict
        From ``state_dict`` of an optimizer of this class, after all hooks.

    Returns
    -------
    groups : list of dict
        The saved ones, with all options.
    states : dict
        A copy of the state of each parameter that has one, on the parameter's device.

    Raises
    ------
    TypeError, ValueError
        Naming the entry, what it is and what was expected.
    """
    for key in ("state", "param_groups"):
        if not isinstance(state_dict, dict) or key not in state_dict:
            raise ValueError(f"state_dict: expected a dictionary with the key {key!r}")
    saved_groups, saved_states = state_dict["param_groups"], state_dict["state"]
    if len(saved_groups) != len(groups):
        raise ValueError(
            f"state_dict['param_groups']: expected {len(groups)} groups, got {len(saved_groups)}"
        )
    complete, states, used = [], {}, set()
    for g, (group, saved) in enumerate(zip(groups, saved_groups, strict=True)):
        where = f"state_dict['param_groups'][{g}]"
        saved = renamed(saved)
        if MARK not in saved:
            raise ValueError(f"{where}: expected the option {MARK!r}, which is missing")
        keys = saved.get("params", [])
        if len(keys) != len(group["params"]):
            raise ValueError(
                f"{where}['params']: expected {len(group['params'])} parameters, got {len(keys)}"
            )
        saved = checked({name: group[name] for name in OPTIONS} | saved)
        complete.append(saved)
        names = [parameter_name(group, g, i) for i in range(len(keys))]
        check_parameters(names, group["params"], saved["k"])
        for name, key, parameter in zip(names, keys, group["params"], strict=True):
            _check_plan("state_dict: ", name, parameter, group, saved)
            used.add(key)
            if key in saved_states:
                where = f"state_dict: state of {name}"
                states[parameter] = _fitted_state(
                    where, parameter, saved, saved_states[key], parameter.device
                )
                _check_finite(where, states[parameter])
                states[parameter] = spread_like(
                    states[parameter], parameter, tuple(AVERAGES), (FACTORED,)
                )
    unknown = [key for key in saved_states if key not in used]
    if unknown:
        raise ValueError(
            f"state_dict['state']: expected entries of parameters that the groups list, "
            f"got one of {unknown[0]!r}"
        )
    return complete, states


def renamed(options: dict) -> dict:
    """Return saved options with the names of today: `rank` is `k`, `beta1` and `beta2` are `betas`.

    Examples
    --------
    >>> renamed({"rank": 4, "beta1": 0.9, "beta2": 0.99})
    {'k': 4, 'betas': (0.9, 0.99)}
    """
    found = {name: value for name, value in options.items() if name not in ("rank", *OLD_BETAS)}
    if "rank" in options:
        found.setdefault("k", options["rank"])
    if all(name in options for name in OLD_BETAS):
        found.setdefault("betas", tuple(options[name] for name in OLD_BETAS))
    return found


def taken_options(
    groups: Sequence[dict], defaults: dict, states: dict, before: Sequence[dict]
) -> list[dict]:
    """Check the options of groups that are new since the last step, and make their types plain.

    Parameters
    ----------
    groups : sequence of dict
        Take the options.
    defaults : dict
        Of those that a group lacks.
    states : dict
        Of the parameters that have one.
    before : sequence of dict
        What was returned for the step before.
    """
    # If a group was taken away, which options were whose is not known any more.
    before = [] if len(before) > len(groups) else before
    found = []
    for g, group in enumerate(groups):
        known = before[g] if g < len(before) else None
        options = {name: group.get(name, defaults[name]) for name in OPTIONS}
        if known is None or different(options, known):
            options = checked(options)
            names = [parameter_name(group, g, i) for i in range(len(group["params"]))]
            check_cuts(names, group["params"], options)
            if known is None or any(options[name] != known[name] for name in FACTOR_OPTIONS):
                check_parameters(names, group["params"], options["k"])
                check_statistics(names, group, options, states, known)
        found.append(options)
    for group, options in zip(groups, found, strict=True):
        group.update(options)
    return found


def check_statistics(
    names: Sequence[str], group: dict, options: dict, states: dict, before: dict | None
) -> None:
    """Refuse options that the statistics of a group's parameters were not made with.

    Parameters
    ----------
    names : sequence of str
        What errors call the parameters.
    group : dict
        With their list.
    options : dict
        The options that are to be used.
    states : dict
        The state of those parameters that have one.
    before : dict, optional
        The options of the steps before, where they are known.

    Raises
    ------
    TypeError, ValueError
        Naming the option, or the part of the state that does not fit.
    """
    for name, parameter in zip(names, group["params"], strict=True):
        if states.get(parameter):
            if before is not None:
                _check_plan("", name, parameter, before, options)
            _fitted_state(
                f"state of {name}", parameter, options, states[parameter], torch.device("meta")
            )


def _check_plan(
    where: str, name: str, parameter: torch.Tensor, expected: dict, found: dict
) -> None:
    """Refuse options that give other factors than the expected ones do."""
    shape = tuple(parameter.shape)
    for option in FACTOR_OPTIONS:
        if layout_of(shape, {**expected, option: found[option]}) != layout_of(shape, expected):
            raise ValueError(
                f"{where}expected {option} {expected[option]} for {name} of shape {shape}, with "
                f"which its statistics are kept, got {found[option]}"
            )


def _fitted_state(
    where: str, parameter: torch.Tensor, options: dict, found, device: torch.device
) -> dict:
    """Return a copy of a parameter's state, scalars as tensors; refuse one that does not fit.

    Averages are optional: what the options need and the state lacks begins with the next step, and
    what the options do not need is kept.
    """
    plan = layout_of(parameter.shape, options)
    # All of it, also where this process holds a part.
    meta = torch.empty(parameter.shape, dtype=parameter.dtype, device="meta")
    expected = new_state(meta, plan)
    if not isinstance(found, dict):
        raise TypeError(f"{where}: expected dict, got {kind_of(found)}")
    # Where a flattened state lacks an entry, PyTorch puts an empty dictionary.
    found = {key: entry for key, entry in found.items() if not _empty(entry)}
    for pair in AVERAGES.items():
        if any(key in found for key in pair):
            # Momentum may come in the other type, which the next step turns into the wanted one.
            coarse = pair[0] in MOMENTA and _type(found.get(pair[0])) == torch.bfloat16
            kept = {"momentum_dtype": "bfloat16" if coarse else None}
            expected = new_averages(meta, pair[:1], kept) | expected
    return _fitted(where, expected, found, device)


def _fitted(where: str, expected, found, device: torch.device):
    """Return a copy of `found`, which must be built like `expected`: keys, types, shapes."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            raise TypeError(f"{where}: expected dict, got {kind_of(found)}")
        if found.keys() != expected.keys():
            different = sorted(found.keys() ^ expected.keys(), key=str)
            raise ValueError(f"{where}: expected the keys {list(expected)}, differs in {different}")
        return {
            key: _scalar(f"{where}[{key!r}]", entry, found[key], device)
            if key in SCALARS
            else _fitted(f"{where}[{key!r}]", entry, found[key], device)
            for key, entry in expected.items()
        }
    if not isinstance(found, torch.Tensor):
        raise TypeError(f"{where}: expected {kind_of(expected)}, got {kind_of(found)}")
    if (found.dtype, found.shape) != (expected.dtype, expected.shape):
        raise ValueError(f"{where}: expected {kind_of(expected)}, got {kind_of(found)}")
    return found.detach().to(device, copy=True)


def _scalar(where: str, expected: torch.Tensor, found, device: torch.device) -> torch.Tensor:
    """Return a count or weight as a tensor; a hook may have made it a number."""
    try:
        number = float(found)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{where}: expected a number >= 0, got {kind_of(found)}") from None
    if not 0 <= number < math.inf:
        raise ValueError(f"{where}: expected a number >= 0, got {number}")
    return torch.tensor(number, dtype=expected.dtype, device=device)


def _check_finite(where: str, value) -> None:
    if isinstance(value, dict):
        for key, entry in value.items():
            _check_finite(f"{where}[{key!r}]", entry)
    elif not torch.isfinite(local(value)).all():
        raise ValueError(f"{where}: expected finite numbers, got NaN or infinity")


def _empty(value) -> bool:
    return isinstance(value, dict) and not value


def _type(value) -> torch.dtype | None:
    return value.dtype if isinstance(value, torch.Tensor) else None
