"""Running averages: Adam's moments, the steps made of them, and momentum.

An average a ← β a + (1 − β) x that starts at zero is divided by its weight, w ← β w + (1 − β):
1 − ∏ β_t where β changes from step to step, and 1 − β^t where it does not.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from oco.integrations.optax.options import known

__all__ = ["Averages", "Weights", "absorb", "diagonal_step", "grown", "kept", "mixed"]


class Weights(NamedTuple):
    """What averages are divided by, each an array with a number for each leaf.

    Attributes
    ----------
    first, second, momentum : Array of shape (leaves,)
        Of m, of v and of what momentum averages.
    absorbed : Array of shape (leaves,)
        a ← β₂ a + 1 at each gradient that the factors absorbed.
    """

    first: jax.Array
    second: jax.Array
    momentum: jax.Array
    absorbed: jax.Array


class Averages(NamedTuple):
    """The averages of a leaf, or trees of them; None where one is not needed.

    Attributes
    ----------
    first, second, momentum : Array of the leaf's shape
        m, v and what momentum averages.
    """

    first: Any
    second: Any
    momentum: Any


def kept(options: dict, order: int) -> Averages:
    """Return which averages a leaf has.

    Parameters
    ----------
    options : dict
        graft and momentum.
    order : int
        How many of its axes are longer than 1; with fewer than two the step is a diagonal one.

    Examples
    --------
    >>> kept({"graft": "sgd", "momentum": 0.9}, order=1)
    Averages(first=False, second=True, momentum=True)
    """
    graft, momentum = options["graft"], options["momentum"]
    return Averages(
        first=graft == "adam",
        second=graft in ("adam", "rmsprop") or order < 2,
        momentum=not known(momentum) or momentum > 0,
    )


def grown(weights: Weights, options: dict) -> Weights:
    """Return the weights after one more step, but for `absorbed`."""
    beta1, beta2 = options["betas"]
    return weights._replace(
        first=mixed(weights.first, 1.0, beta1),
        second=beta2 * weights.second + _new_part(beta2),
        momentum=mixed(weights.momentum, 1.0, options["momentum"]),
    )


def mixed(average: jax.Array, x, beta) -> jax.Array:
    """Return β a + (1 − β) x."""
    return beta * average + (1 - beta) * x


def absorb(averages: Averages, g: jax.Array, options: dict) -> Averages:
    """Return m ← β₁ m + (1 − β₁) g and v ← β₂ v + (1 − β₂) g², or v + g² where β₂ = 1."""
    beta1, beta2 = options["betas"]
    first, second = averages.first, averages.second
    if first is not None:
        first = mixed(first, g, beta1)
    if second is not None:
        second = beta2 * second + _new_part(beta2) * (g * g)
    return averages._replace(first=first, second=second)


def diagonal_step(averages: Averages, weights: Weights, x: jax.Array, options: dict) -> jax.Array:
    """Return m̂/(√v̂ + eps), with x in the place of m̂ but for the graft "adam".

    Parameters
    ----------
    averages, weights
        Of one leaf, after they have absorbed the gradient; the weights as numbers of its type.
    x : Array
        The gradient, or an average of it.
    """
    first = x if options["graft"] != "adam" else averages.first
    second = averages.second
    if options["bias_correction"]:
        if options["graft"] == "adam":
            first = first / weights.first
        if options["betas"][1] < 1:
            second = second / weights.second
    # An eps that the type cannot tell from zero would make 0/0 of a coordinate without gradient.
    eps = jnp.maximum(jnp.asarray(options["eps"], x.dtype), jnp.finfo(x.dtype).tiny)
    return first / (jnp.sqrt(second) + eps)


def _new_part(beta: float) -> float:
    """Return how much of an average is new: 1 − β, or 1 where it sums without forgetting."""
    return 1 - beta if beta < 1 else 1.0
