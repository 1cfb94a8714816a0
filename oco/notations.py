"""Values that are written as short texts: a spectrum of features, the shape of a matrix, a grid.

Each is read once, where it comes in, and travels as what it means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from oco import scalars

__all__ = [
    "DEFAULT_SPECTRUM",
    "MOST_NUMBERS",
    "SPECTRA",
    "Grid",
    "Shape",
    "Spectrum",
    "log_grid",
]

# Digits of a number in a grid: 0.1 and not 0.09999999999999999.
DIGITS = 12
# More numbers than this are a slip of the hand, which shall not fill the memory.
MOST_NUMBERS = 100_000


class Shape(NamedTuple):
    """The sizes of a matrix.

    Examples
    --------
    >>> Shape.read("shape", "256x128"), str(Shape.read("shape", [3, 2]))
    (Shape(m=256, n=128), '3x2')
    >>> Shape.read("shape", "256")
    Traceback (most recent call last):
    ...
    ValueError: shape: expected two sizes such as 256x128, got '256'
    """

    m: int
    n: int

    @classmethod
    def read(cls, name: str, value) -> Shape:
        """Return the shape that is given as a pair of integers or as a text.

        Raises
        ------
        TypeError, ValueError
            If it is neither, or a size is below 1; the error calls it `name`.
        """
        sizes = value
        if isinstance(value, str):
            try:
                sizes = [int(word) for word in value.split("x")]
            except ValueError:
                sizes = []
        if not isinstance(sizes, list | tuple) or len(sizes) != 2:
            raise ValueError(f"{name}: expected two sizes such as 256x128, got {value!r}")
        return cls(*(scalars.integer(name, size, low=1) for size in sizes))

    def __str__(self) -> str:
        return f"{self.m}x{self.n}"


@dataclass(frozen=True)
class Form:
    """How a kind of spectrum is written after its name.

    Attributes
    ----------
    written : str
        With its name.
    fields : tuple of (str, type, dict)
        What each number is called, its type and its limits.
    needed : int
        How many of them must be given.
    """

    written: str
    fields: tuple[tuple[str, type[int] | type[float], dict[str, float]], ...] = ()
    needed: int = 1


#: Every kind of spectrum by its name.
SPECTRA: dict[str, Form] = {
    "power": Form("power:α", (("the exponent", float, {"low": 0}),)),
    "exp": Form("exp:q", (("the ratio", float, {"above": 0, "high": 1}),)),
    "lowrank": Form(
        "lowrank:r[:noise]",
        (("the rank", int, {"low": 1}), ("the noise", float, {"low": 0, "high": 1})),
    ),
    "flat": Form("flat", needed=0),
}


@dataclass(frozen=True)
class Spectrum:
    """The eigenvalues of a covariance, in any dimension: ``power:α``, ``exp:q``, and so on.

    Attributes
    ----------
    kind : str
        A key of `SPECTRA`.
    numbers : tuple of float
        What follows it.

    Examples
    --------
    >>> Spectrum.read("spectrum", "lowrank:5:0.10")
    Spectrum(kind='lowrank', numbers=(5, 0.1))
    >>> str(Spectrum.read("spectrum", "power:1.0"))
    'power:1'
    >>> Spectrum.read("spectrum", "pover:1")
    Traceback (most recent call last):
    ...
    ValueError: spectrum: unknown name 'pover'; did you mean 'power'? (known: power, exp, ...)
    """

    kind: str
    numbers: tuple[float, ...] = ()

    @classmethod
    def read(cls, name: str, value) -> Spectrum:
        """Return the spectrum that a text describes; a spectrum is itself.

        Raises
        ------
        TypeError, ValueError
            If it is neither; the error calls it `name`.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            example = str(DEFAULT_SPECTRUM)
            raise TypeError(f"{name}: expected a text such as {example!r}, got {value!r}")
        kind, *texts = value.split(":")
        form = SPECTRA[scalars.choice(name, kind, SPECTRA)]
        if not form.needed <= len(texts) <= len(form.fields):
            raise ValueError(f"{name}: expected {form.written!r}, got {value!r}")
        numbers = []
        for text, (what, number, limits) in zip(texts, form.fields, strict=False):
            try:
                read = number(text)
            except ValueError:
                expected = "an integer" if number is int else "a number"
                raise ValueError(f"{name}: {what}: expected {expected}, got {text!r}") from None
            check: Callable[..., float] = scalars.integer if number is int else scalars.number
            numbers.append(check(f"{name}: {what}", read, **limits))
        return cls(kind, tuple(numbers))

    def plain(self) -> str:
        """Return it as JSON data: its text."""
        return str(self)

    @classmethod
    def from_plain(cls, data) -> Spectrum:
        """Return the spectrum whose `plain` is `data`; a ValueError says that it is none's."""
        if not isinstance(data, str):
            raise ValueError(f"spectrum: expected a text, got {data!r}")
        return cls.read("spectrum", data)

    def __str__(self) -> str:
        return ":".join([self.kind, *(repr(number).removesuffix(".0") for number in self.numbers)])


#: What the features have unless they are told.
DEFAULT_SPECTRUM = Spectrum("power", (1.0,))


def log_grid(low: float, high: float, count: int) -> tuple[float, ...]:
    """Return `count` numbers from `low` to `high`, evenly spaced in the logarithm.

    Examples
    --------
    >>> log_grid(1e-3, 1, 4)
    (0.001, 0.01, 0.1, 1.0)
    """
    # Help pages read notations, and load no array library.
    import numpy as np

    # The ends are set to `low` and `high` themselves, whatever their logarithms overflow to.
    with np.errstate(over="ignore"):
        values = np.geomspace(low, high, count)
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)


@dataclass(frozen=True)
class Grid:
    """Numbers to try: two ends, 0 < low ≤ high, and how many from one to the other.

    Examples
    --------
    >>> grid = Grid.read("grid", "1e-3:1:4")
    >>> str(grid), grid.values
    ('0.001:1:4', (0.001, 0.01, 0.1, 1.0))
    """

    low: float
    high: float
    count: int

    @classmethod
    def read(cls, name: str, value) -> Grid:
        """Return the grid that the text ``FROM:TO:COUNT`` describes; a grid is itself.

        Raises
        ------
        TypeError, ValueError
            If it is neither, or a part is out of its range; the error calls it `name`.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise TypeError(f"{name}: expected a text such as '1e-6:1:49', got {value!r}")
        try:
            low, high, count = map(float, value.split(":"))
        except ValueError:
            raise ValueError(
                f"{name}: expected FROM:TO:COUNT, as 1e-6:1:49, got {value!r}"
            ) from None
        low = scalars.number(f"{name}: FROM", low, above=0)
        high = scalars.number(f"{name}: TO", high, low=low)
        return cls(low, high, scalars.whole(f"{name}: COUNT", count, 1, MOST_NUMBERS))

    @property
    def values(self) -> tuple[float, ...]:
        """The numbers."""
        return log_grid(self.low, self.high, self.count)

    def plain(self) -> str:
        """Return it as JSON data: its text."""
        return str(self)

    @classmethod
    def from_plain(cls, data) -> Grid:
        """Return the grid whose `plain` is `data`; a ValueError says that it is none's."""
        if not isinstance(data, str):
            raise ValueError(f"grid: expected a text, got {data!r}")
        return cls.read("grid", data)

    def __str__(self) -> str:
        low, high = (repr(end).removesuffix(".0") for end in (self.low, self.high))
        return f"{low}:{high}:{self.count}"
