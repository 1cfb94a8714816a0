"""The options of an optimizer, checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from oco import checks
from oco.shampoo.recipe import (
    AVERAGED,
    GRAFTS,
    LONG_AXES,
    MOMENTUM_DTYPES,
    REFRESHES,
    ROOTS,
    SIDES,
    STATISTICS,
    TAILS,
)

__all__ = [
    "OPTIONS",
    "check_options",
    "sketch_sizes",
]

# Sketches keep k − 1 directions, so that one of size 1 would keep nothing.
LEAST_SIZE = 2


def sketch_sizes(name: str, value, axes: int) -> tuple[int | None, ...]:
    """Return a sketch size ≥ 2, or None, for each axis; one given alone is meant for all.

    Raises
    ------
    TypeError, ValueError
        If one is no integer ≥ 2 (a sketch of size 1 keeps no direction), or their number is wrong.

    Examples
    --------
    >>> sketch_sizes("k", 16, axes=2), sketch_sizes("k", [16, None], axes=2)
    ((16, 16), (16, None))
    >>> sketch_sizes("k", 1, axes=2)
    Traceback (most recent call last):
    ...
    ValueError: k: expected an integer >= 2, got 1
    """
    sizes = _sizes(name, value)
    if not isinstance(sizes, tuple):
        return (sizes,) * axes
    if len(sizes) != axes:
        raise ValueError(f"{name}: expected one for each of the {axes} axes, got {len(sizes)}")
    return sizes


def check_options(options: dict) -> dict:
    """Return the options of an optimizer with their types made plain.

    Parameters
    ----------
    options : dict
        Those that are not in `OPTIONS` are kept as they are.

    Raises
    ------
    TypeError, ValueError
        Naming the option, its value and what was expected.

    Examples
    --------
    >>> check_options({"k": [16, None], "params": ...})
    {'k': (16, None), 'params': Ellipsis}
    >>> check_options({"k": 1})
    Traceback (most recent call last):
    ...
    ValueError: k: expected an integer >= 2, got 1
    """
    known = {name: _CHECKS[name](name, value) for name, value in options.items() if name in _CHECKS}
    often, rarely = known.get("statistics_every"), known.get("update_every")
    if often and rarely and rarely % often:
        raise ValueError(
            f"statistics_every: expected a divisor of update_every, {rarely}, got {often}"
        )
    return {**options, **known}


def _sizes(name: str, value) -> int | tuple[int | None, ...] | None:
    if value is None or not isinstance(value, Sequence) or isinstance(value, str):
        return None if value is None else checks.integer(name, value, low=LEAST_SIZE)
    return tuple(
        None if size is None else checks.integer(f"{name}[{axis}]", size, low=LEAST_SIZE)
        for axis, size in enumerate(value)
    )


def _betas(name: str, value) -> tuple[float, float]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name}: expected two numbers (beta1, beta2), got {value!r}")
    return (
        checks.number(f"{name}[0]", value[0], low=0, below=1),
        checks.number(f"{name}[1]", value[1], above=0, high=1),
    )


def _max_axis(name: str, value) -> int | None:
    return None if value is None else checks.integer(name, value, low=1)


def _statistics_every(name: str, value) -> int | None:
    return None if value is None else checks.integer(name, value, low=1)


def _momentum_dtype(name: str, value) -> str | None:
    return None if value is None else checks.choice(name, value, MOMENTUM_DTYPES)


def _flag(name: str, value) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return value


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "lr": partial(checks.number, low=0),
    "k": _sizes,
    "betas": _betas,
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
    "sides": partial(checks.choice, options=SIDES),
    "refresh": partial(checks.choice, options=REFRESHES),
    "statistics": partial(checks.choice, options=STATISTICS),
    "statistics_every": _statistics_every,
    "long_axes": partial(checks.choice, options=LONG_AXES),
    "momentum_dtype": _momentum_dtype,
}
#: The options that NumPy and PyTorch share; JAX has those up to `bias_correction`, and
#: `statistics_every`.
OPTIONS = tuple(_CHECKS)
