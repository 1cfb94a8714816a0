"""Plain data: frozen dataclasses that are equal by content and travel through strict JSON."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Record", "same"]

# JSON has no tokens for these; a float field writes them as the words that `float` reads back.
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def same(a, b) -> bool:
    """Tell whether two pieces of plain data are equal, with NaN equal to NaN.

    Arrays must agree in shape, type and every entry.

    Examples
    --------
    >>> same({"x": np.array([1.0, np.nan])}, {"x": np.array([1.0, np.nan])})
    True
    """
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return (
            a.shape == b.shape
            and a.dtype == b.dtype
            and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        )
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return False
    return type(a) is type(b) and bool(a == b)


class Record:
    """A frozen dataclass of numbers, texts, arrays, tuples, dicts and other records.

    Two records are equal if they are of one class and all their fields are `same`.

    Examples
    --------
    >>> @dataclasses.dataclass(frozen=True, eq=False)
    ... class Span(Record):
    ...     lo: float
    ...     hi: float | None = None
    >>> Span(0.0, math.inf).plain()
    {'lo': 0.0, 'hi': 'Infinity'}
    >>> Span.from_plain({"lo": "NaN", "hi": None}) == Span(math.nan)
    True
    >>> Span.from_plain({"lo": "zero", "hi": None})
    Traceback (most recent call last):
    ...
    ValueError: Span.lo: expected float, got 'zero'
    """

    if TYPE_CHECKING:
        # Each subclass is a dataclass.
        __dataclass_fields__: ClassVar[dict[str, Any]]

    def __eq__(self, other) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def plain(self) -> dict:
        """Return the fields as JSON data; numbers that are not finite become text.

        Returns
        -------
        dict
            Of dicts, lists, texts, numbers, bools and None.
        """
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_plain(cls, data: Any) -> Self:
        """Return the record whose `plain` is `data`.

        Raises
        ------
        ValueError
            If a field is missing, unknown or of another type; the message names it.
        """
        hints = typing.get_type_hints(cls)
        # What was written before an option or number existed has its default.
        known = {f.name: f.default for f in fields(cls) if f.default is not dataclasses.MISSING}
        if isinstance(data, dict):
            data = {**{name: _plain(known[name]) for name in known}, **data}
        if not isinstance(data, dict) or set(data) != set(hints):
            found = sorted(data) if isinstance(data, dict) else data
            raise ValueError(f"{cls.__name__}: expected the fields {sorted(hints)}, got {found!r}")
        return cls(
            **{name: _typed(f"{cls.__name__}.{name}", hints[name], data[name]) for name in hints}
        )


def _plain(value):
    if hasattr(value, "plain"):
        return value.plain()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return next(word for word, number in NOT_FINITE.items() if same(number, float(value)))
    return value


def _typed(where: str, hint, value):
    """Return JSON data `value` as the annotated type `hint`."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _one_of(where, hint, arguments, value)
    if hint is float and isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    if hint is float and type(value) in (int, float):
        return float(value)
    if hint in (int, str, bool, types.NoneType) and type(value) is hint:
        return value
    if origin is dict and isinstance(value, dict):
        return {key: _typed(f"{where}[{key!r}]", arguments[1], value[key]) for key in value}
    if origin is tuple and isinstance(value, list):
        return tuple(_typed(f"{where}[{i}]", arguments[0], item) for i, item in enumerate(value))
    if hasattr(hint, "from_plain"):
        return hint.from_plain(value)
    if isinstance(hint, type) and issubclass(hint, tuple) and isinstance(value, list):
        return tuple(value)
    raise ValueError(f"{where}: expected {getattr(hint, '__name__', hint)}, got {value!r}")


def _one_of(where: str, hint, members: tuple, value):
    for member in members:
        try:
            return _typed(where, member, value)
        except ValueError as error:
            fault = error
    # A wrong field deep inside an optional record says more than the union it stands in.
    deep = isinstance(value, dict | list)
    raise fault if deep else ValueError(f"{where}: expected {hint}, got {value!r}")
