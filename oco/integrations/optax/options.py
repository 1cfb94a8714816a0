"""What the transformation accepts: options that are known, and numbers that are arrays."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from oco import checks
from oco.shampoo import GRAFTS, check_options

__all__ = ["checked", "known", "plain"]

# What may be an array, and change from step to step without being compiled anew.
NUMBERS: tuple[str, ...] = ("lr", "eps", "epsilon", "momentum", "weight_decay", "matrix_rate")
NUMBERS += ("update_every", "start_step")
# A factored second moment is NumPy's and PyTorch's alone.
OWN_GRAFTS = tuple(graft for graft in GRAFTS if graft != "adafactor")


def known(value) -> bool:
    """Return whether a number is one of Python's, which decides what is compiled."""
    return not isinstance(value, jax.Array | np.ndarray)


def plain(name: str, value):
    """Return what decides what is compiled, or refuse an array.

    Examples
    --------
    >>> plain("k", jax.numpy.array(3))
    Traceback (most recent call last):
    ...
    TypeError: k: expected what is known before tracing, got an array; put it into static_args ...
    """
    if not known(value):
        raise TypeError(
            f"{name}: expected what is known before tracing, got an array; put it into "
            "static_args of optax.inject_hyperparams"
        )
    return value


def checked(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with their types made plain.

    Parameters
    ----------
    options : dict
        Some of `oco.shampoo.OPTIONS`.  `NUMBERS` may be arrays; while these are traced their values
        are not known, and not checked.

    Raises
    ------
    TypeError, ValueError
        Naming the option, its value and what was expected.

    Examples
    --------
    >>> checked({"momentum": jax.numpy.array(3.0)})
    Traceback (most recent call last):
    ...
    ValueError: momentum: expected a finite number >= 0 and < 1, got 3.0
    """
    numbers, there = {}, {}
    for name, value in options.items():
        if known(value) or name not in NUMBERS:
            numbers[name] = plain(name, value)
        elif value.ndim:
            raise TypeError(f"{name}: expected a number, got an array of shape {value.shape}")
        elif not isinstance(value, jax.core.Tracer):
            there[name] = value.item()
    if "graft" in numbers:
        checks.choice("graft", numbers["graft"], OWN_GRAFTS)
    good = check_options({**numbers, **there})
    # Arrays that are there are checked with the others, and stay arrays.
    return {**options, **{name: good[name] for name in numbers}}
