"""Does a state fit these parameters and options?  And the state of a checkpoint, type for type."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from oco.integrations.torch.sharding import local, spread_like
from oco.integrations.torch.state import AVERAGES, MOMENTA, SCALARS, new_averages, new_state
from oco.shampoo import OPTIONS as SHARED
from oco.shampoo import check_options, layout

__all__ = [
    "OPTIONS",
    "check_gradients",
    "check_parameters",
    "check_statistics",
    "checked",
    "different",
    "loadable",
    "parameter_name",
    "renamed",
]

# The options of a group: those that NumPy has, too, and those that PyTorch's optimizers have.
OPTIONS = (*SHARED, "maximize", "foreach", "differentiable")

TYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)

OLD_BETAS = ("beta1", "beta2")
# The option by which groups of this optimizer are recognised.
MARK = "k"


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
                states[parameter] = spread_like(states[parameter], parameter, tuple(AVERAGES))
    unknown = [key for key in saved_states if key not in used]
    if unknown:
        raise ValueError(
            f"state_dict['state']: expected entries of parameters that the groups list, "
            f"got one of {unknown[0]!r}"
        )
    return complete, states


def checked(options: dict) -> dict:
    """Return options with their types made plain; a rate that is a tensor stays one.

    Raises
    ------
    TypeError, ValueError
        Naming the option, its value and what was expected.
    """
    rate, names = options.get("lr"), ("maximize", "foreach", "differentiable")
    plain = dict(options)
    if isinstance(rate, torch.Tensor):
        if rate.numel() != 1 or not rate.is_floating_point():
            raise TypeError(f"lr: expected a number or a tensor of one number, got {_kind(rate)}")
        # Its value is read no more than here: that would wait for its device.
        plain["lr"] = 0.0
    if options.get("momentum_dtype") is torch.bfloat16:
        plain["momentum_dtype"] = "bfloat16"
    for name in names:
        value = options.get(name, False)
        if not isinstance(value, bool) and not (name == "foreach" and value is None):
            raise TypeError(f"{name}: expected True or False, got {value!r}")
    if options.get("differentiable"):
        raise ValueError("differentiable: expected False, got True: steps have no derivatives")
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
    own = {option: expected[option] for option in ("k", "max_axis")}
    for option in own:
        if layout(shape, **{**own, option: found[option]}) != layout(shape, **own):
            raise ValueError(
                f"{where}expected {option} {own[option]} for {name} of shape {shape}, with which "
                f"its statistics are kept, got {found[option]}"
            )


def _fitted_state(
    where: str, parameter: torch.Tensor, options: dict, found, device: torch.device
) -> dict:
    """Return a copy of a parameter's state, scalars as tensors; refuse one that does not fit.

    Averages are optional: what the options need and the state lacks begins with the next step, and
    what the options do not need is kept.
    """
    plan = layout(tuple(parameter.shape), options["k"], options["max_axis"])
    # All of it, also where this process holds a part.
    meta = torch.empty(parameter.shape, dtype=parameter.dtype, device="meta")
    expected = new_state(meta, plan)
    if not isinstance(found, dict):
        raise TypeError(f"{where}: expected dict, got {_kind(found)}")
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
            raise TypeError(f"{where}: expected dict, got {_kind(found)}")
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
        raise TypeError(f"{where}: expected {_kind(expected)}, got {_kind(found)}")
    if (found.dtype, found.shape) != (expected.dtype, expected.shape):
        raise ValueError(f"{where}: expected {_kind(expected)}, got {_kind(found)}")
    return found.detach().to(device, copy=True)


def _scalar(where: str, expected: torch.Tensor, found, device: torch.device) -> torch.Tensor:
    """Return a count or weight as a tensor; a hook may have made it a number."""
    try:
        number = float(found)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{where}: expected a number >= 0, got {_kind(found)}") from None
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


def _kind(value) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of {value.dtype} of shape {tuple(value.shape)}"
    return type(value).__name__


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
