"""Data files as streams: svmlight text, `.npz` and `.npy` arrays, one row a round."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from scipy import sparse

from oco import checks
from oco.losses.functions import LOGISTIC, Loss
from oco.losses.readers import LARGEST_INDEX, read
from oco.losses.streams import Stream, chunk_rows

__all__ = ["DataFile"]


class DataFile(Stream):
    r"""The rows of a file in their order: features a_t, labels y_t.

    Parameters
    ----------
    path : str or path-like
        ``.npz`` with arrays X (rows × features) and y (rows,); ``.npy`` with one array whose last
        column is the label; any other name is read as svmlight text (also ``.gz``, ``.bz2``), whose
        feature indices count from 1.
    T : int, optional
        How many rows to use; all by default.
    d : int, optional
        What the dimension must come to; not checked by default.
    loss : Loss
        A loss with binary labels takes labels > 0 as +1 and all others as −1.
    bias : bool
        Whether to append a feature that is always 1.
    features : int, optional
        The number of features in the file: needed for an svmlight file in which the last ones never
        occur.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, empty, malformed (with the line), holds a NaN or an infinity (with
        the row), or does not have the shape asked for; the message starts with ``data:`` and names
        the file.

    Notes
    -----
    Nothing is unpickled.  An svmlight file stays sparse and a ``.npy`` file on disk; a chunk at a
    time becomes dense.  `feature_norm` is the largest norm among the rows used.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "two-rows"
    ...     _ = path.write_text("+1 1:3 2:4\n-1 2:1\n")
    ...     stream = DataFile(path=path, bias=True)
    ...     features, labels = next(stream.chunks())
    >>> features
    array([[3., 4., 1.],
           [0., 1., 1.]])
    >>> stream.d, stream.T, round(stream.feature_norm**2)
    (3, 2, 26)
    """

    name = "data"
    default_loss = LOGISTIC.name

    def __init__(
        self,
        *,
        path: str | os.PathLike,
        T: int | None = None,
        d: int | None = None,
        loss: Loss = LOGISTIC,
        bias: bool = False,
        features: int | None = None,
    ) -> None:
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"data: expected the path of a file, got {path!r}")
        self.path = Path(path)
        self.bias = bool(bias)
        if features is not None:
            features = checks.integer("features", features, low=1, high=LARGEST_INDEX)
        self._features, labels = read(self.path, features)
        rows, columns = self._features.shape
        if T is None:
            T = rows
        elif checks.integer("T", T, low=1) > rows:
            raise self._error(f"holds {rows} rows, fewer than T = {T}")
        width = columns + self.bias
        if d is not None and checks.integer("d", d, low=1) != width:
            with_bias = " with the bias" if self.bias else ""
            raise self._error(f"holds {width} features{with_bias}, expected d = {d}")
        self._labels = self._prepared(labels, binary=getattr(loss, "labels", "real") == "binary")
        super().__init__(
            width,
            T,
            feature_norm=np.hypot(self._largest_norm(T), float(self.bias)),
            label_bound=np.max(np.abs(self._labels[:T])),
        )

    def rows(self, start, stop):
        """Return rounds `start` to `stop`."""
        block = self._features[start:stop]
        result = np.ones((stop - start, self.d))
        columns = self._features.shape[1]
        result[:, :columns] = block.toarray() if sparse.issparse(block) else block
        return result, self._labels[start:stop]

    def _prepared(self, labels: np.ndarray, *, binary: bool) -> np.ndarray:
        bad = np.flatnonzero(~np.isfinite(labels))
        if len(bad):
            raise self._error(f"row {bad[0] + 1}: the label is {labels[bad[0]]}")
        if not binary:
            return labels
        positive = labels > 0
        if positive.all() or not positive.any():
            sign = "positive" if positive[0] else "zero or negative"
            raise self._error(
                f"every label is {sign}, a single class; two are needed (labels > 0 are +1)"
            )
        return np.where(positive, 1.0, -1.0)

    def _largest_norm(self, T: int) -> float:
        """Return the largest norm among the first `T` rows, all of which must be finite."""
        largest = 0.0
        step = chunk_rows(self._features.shape[1])
        for start in range(0, T, step):
            block = self._features[start : min(start + step, T)].astype(np.float64)
            values = block.data if sparse.issparse(block) else block
            if not np.isfinite(values).all():
                raise self._not_finite(block, start)
            scale = float(np.max(np.abs(values), initial=0.0))
            if scale:
                # Scaled, so that squares of large entries cannot overflow.
                squares = ((block / scale) ** 2).sum(axis=1)
                largest = max(largest, scale * float(np.sqrt(np.max(squares))))
        return largest

    def _not_finite(self, block, start: int) -> ValueError:
        dense = block.toarray() if sparse.issparse(block) else block
        row, column = np.argwhere(~np.isfinite(dense))[0]
        return self._error(f"row {start + row + 1}: feature {column + 1} is {dense[row, column]}")

    def _error(self, problem: str) -> ValueError:
        return ValueError(f"data: {self.path}: {problem}")

    def __repr__(self) -> str:
        return f"DataFile({str(self.path)!r}, d={self.d}, T={self.T})"
