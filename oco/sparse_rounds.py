"""Rounds with sparse rows: in kernels that pay for entries, or made dense, a few at a time."""

from __future__ import annotations

import time

from oco.algorithms.fused import KernelPlayer
from oco.algorithms.sparse_chunks import ROUNDS, SparseChunk
from oco.losses.kernels import UNKNOWN
from oco.losses.sparse_rows import piece
from oco.losses.streams import chunk_rows
from oco.rounds import Log, VectorLog

__all__ = ["SparseLog", "log_for", "plays_sparse"]


def plays_sparse(learner) -> bool:
    """Tell whether a learner has kernels for sparse rows on its domain."""
    return isinstance(learner, KernelPlayer) and learner.plays_sparse


def log_for(stream) -> type[Log]:
    """Return what records the rounds of a stream.

    Examples
    --------
    >>> from oco.losses import STREAMS
    >>> log_for(STREAMS["stochastic"](d=3, T=5)).__name__
    'Log'
    """
    if stream.outputs is not None:
        return VectorLog
    return SparseLog if stream.sparse else Log


class SparseLog(Log):
    """The record of a play with sparse rows.

    What no kernel plays at the cost of its entries, because of the learner, the loss or the domain,
    goes the way of dense rows, a few at a time; so does any round in which something is not finite.
    """

    def chunk(self, features, labels, answer, diagnose, interrupted) -> None:
        """Play the rounds of one chunk."""
        known = self.codes[0] != UNKNOWN and answer is None
        known = known and (self.points.hold is None or self.points.clipped)
        quick, few, done = known and plays_sparse(self.learner), chunk_rows(self.learner.d), 0
        while done < len(labels) and not interrupted:
            due = self._due() - self.t
            most = min(ROUNDS, due if due > 0 else ROUNDS) if quick else few
            stop = min(done + most, len(labels))
            if quick:
                done += self._in_kernel(piece(features, done, stop), labels[done:stop], diagnose)
                stop = min(done + 1, stop)
            if done < stop:
                dense = piece(features, done, stop).toarray()
                super().chunk(dense, labels[done:stop], answer, diagnose, interrupted)
                done = stop
        self.points.check(self.t)

    def _in_kernel(self, features, labels, diagnose) -> int:
        """Play rounds as far as a kernel goes; return how many."""
        started = time.perf_counter() - self.seconds
        now = slice(self.t, self.t + len(labels))
        records = self.facts[now], self.points.squares[now]
        rounds = SparseChunk.of(features, labels, self.codes[0], *records)
        try:
            played, error = self.learner.play_sparse(rounds)
            self.t += played
            self.points.kept(self.t, self.learner.x)
            if self.t == self._due():
                self._see(diagnose, started)
        finally:
            self.seconds = time.perf_counter() - started
        if error is not None:
            raise error
        return played
