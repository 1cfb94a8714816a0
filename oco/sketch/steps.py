"""Frequent Directions of many rows, one after the other: dense, or sparse in small spaces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oco.linalg.lengths import squared_length
from oco.sketch.blocks import absorb_block
from oco.sketch.embedding import Embedding, rows_at_once
from oco.sketch.kernels import extend
from oco.sketch.spectral_space import SpectralSpace
from oco.sketch.state import State, views

__all__ = ["extend_dense", "extend_sparse", "update_sparse"]

# Rows that one call of a kernel absorbs cost so many multiplications: about 0.1 s.
NUMBERS_AT_ONCE = 1 << 27


def extend_dense(memory, rows: np.ndarray) -> None:
    """Absorb the rows of an array, which is not the sketch's; tr G stays finite."""
    numbers = views(memory).numbers
    # An interrupt waits for a block of them.
    at_once = max(1, NUMBERS_AT_ONCE // (int(numbers["d"]) * int(numbers["k"])))
    for start in range(0, len(rows), at_once):
        block = rows[start : start + at_once]
        # As `append` measures them: the same rows come to the same sketch, to the bit.
        masses = np.array([squared_length("rows", row) for row in block])
        extend(memory, block, masses)


def extend_sparse(memory, rows, blurred: float) -> Iterator[float]:
    """Absorb the rows of a CSR array one after the other, some at a time.

    Parameters
    ----------
    memory : ndarray or State
        The sketch, which is changed.
    rows : csr_array of shape (n, d)
        Finite, each place once; tr G stays finite.
    blurred : float
        What sparse rows may have rounded beside what dense ones do, so far.

    Yields
    ------
    float
        What they may have rounded, each time that the sketch has absorbed some more.
    """
    state = views(memory)
    decay, done = float(state.numbers["decay"]), 0
    at_once = rows_at_once(int(state.numbers["d"]), int(state.numbers["k"]))
    while done < rows.shape[0]:
        part = rows[done : done + at_once]
        space = _space(state, part, part.shape[0] // 2)
        small = space.sketch(decay)
        extend(small, space.coordinates, space.masses)
        blurred = decay**space.count * blurred + space.hand_back(small)
        done += space.count
        yield blurred


def update_sparse(memory, rows, total: tuple[float, float]) -> float:
    """Absorb SᵀS, for the rows S of a CSR array, in one step; return what that may have rounded.

    Parameters
    ----------
    memory, rows
        As of `extend_sparse`.
    total : (float, float)
        tr G afterwards, as of `oco.sketch.blocks.absorb_block`.
    """
    state, count = views(memory), rows.shape[0]
    decay, space = float(state.numbers["decay"]), _space(state, rows, count)
    small = space.sketch(decay)
    absorb_block(views(small), space.coordinates, decay, count, total)
    return space.hand_back(small)


def _space(state: State, rows, enough: int) -> Embedding | SpectralSpace:
    """Return a space with so many of the rows, if few are near the span of others, or with all."""
    space = Embedding(state, rows)
    return space if space.count and space.count >= enough else SpectralSpace(state, rows)
