"""Rounds with sparse rows, some at a time, in the small spaces that they span with a sketch."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from oco.algorithms.chunks import Chunk, Progress, Tally
from oco.algorithms.sparse_chunks import SparseChunk
from oco.linalg.products import inner
from oco.losses.kernels import UNKNOWN
from oco.sketch import FrequentDirections
from oco.sketch.embedding import Embedding, rows_at_once
from oco.sketch.state import views

__all__ = ["SpacePlayer", "play_in_spaces"]

# Rows that are looked at before all others are, in units of the sketch's size: a stream of low rank
# has hardly more of them until one lies in the span of the others.
FIRST = 2


class SpacePlayer(Protocol):
    """What takes its steps in any orthonormal coordinates alike.

    Attributes
    ----------
    kernels : Kernels
        Of its steps.
    """

    kernels: Any

    def settings(self) -> tuple:
        """Return the numbers that the steps go by."""
        ...

    def enter(self, space: Embedding, small: Any, image: np.ndarray) -> tuple:
        """Return the memory of the steps in the coordinates of a space.

        It holds the sketch `small`, and `image` for what its rows make of a vector.
        """
        ...

    def leave(self, space: Embedding, x, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Take what the steps have made of that memory, and return x moved between coordinates."""
        ...


def play_in_spaces(
    player: SpacePlayer,
    sketch: FrequentDirections,
    rounds: SparseChunk,
    x: np.ndarray,
    tally: Tally,
    lr: float,
    radius: float,
) -> Progress:
    """Play rounds in the small spaces that some rows at a time span with the sketch and x.

    All that happens in a round is the same in any orthonormal coordinates.  It ends before a row
    that lies near the span of the sketch and those before.
    """
    nothing, done, overflowed = np.empty(0), 0, False
    at_once = rows_at_once(sketch.d, sketch.k)
    while done < len(rounds.labels) and not overflowed:
        part = rounds.part(done, done + at_once)
        space = _space(sketch.state, part.rows(sketch.d), FIRST * sketch.k)
        if not space.count:
            break
        part = part.part(0, space.count)
        small, before = space.sketch(sketch.decay), space.of(x)
        records = part.facts, part.squares, np.empty((0, len(before)))
        chunk = Chunk.of(space.coordinates, part.labels, part.loss, UNKNOWN, *records)
        memory = player.enter(space, small, np.zeros(len(views(small).frame)))
        played, overflowed, after, *sums = player.kernels.rounds(
            chunk, memory, player.settings(), before, *tally, lr, radius, nothing, nothing
        )
        if played or overflowed:
            moved = player.leave(space, x, before, after)
            x = moved if played else x
            sketch.blurred += space.hand_back(small)
        done, tally, size = done + played, Tally(*sums), math.sqrt(inner(x, x))
        x = x * (radius / size) if size > radius else x
        if played < at_once:
            break
    return Progress(done, overflowed, x, tally)


def _space(state, rows, few: int) -> Embedding:
    """Return the space of the first few rows, if they end before one in its span, or of all."""
    if rows.shape[0] > few:
        space = Embedding(state, rows[:few])
        if space.count < few:
            return space
    return Embedding(state, rows)
