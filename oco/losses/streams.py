"""A stream hands out the rounds (a_t, y_t), in chunks, the same ones each time it is asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np

from oco import checks, marks
from oco.losses.softmax import SOFTMAX

__all__ = ["CHUNK", "Recorded", "Stream", "chunk_rows"]

# Rows in a chunk: enough to make the work for each chunk negligible beside that for its rows.
CHUNK = 1024
# The most memory that one chunk of features takes; a huge d gets shorter chunks.
CHUNK_BYTES = 16 << 20
# Streams whose features all fit in this are generated once and kept.
MEMORY = 256 << 20
FLOAT_BYTES = 8


def chunk_rows(d: int) -> int:
    """Return how many rows of `d` numbers make a chunk.

    Examples
    --------
    >>> chunk_rows(1000), chunk_rows(1_000_000)
    (1024, 2)
    """
    return max(1, min(CHUNK, CHUNK_BYTES // (FLOAT_BYTES * d)))


@marks.stream
class Stream(ABC):
    """The rounds t = 1..T of a game: features a_t and labels y_t of losses φ(⟨a_t, x⟩, y_t).

    A stream of one's own subclasses this and defines `rows`.

    Parameters
    ----------
    d : int
        Dimension of x.
    T : int
        Rounds.
    feature_norm : float
        A bound on ‖a_t‖₂.
    label_bound : float
        A bound on |y_t|.
    shape : tuple of int, optional
        (m, n) with mn = d where x is a matrix X, flattened row by row.
    gradient_rank : int, optional
        A bound on the rank of the gradients as m × n matrices.
    outputs : int, optional
        c where a prediction is a vector, z_t = X a_t in R^c with X of shape (c, d/c); labels are
        then numbers 0, 1, …, c − 1 of classes.  By default it is the number ⟨a_t, x⟩.

    Attributes
    ----------
    name : str
        How the command line calls it.
    default_loss : str
        The loss it is played with unless another is asked for.
    width : int
        Length of a_t: d, or d/c.
    notes : tuple of str
        Sentences about the rounds that are shown with a result.
    adaptive : bool
        Whether it sees the learner's prediction before it chooses the label.  Such a stream's
        labels are NaN in `chunks`; the game calls ``answer(z)`` in each round.
    sparse : bool
        Whether features come as CSR arrays, in `chunks` as well.

    Examples
    --------
    >>> class Ramp(Stream):
    ...     def rows(self, start, stop):
    ...         t = np.arange(start, stop, dtype=float)
    ...         return np.tile(t[:, None], self.d) / (self.T * self.d**0.5), np.ones(len(t))
    >>> [features.shape for features, labels in Ramp(3, 2000).chunks()]
    [(1024, 3), (976, 3)]
    """

    name: str = "custom"
    default_loss: str = "linear"
    adaptive: bool = False
    sparse: bool = False
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        d: int,
        T: int,
        *,
        feature_norm: float = 1.0,
        label_bound: float = 1.0,
        shape: tuple[int, int] | None = None,
        gradient_rank: int | None = None,
        outputs: int | None = None,
    ) -> None:
        self.d = checks.integer("d", d, low=1)
        self.shape, self.gradient_rank, self.outputs = shape, gradient_rank, outputs
        self.width = self.d // (outputs or 1)
        self.T = checks.integer("T", T, low=1)
        self.feature_norm = checks.number("feature_norm", feature_norm, low=0)
        self.label_bound = checks.number("label_bound", label_bound, low=0)
        self._kept: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    @classmethod
    def supports(cls, loss_name: str) -> bool:
        """Return whether the stream can be played with that loss."""
        return loss_name != SOFTMAX.name

    @property
    def kept(self) -> bool:
        """Whether features stay in memory once they are made."""
        return self.T * self.width * FLOAT_BYTES <= MEMORY

    @abstractmethod
    def rows(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Return rounds `start` to `stop`, counted from 0.

        The same rounds must come out for any way of cutting 0..T into pieces, in any process.

        Returns
        -------
        features : ndarray of shape (stop − start, width)
        labels : ndarray of shape (stop − start,)
            NaN for an adaptive stream.
        """

    def chunks(self, stop: int | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Iterate over the first `stop` rounds (all T by default), a chunk at a time.

        Yields
        ------
        features : ndarray of shape (n, width)
            C-contiguous, read-only.
        labels : ndarray of shape (n,)
            Read-only.

        Notes
        -----
        A stream whose features take at most ``MEMORY`` bytes is generated once and kept; any other
        is generated again by each pass and held one chunk at a time.
        """
        stop = self.T if stop is None else checks.integer("stop", stop, low=0, high=self.T)
        for start in range(0, stop, chunk_rows(self.d)):
            features, labels = self._chunk(start)
            yield features[: stop - start], labels[: stop - start]

    def _chunk(self, start: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the whole chunk that begins at row `start`, whatever part of it is asked for."""
        if start in self._kept:
            return self._kept[start]
        stop = min(start + chunk_rows(self.d), self.T)
        features, labels = self.rows(start, stop)
        features = np.ascontiguousarray(features, dtype=np.float64)
        labels = np.ascontiguousarray(labels, dtype=np.float64)
        if features.shape != (stop - start, self.width) or labels.shape != (stop - start,):
            raise ValueError(
                f"stream: {self.name} must give features of shape ({stop - start}, {self.width}) "
                f"and labels of shape ({stop - start},) for rows {start} to {stop}, got "
                f"{features.shape} and {labels.shape}"
            )
        # Views are locked, not the arrays: a stream may hand out its own and write to them later.
        features, labels = features.view(), labels.view()
        features.flags.writeable = labels.flags.writeable = False
        if self.kept:
            self._kept[start] = features, labels
        return features, labels

    def __repr__(self) -> str:
        return f"{type(self).__name__}(d={self.d}, T={self.T})"


class Recorded:
    """A stream as it was played: its features, with the labels that really occurred.

    Parameters
    ----------
    stream : Stream
        Where the features come from.
    labels : ndarray of shape (n,)
        The labels of the first n ≤ T rounds; the recording has n rounds.

    Examples
    --------
    >>> from oco.losses import Starve
    >>> recorded = Recorded(Starve(d=2, T=3), np.array([1.0, -1.0]))
    >>> [labels for _, labels in recorded.chunks()]
    [array([ 1., -1.])]
    """

    adaptive = False

    def __init__(self, stream: Stream, labels: np.ndarray) -> None:
        labels = checks.vector("labels", labels, np.size(labels))
        if len(labels) > stream.T:
            raise ValueError(f"labels: expected at most T = {stream.T} of them, got {len(labels)}")
        self.stream, self.labels = stream, labels
        self.name, self.default_loss = stream.name, stream.default_loss
        self.d, self.T, self.outputs = stream.d, len(labels), stream.outputs
        self.sparse = stream.sparse
        self.feature_norm = stream.feature_norm
        self.label_bound = float(np.max(np.abs(labels), initial=0.0))

    def supports(self, loss_name: str) -> bool:
        """Return whether the stream can be played with that loss."""
        return self.stream.supports(loss_name)

    def chunks(self, stop: int | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Iterate over the first `stop` recorded rounds, as `Stream.chunks` does."""
        stop = self.T if stop is None else checks.integer("stop", stop, low=0, high=self.T)
        start = 0
        for features, labels in self.stream.chunks(stop):
            yield features, self.labels[start : start + len(labels)]
            start += len(labels)

    def __repr__(self) -> str:
        return f"Recorded({self.stream!r}, {self.T} labels)"
