"""What the transformation accepts: options that are known, and numbers that are arrays."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from oco.shampoo import check_options

__all__ = ["checked", "known"]

# What may be an array, and change from step to step without being compiled anew.
NUMBERS: tuple[str, ...] = ("eps", "epsilon", "momentum", "weight_decay", "matrix_rate")
NUMBERS += ("update_every", "start_step")


def known(value) -> bool:
    """Return whether a number is one of Python's, which decides what is compiled."""
    return not isinstance(value, jax.Array | np.ndarray)


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
    >>> checked({"k": jax.numpy.array(3)})
    Traceback (most recent call last):
    ...
    TypeError: k: expected what is known before tracing, got an array; put it into static_args ...
    """
    plain = {}
    for name, value in options.items():
        if known(value):
            plain[name] = value
        elif name not in NUMBERS or value.ndim:
            raise TypeError(
                f"{name}: expected what is known before tracing, got an array; put it into "
                "static_args of optax.inject_hyperparams"
            )
        elif not isinstance(value, jax.core.Tracer):
            # The range of a number that is there, which stays an array.
            check_options({name: value.item()})
    return {**options, **check_options(plain)}
