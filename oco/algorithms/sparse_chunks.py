"""Many rounds with sparse rows in one kernel, at the cost of their entries: what it is given."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from oco.linalg.engine import kernel
from oco.losses.kernels import UNKNOWN

__all__ = ["RECORDED", "ROUNDS", "SMALLEST_SCALE", "SparseChunk", "clipped", "longest"]

# ‖x‖² is carried from round to round, and taken anew after so many: each rounds it by some ε, and
# all of them by far less than what a played point may lie outside K.
ROUNDS = 1024
# x is kept as a number times a vector: a smaller one is multiplied out, lest the vector overflow.
SMALLEST_SCALE = 1e-100
# What ‖x_t‖² is recorded as at least, relative to the largest since it was taken anew: a smaller
# one may be what cancellation has left.
RECORDED = 1e-2


class SparseChunk(NamedTuple):
    """Rounds to play, and where to write down what happens in them.

    Attributes
    ----------
    starts : ndarray of int, of shape (n + 1,)
        Row t has the entries `starts[t]` to `starts[t + 1]`.
    places : ndarray of int
        Columns of the entries, each at most once a row.
    entries : ndarray
        Their values.
    labels : ndarray of shape (n,)
        y_t.
    loss : int
        Number of φ as of `oco.losses.kernels`.
    facts : ndarray of shape (n, 4)
        Receives z_t, φ'(z_t, y_t), y_t and φ(z_t, y_t).
    squares : ndarray of shape (n,)
        Receives ‖x_t‖²; where it is less than a hundredth of the largest, that.
    """

    starts: np.ndarray
    places: np.ndarray
    entries: np.ndarray
    labels: np.ndarray
    loss: int
    facts: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, rows, labels, loss: int, facts, squares) -> SparseChunk:
        """Return rounds with the rows of a CSR array, in the types that kernels are compiled for.

        Examples
        --------
        >>> from scipy import sparse
        >>> rows = sparse.csr_array(np.eye(2))
        >>> SparseChunk.of(rows, np.ones(2), 0, np.empty((2, 4)), np.empty(2)).places
        array([0, 1])
        """
        starts, places = (part.astype(np.int64) for part in (rows.indptr, rows.indices))
        entries, labels = np.array(rows.data), np.array(labels)
        return cls(starts, places, entries, labels, loss, facts, squares)

    @classmethod
    def none(cls) -> SparseChunk:
        """Return no rounds at all: what a kernel is compiled for."""
        nothing, starts = np.empty(0), np.zeros(1, np.int64)
        return cls(starts, starts[:0], nothing, nothing, UNKNOWN, np.empty((0, 4)), nothing)

    def part(self, start: int, stop: int) -> SparseChunk:
        """Return rounds `start` to `stop` of these."""
        some = slice(start, stop)
        own = self.labels[some], self.loss, self.facts[some], self.squares[some]
        return SparseChunk(self.starts[start : stop + 1], self.places, self.entries, *own)

    def rows(self, d: int):
        """Return the rows as a CSR array of d columns."""
        first, last = self.starts[0], self.starts[-1]
        parts = self.entries[first:last], self.places[first:last], self.starts - first
        return sparse.csr_array(parts, shape=(len(self.labels), d))

    def gradient(self, t: int, d: int) -> np.ndarray:
        """Return the gradient of round t, of shape (d,)."""
        result, own = np.zeros(d), slice(self.starts[t], self.starts[t + 1])
        result[self.places[own]] = self.facts[t, 1] * self.entries[own]
        return result


@kernel
def clipped(values, where, lower, upper):
    """Return what these coordinates become in a box; as they are where `lower` is empty."""
    if len(lower) == 0:
        return values
    return np.minimum(np.maximum(values, lower[where]), upper[where])


@kernel
def longest(square: float, largest: float) -> float:
    """Return what ‖x‖² is recorded as, where it was as large as `largest` before."""
    return max(square, RECORDED * largest)
