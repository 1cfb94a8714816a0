"""Numbers to try, evenly spaced in the logarithm: ``FROM:TO:COUNT``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco import checks

__all__ = ["MOST_EXPERIMENTS", "Grid", "log_grid"]

# Digits of a rate in a grid: 0.1 and not 0.09999999999999999.
DIGITS = 12
# More experiments than this are a slip of the hand, which shall not fill the memory.
MOST_EXPERIMENTS = 100_000


def log_grid(low: float, high: float, count: int) -> tuple[float, ...]:
    """Return `count` numbers from `low` to `high`, evenly spaced in the logarithm.

    Examples
    --------
    >>> log_grid(1e-3, 1, 4)
    (0.001, 0.01, 0.1, 1.0)
    """
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
    def read(cls, name: str, text: str) -> Grid:
        """Return the grid that ``FROM:TO:COUNT`` describes.

        Raises
        ------
        ValueError
            If it is written in another way, or a part is out of its range; the error calls it
            `name`.
        """
        try:
            low, high, count = map(float, text.split(":"))
        except ValueError:
            raise ValueError(
                f"{name}: expected FROM:TO:COUNT, as 1e-6:1:49, got {text!r}"
            ) from None
        low = checks.number(f"{name}: FROM", low, above=0)
        high = checks.number(f"{name}: TO", high, low=low)
        return cls(low, high, checks.whole(f"{name}: COUNT", count, 1, MOST_EXPERIMENTS))

    @property
    def values(self) -> tuple[float, ...]:
        """The numbers."""
        return log_grid(self.low, self.high, self.count)

    def __str__(self) -> str:
        low, high = (repr(end).removesuffix(".0") for end in (self.low, self.high))
        return f"{low}:{high}:{self.count}"
