"""The rounds that a model has played, kept to say how much it regrets them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from scipy import sparse

from oco.domains import Domain
from oco.linalg.rounding import lengths
from oco.losses.loss import Loss
from oco.losses.streams import chunk_rows
from oco.regret import above, below, best_fixed_point, rounds_of, running_losses

__all__ = ["PlayRecord"]


class PlayRecord:
    """Rows that were played, what was predicted of them, and how long the weights were.

    Parameters
    ----------
    domain : Domain
        K.
    loss : Loss
        φ.
    outputs : int
        Predictions that one label judges.
    intercept : bool
        Whether a row has a constant 1 added.
    """

    def __init__(self, domain: Domain, loss: Loss, outputs: int, intercept: bool) -> None:
        self.domain, self.loss = domain, loss
        self.outputs, self.intercept = outputs, intercept
        self._blocks: list = []
        self._margins: list = []
        self._points: list = []

    def __deepcopy__(self, memo) -> PlayRecord:
        """Return a record that goes on by itself; what it holds is never changed."""
        result = PlayRecord(self.domain, self.loss, self.outputs, self.intercept)
        result._blocks = list(self._blocks)
        return result

    def __len__(self) -> int:
        return sum(len(block[1]) for block in self._blocks)

    def note(self, z: np.ndarray, points: np.ndarray) -> None:
        """Keep predictions, and the lengths of the weights that made them."""
        self._margins.append(z.copy())
        self._points.append(lengths(points))

    def keep(self, rows, labels, order) -> None:
        """Keep the rows, of those numbers, that the predictions noted were of, and their labels."""
        if len(order):
            # Taken by numbers: a copy, as the caller may write to the rows.
            margins, points = np.concatenate(self._margins), np.concatenate(self._points)
            self._blocks.append((rows[order], labels, margins, points))
            self.__dict__.pop("regret", None)
        self._margins, self._points = [], []

    @cached_property
    def regret(self) -> tuple[float, float, float]:
        """Σ φ(⟨a_t, x_t⟩, y_t) less the same of the best fixed weights: at least, at most.

        The third number is how long those may be: infinite where K is bounded, and all of it meant.
        """
        rows, labels, margins, points = (
            [block[i] for block in self._blocks] for i in range(len(self._blocks[0]))
        )
        stream = _Rows(_stacked(rows), np.concatenate(labels), self)
        z, data = np.concatenate(margins), rounds_of(stream)
        doubt = data.prediction_doubt(np.concatenate(points))
        incurred = running_losses(self.loss, z, data.labels, doubt, [len(data)])
        best = best_fixed_point(self.loss, self.domain, data, incurred=float(incurred.value[-1]))
        return (
            float(below(incurred.lower[-1] - best.upper)),
            float(above(incurred.upper[-1] - best.lower)),
            np.inf if best.radius is None else best.radius,
        )


class _Rows:
    """Rows in memory as a stream, a window of them dense at a time."""

    def __init__(self, rows, labels: np.ndarray, record: PlayRecord) -> None:
        self._rows, self._labels = rows, np.asarray(labels, dtype=np.float64)
        self._intercept = record.intercept
        self.outputs = record.outputs if record.outputs > 1 else None
        self.d = record.outputs * (rows.shape[1] + record.intercept)

    def chunks(self, stop: int | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        stop, step = len(self._labels) if stop is None else stop, chunk_rows(self.d)
        for start in range(0, stop, step):
            part = slice(start, min(start + step, stop))
            rows = self._rows[part]
            features = np.ones((rows.shape[0], rows.shape[1] + self._intercept))
            features[:, : rows.shape[1]] = rows.toarray() if sparse.issparse(rows) else rows
            yield features, self._labels[part]


def _stacked(blocks: list):
    """Return blocks of rows as one: sparse if one is."""
    if any(sparse.issparse(block) for block in blocks):
        return sparse.vstack([sparse.csr_array(block) for block in blocks], format="csr")
    return np.concatenate(blocks)
