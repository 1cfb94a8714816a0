"""Whether the points that a learner plays lie in the domain, and how long they are."""

from __future__ import annotations

import math
import sys

import numpy as np

from oco.domains import FEASIBLE, Box, Domain
from oco.linalg.rounding import SQUARES

__all__ = ["Outside", "Points"]

# Points that are held against K together: in the processor's cache, and not more than this many.
POINTS, POINTS_BYTES = 256, 256 << 10
# A radius this large is told from a longer point by squares that do not underflow.
SMALLEST_TOLD = 10 * math.sqrt(SQUARES[0])


class Outside(ValueError):
    """A learner has played a point outside K."""


class Points:
    """The points played: their lengths, and whether they lie in K, told once in a while."""

    def __init__(self, domain: Domain | None, stream) -> None:
        self.squares = np.empty(stream.T)
        self.domain = domain if domain is not None and domain.bounded else None
        self.radius = math.inf if self.domain is None else self.domain.radius(stream.d)
        # Where the square of a point's length does not tell whether it lies in K, points are held.
        told = self.domain is None or (self.domain.radial and self.radius > SMALLEST_TOLD)
        self.hold = None if told else self._hold
        rows = max(1, min(POINTS, POINTS_BYTES // (8 * stream.d)))
        self.held = np.empty((0 if told else rows, stream.d))
        # Kernels clip to a box: what does not move stays in it.
        self.clipped = isinstance(self.domain, Box)
        self.checked = self.count = 0

    def _hold(self, x: np.ndarray) -> None:
        """Take the next point; raises `Outside`."""
        self.held[self.count] = x
        self.took(1)

    @property
    def room(self) -> int:
        """How many points may come until those that are held are looked at."""
        return sys.maxsize if self.hold is None else len(self.held) - self.count

    def slots(self, n: int) -> np.ndarray:
        """Return what receives the next n points, at most `room`; no rows where none is held."""
        return self.held[self.count : self.count + n]

    def took(self, n: int) -> None:
        """Take the next n points, which are in their slots; raises `Outside`."""
        if self.hold is None:
            return
        self.count += n
        if self.count == len(self.held):
            self.check(self.checked + self.count)

    def check(self, n: int) -> None:
        """Look at the first n points, as far as that was not done yet; raises `Outside`."""
        first, self.checked = self.checked, n
        if self.hold is not None and self.domain is not None:
            distances, self.count = self.domain.distances(self.held[: n - first]), 0
        else:
            distances = self.lengths(first, n) - self.radius
        self._require(first, distances)

    def kept(self, n: int, x: np.ndarray) -> None:
        """Take it that a kernel has kept the first n points in K, and look at the next, x alone.

        Raises
        ------
        Outside
            If that one is not.
        """
        if self.hold is not None and self.domain is not None:
            self.checked = n
            self._require(n, self.domain.distances(x[None]))

    def _require(self, first: int, distances: np.ndarray) -> None:
        """Refuse a distance from K, of points from `first` on, that rounding does not explain."""
        outside = np.flatnonzero(~(distances <= FEASIBLE * self.radius))
        if len(outside):
            t, distance = first + outside[0] + 1, distances[outside[0]]
            raise Outside(
                f"round {t}: the learner played a point outside the domain, {distance:.3g} away "
                f"from {self.domain!r}"
            )

    def lengths(self, first: int, n: int) -> np.ndarray:
        """Return the lengths of points `first` to n; of those whose squares underflow, a bound."""
        return np.sqrt(np.maximum(self.squares[first:n], SQUARES[0]))
