"""Data as a stream, a row a round: files of many kinds, and arrays in memory."""

from __future__ import annotations

import os

import numpy as np
from scipy import sparse

from oco import checks
from oco.losses.functions import LOGISTIC, Loss
from oco.losses.in_memory import Rows, rows_of
from oco.losses.labels import prepare
from oco.losses.readers import LARGEST_INDEX, read
from oco.losses.sources import fingerprint, is_pipe
from oco.losses.sparse_rows import SPARSE_CHUNK, piece, prepared, stays_sparse
from oco.losses.streams import Stream, chunk_rows
from oco.notations import Shape

__all__ = ["DataFile"]

# Largest absolute value of a feature: a row's squared length, at most LARGEST_INDEX squares, is
# finite then.
LARGEST_FEATURE = 1e150


class DataFile(Stream):
    r"""The rows of a file in their order: features a_t, labels y_t.

    Parameters
    ----------
    path : str or path-like, or the rows themselves
        ``.npz`` with arrays X (rows × features) and y (rows,), or as `scipy.sparse.save_npz` wrote
        it; ``.npy`` with one array whose last column is the label; CSV and parquet; any other name
        is read as svmlight text, whose feature indices count from 1.  Each may be compressed by
        gzip, bzip2 or xz.  ``-`` is standard input, ``sklearn:iris`` and the like a data set that
        scikit-learn brings along.  Or an array, sparse array or data frame, or a pair (X, y).
    T : int, optional
        How many rows to use; all by default.
    d : int, optional
        What the dimension must come to; not checked by default.
    shape : tuple of int, optional
        (m, n) where x is to be a matrix, with mn = d; (c, p) for class labels, which is not needed.
    loss : Loss
        A loss with binary labels takes exactly two distinct values, the larger as +1; one with
        class labels takes integers, whatever their values, as the c classes in ascending order.
    positive : float or str, optional
        For a loss with binary labels: the label that is +1, where all others are −1.
    label : str, optional
        The labels' column: its name in a CSV or parquet file or a data frame, else its number,
        counted from 1; −1 is the last.
    labels : str or path-like, optional
        Another file with the labels: ``.npy``, or text with one label a line.
    bias : bool
        Whether to append a feature that is always 1.
    features : int, optional
        The number of features in the file: needed for an svmlight file in which the last ones never
        occur.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, empty, malformed (with the line), holds a NaN, an infinity or a
        feature beyond ±1e150 (with the row), or does not have the shape asked for; the message
        starts with ``data:`` and names the file.

    Attributes
    ----------
    classes : ndarray of shape (c,), or None
        The label in the file of each class, of −1 and +1 with binary labels; None where one label
        stands against the rest, or labels are real numbers.

    Notes
    -----
    Nothing is unpickled.  A ``.npy`` file stays on disk.  Sparse rows, of svmlight text and of
    sparse arrays, are played as they are stored where there are more than 1000 features and at most
    a twentieth of all entries is stored, for losses of one prediction; else a chunk at a time
    becomes dense.  `feature_norm` is the largest norm among the rows used.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
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
        positive: float | str | None = None,
        label: str | None = None,
        labels: str | os.PathLike | None = None,
    ) -> None:
        self.bias = bool(bias)
        if features is not None:
            features = checks.integer("features", features, low=1, high=LARGEST_INDEX)
        if isinstance(path, str | os.PathLike):
            self.path = os.fspath(path)
            self._features, found = read(path, features, label=label, labels=labels)
        else:
            if labels is not None:
                raise ValueError(f"labels: expected none beside rows in memory, got {labels!r}")
            given = path if isinstance(path, Rows) else rows_of(path, label)
            self.path, self._features, found = given.name, given.features, given.labels
        rows, columns = self._features.shape
        if 0 in (rows, columns):
            raise self._error(f"holds {rows} rows of {columns} features")
        if features is not None and columns != features:
            raise self._error(f"holds {columns} features, expected features = {features}")
        if T is None:
            T = rows
        elif checks.integer("T", T, low=1) > rows:
            raise self._error(f"holds {rows} rows, fewer than T = {T}")
        kind = getattr(loss, "labels", "real")
        try:
            ready = prepare(found, getattr(loss, "name", "custom"), kind, positive)
        except ValueError as error:
            raise self._error(str(error)) from None
        self._labels, self.classes = ready.values, ready.classes
        self.notes = tuple(filter(None, (self._origin(), ready.note)))
        outputs = None
        if kind == "class" and ready.classes is not None:
            outputs = len(ready.classes)
        self.sparse = outputs is None and stays_sparse(self._features)
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
        if self.sparse:
            self._features = prepared(self._features, self.bias)

    @property
    def kept(self) -> bool:
        """Whether features stay in memory once they are made."""
        return self.sparse or super().kept

    @classmethod
    def supports(cls, loss_name: str) -> bool:
        """Return True."""
        return True

    def rows(self, start, stop):
        """Return rounds `start` to `stop`."""
        block = self._features[start:stop]
        result = np.ones((stop - start, self.width))
        columns = block.shape[1]
        result[:, :columns] = block.toarray() if sparse.issparse(block) else block
        return result, self._labels[start:stop]

    def chunks(self, stop=None):
        """Iterate over the first `stop` rounds, a chunk at a time; sparse rows as CSR arrays."""
        if not self.sparse:
            yield from super().chunks(stop)
            return
        stop = self.T if stop is None else checks.integer("stop", stop, low=0, high=self.T)
        for start in range(0, stop, SPARSE_CHUNK):
            last = min(start + SPARSE_CHUNK, stop)
            yield piece(self._features, start, last), self._labels[start:last]

    def _require_size(self, d: int | None, shape: tuple[int, int] | None) -> None:
        holds = f"holds {self.width} features" + (" with the bias" if self.bias else "")
        if self.outputs is not None:
            holds += f" and {self.outputs} classes"
        if d is not None and checks.integer("d", d, low=1) != self.d:
            raise self._error(f"{holds}, expected d = {d}")
        if shape is None:
            return
        m, n = Shape.read("shape", shape)
        if (self.shape or (m, self.d / m)) != (m, n):
            raise self._error(f"{holds}, expected the shape {m}x{n}")
        self.shape = m, n

    def _origin(self) -> str:
        """Return what a result's reader should know of where the rows came from."""
        if not is_pipe(self.path):
            return ""
        return f"the rows came through a pipe; the SHA-256 of its bytes is {fingerprint(self.path)}"

    def _largest_norm(self, T: int) -> float:
        """Return the largest norm among the first `T` rows, whose features must be in range."""
        largest = 0.0
        thin = sparse.issparse(self._features)
        step = SPARSE_CHUNK if thin else chunk_rows(self._features.shape[1])
        for start in range(0, T, step):
            block = self._features[start : min(start + step, T)].astype(np.float64)
            values = np.asarray(block.data if sparse.issparse(block) else block)
            if not np.all(np.abs(values) <= LARGEST_FEATURE):
                raise self._out_of_range(block, start)
            scale = float(np.max(np.abs(values), initial=0.0))
            if scale:
                # Scaled, so that squares of tiny entries do not vanish; by a division of the
                # entries, for a sparse matrix is multiplied by a reciprocal that may overflow.
                np.divide(values, scale, out=values)
                largest = max(largest, scale * float(np.sqrt(np.max((block**2).sum(axis=1)))))
        return largest

    def _out_of_range(self, block, start: int) -> ValueError:
        if sparse.issparse(block):
            entries = sparse.coo_array(block)
            first = np.flatnonzero(~(np.abs(entries.data) <= LARGEST_FEATURE))[0]
            row, column, value = (part[first] for part in (*entries.coords, entries.data))
        else:
            row, column = np.argwhere(~(np.abs(block) <= LARGEST_FEATURE))[0]
            value = block[row, column]
        limit = f", beyond ±{LARGEST_FEATURE:g}" if np.isfinite(value) else ""
        return self._error(f"row {start + row + 1}: feature {column + 1} is {value}{limit}")

    def _error(self, problem: str) -> ValueError:
        return ValueError(f"data: {self.path}: {problem}")

    def __repr__(self) -> str:
        return f"DataFile({self.path!r}, d={self.d}, T={self.T})"
