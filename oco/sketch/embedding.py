"""Sparse rows in the small space that they span with a sketch, without rounding them away.

With U the sketch's eigenvectors and Â the rows at unit length, [U; Â] = C Q for a lower triangular
matrix C = [I 0; P L] and orthonormal rows Q: P = Â Uᵀ and L Lᵀ = Â Âᵀ − P Pᵀ.  What is done to
coordinates in Q is done to the rows themselves; only U, and what comes in its place, is dense.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse
from scipy.linalg import cholesky, solve_triangular
from scipy.linalg.lapack import dpotrf

from oco.linalg.rounding import UNIT
from oco.sketch.absorbed import PER_BLOCK, TINY
from oco.sketch.blocks import hold
from oco.sketch.rows import scaled_rows
from oco.sketch.state import State, allocate, copy_numbers, views

__all__ = ["Embedding", "rows_at_once"]

# The share of a row's squared length that must lie outside all before it, so that its new direction
# is a combination of rows that amplifies rounding at most eightfold, as in dense steps.
NEW = 1 / 64
# Columns turned at a time: a block of them stays in the processor's cache.
COLUMNS = 4096


def rows_at_once(d: int, k: int) -> int:
    """Return how many sparse rows to take together.

    For b of them a decomposition costs b³, and the dense sketch, turned once, k²d: per row they
    come to the least where b³ is about k²d.
    """
    return max(2 * k, min(int((4.0 * k * k * d) ** (1 / 3)), d))


class Embedding:
    """Rows of a CSR array, as far as none lies near the span of those before it and the sketch.

    Parameters
    ----------
    state : State
        The sketch's.
    rows : csr_array of shape (b, d)
        Finite, each place once.

    Attributes
    ----------
    count : int
        How many rows there are, from the first: the next lies near the span of the others.
    masses : ndarray of shape (count,)
        Their squared lengths.
    coordinates : ndarray of shape (count, n + 1)
        The rows in Q; the last coordinate, 0 here, is of what is orthogonal to all of it.
    """

    def __init__(self, state: State, rows) -> None:
        self._state = state
        numbers = state.numbers
        m, q = int(numbers["m"]), int(numbers["q"])
        self._turn = state.rotation[:q, :m].copy()
        masses = rows.multiply(rows).sum(axis=1)
        norms = np.sqrt(masses)
        kept = norms > math.sqrt(TINY)
        units = scaled_rows(rows, np.divide(1.0, norms, out=np.zeros(len(norms)), where=kept))
        own, same = _distinct(units)
        units = units[own]
        # The columns of V are contiguous here: a sparse product copies what is not.
        places, columns = np.unique(units.indices, return_inverse=True)
        few = sparse.csr_array(
            (units.data, columns, units.indptr), shape=(len(own), max(len(places), 1))
        )
        seen = np.ascontiguousarray(state.frame[:m, places].T) if len(places) else np.zeros((1, m))
        beside = (few @ seen) @ self._turn.T
        gram = (few @ few.T).toarray() - beside @ beside.T
        # Rows without entries have a place of their own, where nothing ever is.
        empty = np.flatnonzero(~kept[own])
        gram[empty, empty] = 1.0
        lower, fine = _triangle(gram)
        late = np.flatnonzero(same >= fine)
        self.count = int(late[0]) if len(late) else len(same)
        self._few, self._places, self._own = few[:fine], places, fine
        self._beside, self._lower = beside[:fine], lower
        held = np.zeros((self.count, max(q + fine + 1, int(numbers["k"]))))
        within = same[: self.count]
        held[:, :q] = beside[within]
        held[:, q : q + fine] = np.where(kept[own][within, None], lower[within], 0.0)
        self.masses = masses[: self.count]
        self.coordinates = norms[: self.count, None] * held
        self._q, self.n = q, q + fine

    def sketch(self, decay: float):
        """Return the memory of the sketch in these coordinates."""
        size = self.coordinates.shape[1]
        small = allocate(size, int(self._state.numbers["k"]), decay)
        inner = views(small)
        hold(inner, self._state.values[: self._q], np.eye(self._q, size))
        copy_numbers(self._state, inner)
        return small

    def of(self, x: np.ndarray) -> np.ndarray:
        """Return a vector's coordinates, with the length of what is orthogonal to Q as the last."""
        q, found = self._q, np.zeros(self.coordinates.shape[1])
        m = self._turn.shape[1]
        found[:q] = self._turn @ (self._state.frame[:m] @ x)
        along = self._few @ x[self._places] if len(self._places) else np.zeros(self._own)
        rest = along - self._beside @ found[:q]
        found[q : self.n] = solve_triangular(self._lower, rest, lower=True)
        found[-1] = math.sqrt(max(float(x @ x) - float(found @ found), 0.0))
        return found

    def moved(self, x: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return x with its coordinates `before` replaced by others."""
        shrunk = after[-1] / before[-1] if before[-1] > 0 else 1.0
        along, sparse_part = self._in_rows((after - shrunk * before)[None, : self.n])
        result = shrunk * x + along[0] @ self._state.frame[: along.shape[1]]
        if len(self._places):
            result[self._places] += self._few.T @ sparse_part[0]
        return result

    def hand_back(self, small) -> float:
        """Turn the sketch into what came of it here; return what that may have rounded of G."""
        state, inner = self._state, views(small)
        q, m = int(inner.numbers["q"]), self._turn.shape[1]
        along, sparse_part = self._in_rows(inner.basis.rows()[:, : self.n])
        frame = state.frame
        for start in range(0, frame.shape[1], COLUMNS):
            block = slice(start, start + COLUMNS)
            frame[:q, block] = along @ frame[:m, block]
        if len(self._places):
            frame[:q, self._places] += (self._few.T @ sparse_part.T).T
        gram = frame[:q] @ frame[:q].T
        for array in (state.rotation, state.gram, state.coordinates, state.inside, state.values):
            array[:] = 0.0
        # One Newton–Schulz step for the polar factor: rounding does not add up.
        state.rotation[:q, :q] = 1.5 * np.eye(q) - 0.5 * gram
        state.gram[:q, :q] = gram
        state.values[:q] = inner.values[:q]
        copy_numbers(inner, state)
        state.numbers["m"] = state.numbers["q"] = q
        state.numbers["corrected"] = state.numbers["rows"]
        root = math.sqrt(max(self.coordinates.shape[1], frame.shape[1]))
        return PER_BLOCK * UNIT * root * 2 * float(state.numbers["total"])

    def _in_rows(self, coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what vectors with coordinates in Q are of V's rows and of the sparse ones."""
        q = self._q
        own = solve_triangular(self._lower, coordinates[:, q:].T, lower=True, trans="T").T
        return (coordinates[:, :q] - own @ self._beside) @ self._turn, own


def _distinct(rows) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows are the first of their kind, and of which of these each row is another."""
    seen: dict[bytes, int] = {}
    own: list[int] = []
    same = np.empty(rows.shape[0], np.int64)
    for i, (first, last) in enumerate(zip(rows.indptr[:-1], rows.indptr[1:], strict=True)):
        key = rows.indices[first:last].tobytes() + rows.data[first:last].tobytes()
        same[i] = seen.setdefault(key, len(own))
        if same[i] == len(own):
            own.append(i)
    return np.array(own, np.int64), same


def _triangle(gram: np.ndarray) -> tuple[np.ndarray, int]:
    """Return L of L Lᵀ for the leading rows that are new enough, and how many they are."""
    if not len(gram):
        return gram, 0
    lower, failed = dpotrf(gram, lower=1, clean=1)
    fine = failed - 1 if failed > 0 else len(gram)
    short = np.flatnonzero(lower.diagonal()[:fine] ** 2 < NEW)
    if failed > 0 or len(short):
        fine = int(short[0]) if len(short) else fine
        lower = cholesky(gram[:fine, :fine], lower=True) if fine else gram[:0, :0]
    return np.ascontiguousarray(lower), fine
