"""The shapes of a model's parameters: typed in, or read from a module."""

from __future__ import annotations

import re
from dataclasses import dataclass

from oco import checks

__all__ = ["Parameter", "parse_shape", "shapes_of"]

# Digits that an axis typed in may have: int() itself refuses absurdly many with a worse message.
DIGITS = 15
SHAPE = re.compile(rf"\d{{1,{DIGITS}}}([x×]\d{{1,{DIGITS}}})*", re.ASCII)


@dataclass(frozen=True)
class Parameter:
    """A tensor that an optimizer trains.

    Attributes
    ----------
    name : str
        For people.
    shape : tuple of int
        Lengths of its axes, each ≥ 1; () for a single number.

    Raises
    ------
    TypeError, ValueError
        If an axis is no integer ≥ 1.
    """

    name: str
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        for n in self.shape:
            checks.integer(f"shape of {self.name}", n, low=1)


def parse_shape(text: str) -> Parameter:
    """Return the parameter whose shape is written like ``1024x4096``.

    Raises
    ------
    ValueError
        If the text is none.

    Examples
    --------
    >>> parse_shape("10x64x3x3").shape
    (10, 64, 3, 3)
    >>> parse_shape("10x")
    Traceback (most recent call last):
    ...
    ValueError: shape: expected lengths joined by x, as in 1024x4096, got '10x'
    """
    if SHAPE.fullmatch(text) is None:
        raise ValueError(f"shape: expected lengths joined by x, as in 1024x4096, got {text!r}")
    return Parameter(text, tuple(int(n) for n in re.split("[x×]", text)))


def shapes_of(module) -> tuple[Parameter, ...]:
    """Return the parameters of a module that are trained.

    Parameters
    ----------
    module
        Anything with a method ``named_parameters()`` or ``parameters()`` whose items have a
        ``shape``: a ``torch.nn.Module``, for one.  Those with ``requires_grad`` false have no
        optimizer state and are left out.

    Raises
    ------
    TypeError
        If it has neither method.
    ValueError
        If nothing in it is trained, or a parameter is empty.

    Examples
    --------
    >>> from types import SimpleNamespace as Tensor
    >>> class Linear:
    ...     def named_parameters(self):
    ...         return [("weight", Tensor(shape=(3, 4))), ("bias", Tensor(shape=(3,)))]
    >>> shapes_of(Linear())
    (Parameter(name='weight', shape=(3, 4)), Parameter(name='bias', shape=(3,)))
    """
    if hasattr(module, "named_parameters"):
        named = module.named_parameters()
    elif hasattr(module, "parameters"):
        named = ((f"parameter {i}", tensor) for i, tensor in enumerate(module.parameters()))
    else:
        raise TypeError(
            "module: expected one with named_parameters() or parameters(), "
            f"got {type(module).__name__}"
        )
    found = tuple(
        Parameter(name, tuple(map(int, tensor.shape)))
        for name, tensor in named
        if getattr(tensor, "requires_grad", True)
    )
    if not found:
        raise ValueError("module: no parameter in it is trained")
    return found
