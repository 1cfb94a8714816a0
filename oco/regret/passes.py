"""Passes over a stream's rounds: the only place that touches the features.

A pass goes chunk by chunk, so the T × d feature matrix need never exist at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy import sparse

from oco.linalg.rounding import ABOVE, SMALLEST, gamma, lengths

__all__ = ["Rounds", "Stretch", "VectorRounds", "rounds_of"]


def rounds_of(stream, stop: int | None = None) -> Rounds:
    """Return the rounds of a stream, whose predictions are vectors where its `outputs` say so.

    Rounds that were read already are taken as they are, if there are as many as asked for.
    """
    if isinstance(stream, Rounds) and stop in (None, len(stream)):
        return stream
    outputs = getattr(stream, "outputs", None)
    return Rounds(stream, stop) if outputs is None else VectorRounds(stream, stop)


class Rounds:
    """The first `stop` rounds of a stream, as linear maps between R^d and R^T.

    Parameters
    ----------
    stream : Stream
        Anything with `d` and a replayable ``chunks(stop)``, labels filled in.
    stop : int or None
        How many rounds; all of them by default.

    Attributes
    ----------
    labels : ndarray of shape (T,)
        y_t.
    norms : ndarray of shape (T,)
        ‖a_t‖, at least.
    summing : float
        γ_n for the n roundings that a term of `combine` can meet.
    spreads : ndarray of shape (d,)
        The root mean square of each feature; 1 for a feature that is always 0.
    shape : tuple of int
        Of all predictions together: (T,).
    curved : bool
        Whether `gram` turns curvatures of the losses into those of their sum.
    """

    curved = True

    def __init__(self, stream, stop: int | None = None) -> None:
        self._stream, self._stop = stream, stop
        self.d = int(stream.d)
        labels, norms, squares = [np.empty(0)], [np.empty(0)], np.zeros(self._width)
        longest = 0
        for chunk, answers in stream.chunks(stop):
            labels.append(answers)
            norms.append(lengths(chunk))
            longest = max(longest, len(answers))
            with np.errstate(over="ignore"):
                squares += _squares(chunk)
        # ABOVE covers the rounding of a norm, which is the root of a sum of squares.
        self.labels, self.norms = np.concatenate(labels), np.concatenate(norms) * ABOVE
        self.summing = gamma(longest + len(norms) + 2)
        usable = (squares > 0) & (squares < np.inf)
        self.spreads = np.sqrt(np.where(usable, squares / max(len(self), 1), 1.0))

    @property
    def _width(self) -> int:
        return self.d

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all predictions: (T,)."""
        return (len(self),)

    def __len__(self) -> int:
        return len(self.labels)

    def chunks(self, stop: int | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Iterate over the first `stop` rounds as the stream does: rounds are a stream too."""
        return self._stream.chunks(self._stop if stop is None else stop)

    def _chunks(self):
        start = 0
        for features, answers in self._stream.chunks(self._stop):
            yield features, slice(start, start + len(answers))
            start += len(answers)

    def predictions(self, x: np.ndarray) -> np.ndarray:
        """Return z_t = ⟨a_t, x⟩, of shape (T,)."""
        z = np.empty(len(self))
        for features, rows in self._chunks():
            if sparse.issparse(features):
                z[rows] = features @ x
            else:
                np.dot(features, x, out=z[rows])
        return z

    def prediction_doubt(self, length) -> np.ndarray:
        """Return how far computed predictions ⟨a_t, x⟩ may be off, of shape (T,).

        Parameters
        ----------
        length : float or ndarray of shape (T,)
            ‖x‖, of one point or of those played.
        """
        seen = (self.norms > 0) & (length > 0)
        underflow = self._width * SMALLEST * seen
        return gamma(self._width + 2) * (self.norms * length * ABOVE) + underflow

    def combine(self, weights: np.ndarray) -> np.ndarray:
        """Return Σ_t w_t a_t, of shape (d,)."""
        total = np.zeros(self.d)
        for features, rows in self._chunks():
            total += weights[rows] @ features
        return total

    def running(self, weights: np.ndarray, checkpoints) -> Iterator[np.ndarray]:
        """Yield Σ_{s≤t} w_s a_s, of shape (d,), for each of the ascending checkpoints t."""
        total, due = np.zeros(self.d), [int(t) for t in checkpoints]
        for features, rows in self._chunks():
            first = rows.start
            for stop in [*(t for t in due if rows.start < t < rows.stop), rows.stop]:
                total += weights[first:stop] @ features[first - rows.start : stop - rows.start]
                first = stop
                if stop in due:
                    yield total.copy()

    def gram(self, weights: np.ndarray) -> np.ndarray:
        """Return Σ_t w_t a_t a_tᵀ, of shape (d, d), for weights ≥ 0."""
        total = np.zeros((self.d, self.d))
        for features, rows in self._chunks():
            used = np.flatnonzero(weights[rows])
            chosen = features[used].toarray() if sparse.issparse(features) else features[used]
            scaled = chosen * np.sqrt(weights[rows][used, None])
            total += scaled.T @ scaled
        return total


class VectorRounds(Rounds):
    """Rounds whose predictions are vectors: maps between X in R^(c×p), flattened, and R^(T×c)."""

    curved = False

    def __init__(self, stream, stop: int | None = None) -> None:
        self.outputs = int(stream.outputs)
        super().__init__(stream, stop)
        self.spreads = np.tile(self.spreads, self.outputs)

    @property
    def _width(self) -> int:
        return self.d // self.outputs

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all predictions: (T, c)."""
        return (len(self), self.outputs)

    def predictions(self, x: np.ndarray) -> np.ndarray:
        """Return z_t = X a_t, of shape (T, c)."""
        z = np.empty(self.shape)
        for features, rows in self._chunks():
            np.dot(features, x.reshape(self.outputs, -1).T, out=z[rows])
        return z

    def combine(self, weights: np.ndarray) -> np.ndarray:
        """Return Σ_t w_t a_tᵀ, flattened to shape (d,), for weights of shape (T, c)."""
        total = np.zeros((self.outputs, self._width))
        for features, rows in self._chunks():
            total += weights[rows].T @ features
        return total.reshape(-1)


class Stretch:
    """Rounds that are kept in memory, as a stream.

    Parameters
    ----------
    features : ndarray or csr_array of shape (n, p)
        a_t.
    labels : ndarray of shape (n,)
        y_t.
    d : int
        Dimension of x.
    outputs : int or None
        Of vectors of predictions.
    """

    def __init__(self, features, labels: np.ndarray, d: int, outputs) -> None:
        self.features, self.labels, self.d, self.outputs = features, labels, d, outputs

    @classmethod
    def of(cls, stream, rounds: int | None, most: int) -> Stretch:
        """Return the first rounds of a stream.

        Raises
        ------
        ValueError
            If the features are more than `most` numbers, or there are none.
        """
        parts: list[tuple[np.ndarray, np.ndarray]] = []
        numbers = 0
        for features, labels in stream.chunks(rounds):
            # Dense ones: sums of sparse rows are.
            numbers += math.prod(features.shape)
            if numbers > most:
                raise ValueError(f"stream: expected features of at most {most:,} numbers, got more")
            parts.append((features.copy(), np.array(labels)))
        if not any(len(labels) for _, labels in parts):
            raise ValueError("stream: expected at least one round, got none")
        rows, answers = zip(*parts, strict=True)
        thin = sparse.issparse(rows[0])
        features = sparse.csr_array(sparse.vstack(rows)) if thin else np.concatenate(rows)
        labels = np.concatenate(answers)
        return cls(features, labels, int(stream.d), getattr(stream, "outputs", None))

    def part(self, start: int, stop: int) -> Stretch:
        """Return the rounds from after `start` to `stop`."""
        return Stretch(self.features[start:stop], self.labels[start:stop], self.d, self.outputs)

    def chunks(self, stop: int | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield everything at once."""
        yield self.features[:stop], self.labels[:stop]


def _squares(features) -> np.ndarray:
    """Return the sum of squares in each column of an array, or CSR array."""
    if sparse.issparse(features):
        return features.multiply(features).sum(axis=0)
    return np.einsum("ij,ij->j", features, features)
