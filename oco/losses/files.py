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
    shape : tuple of int, optional
        (m, n) where x is to be a matrix, with mn = d; (c, p) for class labels, which is not needed.
    loss : Loss
        A loss with binary labels takes labels > 0 as +1 and all others as −1; one with class labels
        takes integers, whatever their values, as the c classes in ascending order.
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

    Attributes
    ----------
    classes : ndarray of shape (c,), or None
        The label in the file of each class.

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
        shape: tuple[int, int] | None = None,
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
        self._labels, self.classes = self._prepared(labels, getattr(loss, "labels", "real"))
        outputs = None if self.classes is None else len(self.classes)
        width = columns + self.bias
        super().__init__(
            width * (outputs or 1),
            T,
            feature_norm=np.hypot(self._largest_norm(T), float(self.bias)),
            label_bound=np.max(np.abs(self._labels[:T])),
            shape=None if outputs is None else (outputs, width),
            gradient_rank=None if outputs is None else 1,
            outputs=outputs,
        )
        self._require_size(d, shape)

    @classmethod
    def supports(cls, loss_name: str) -> bool:
        """Return True."""
        return True

    def rows(self, start, stop):
        """Return rounds `start` to `stop`."""
        block = self._features[start:stop]
        result = np.ones((stop - start, self.width))
        columns = self._features.shape[1]
        result[:, :columns] = block.toarray() if sparse.issparse(block) else block
        return result, self._labels[start:stop]

    def _require_size(self, d: int | None, shape: tuple[int, int] | None) -> None:
        holds = f"holds {self.width} features" + (" with the bias" if self.bias else "")
        if self.outputs is not None:
            holds += f" and {self.outputs} classes"
        if d is not None and checks.integer("d", d, low=1) != self.d:
            raise self._error(f"{holds}, expected d = {d}")
        if shape is None:
            return
        m, n = checks.pair("shape", shape)
        if (self.shape or (m, self.d / m)) != (m, n):
            raise self._error(f"{holds}, expected the shape {m}x{n}")
        self.shape = m, n

    def _prepared(self, labels: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the labels as the loss takes them, and what stood for each class, if any."""
        bad = np.flatnonzero(~np.isfinite(labels))
        if len(bad):
            raise self._error(f"row {bad[0] + 1}: the label is {labels[bad[0]]}")
        if kind == "class":
            return self._classified(labels)
        if kind != "binary":
            return labels, None
        positive = labels > 0
        if positive.all() or not positive.any():
            sign = "positive" if positive[0] else "zero or negative"
            raise self._error(
                f"every label is {sign}, a single class; two are needed (labels > 0 are +1)"
            )
        return np.where(positive, 1.0, -1.0), None

    def _classified(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        fractional = np.flatnonzero(labels != np.rint(labels))
        if len(fractional):
            row = fractional[0]
            raise self._error(f"row {row + 1}: expected an integer as class, got {labels[row]}")
        classes, numbers = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise self._error(f"every label is {classes[0]:g}, a single class; two are needed")
        return numbers.astype(np.float64), classes

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
