"""Rows that are in memory already: arrays, sparse arrays, data frames, with their labels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from oco.losses.streams import chunk_rows
from oco.losses.tables import as_labels, from_frame, numbered

__all__ = ["PREFIX", "Rows", "rows_of"]

PREFIX = "memory:"
# 64 bits of the hash: enough to tell one array from the next.
DIGITS = 16


@dataclass(frozen=True, eq=False)
class Rows:
    """Features and labels in memory.

    Attributes
    ----------
    features : ndarray or csr_array of shape (T, d)
        Of real numbers, as given.
    labels : ndarray of shape (T,)
        float64, or texts.
    name : str
        What a result says of them: ``memory:``, their shape, and the first 64 bits of the SHA-256
        of all their values.
    """

    features: np.ndarray | sparse.csr_array
    labels: np.ndarray
    name: str


def rows_of(data, label: str | None = None) -> Rows:
    """Return features and labels that are given as objects.

    Parameters
    ----------
    data : tuple, ndarray, sparse array or data frame
        A pair (X, y) with X any of the others; or one of them that holds the labels too.
    label : str, optional
        The labels' column: a name in a data frame, else a number counted from 1, where -1 is the
        last, which is the default for a dense array.

    Raises
    ------
    TypeError, ValueError
        If they are something else, not real, or do not fit together.

    Examples
    --------
    >>> rows = rows_of((np.eye(2), ["a", "b"]))
    >>> rows.labels.tolist(), rows.name
    (['a', 'b'], 'memory:2x2:d81893aebc958545')
    """
    if data is None or isinstance(data, bytes | int | float):
        raise TypeError(
            "data: expected the path of a file, an array, a data frame or a pair (X, y), "
            f"got {data!r}"
        )
    if isinstance(data, tuple):
        if len(data) != 2:
            raise TypeError(f"data: expected a pair (X, y), got a tuple of {len(data)}")
        if label is not None:
            raise ValueError(f"label: expected none beside y, got {label!r}")
        features, labels = _features(data[0], None)[0], data[1]
    else:
        features, labels = _features(data, label, last=True)
    if sparse.issparse(labels):
        raise TypeError("y: expected a dense array, got a sparse one")
    labels = as_labels(labels, "y")
    if features.shape[0] != len(labels):
        raise ValueError(f"X has {features.shape[0]} rows, y has {len(labels)}")
    rows, columns = features.shape
    return Rows(features, labels, f"{PREFIX}{rows}x{columns}:{_hash(features, labels)}")


def _features(data, label: str | None, last: bool = False) -> tuple:
    """Return the features, and the labels among them where `label` or `last` says so."""
    if np.ma.isMaskedArray(data) and np.ma.is_masked(data):
        raise ValueError("X: entries are masked; expected a number in each")
    if sparse.issparse(data):
        table = sparse.csr_array(data)
        table.check_format(full_check=True)
        if not table.has_canonical_format:
            table = table.copy()
            table.sum_duplicates()
    elif hasattr(data, "columns") and hasattr(data, "__getitem__"):
        if last and label is None:
            raise ValueError(
                "label: not given, and a data frame needs it: the name of the labels' column, or "
                "the pair (X, y)"
            )
        return from_frame(data, label)
    else:
        table = np.asarray(data)
    if table.ndim != 2 or table.dtype.kind not in "fiub":
        raise TypeError(
            f"X: expected a 2-dimensional array of real numbers, got {type(data).__name__} "
            f"of shape {table.shape} and {table.dtype}"
        )
    if last and label is None:
        if sparse.issparse(data):
            raise ValueError("label: not given, and a sparse array needs it, or the pair (X, y)")
        label = "-1"
    return numbered(table, label)


def _hash(features, labels: np.ndarray) -> str:
    """Return the beginning of the hash of all values, whatever the type of their numbers."""
    content = hashlib.sha256()
    if sparse.issparse(features):
        for part in (features.indptr, features.indices):
            content.update(part.astype("<i8").tobytes())
        content.update(features.data.astype("<f8").tobytes())
    else:
        step = chunk_rows(max(1, features.shape[1]))
        for start in range(0, features.shape[0], step):
            content.update(features[start : start + step].astype("<f8").tobytes())
    text = labels.dtype.kind == "U"
    content.update("\0".join(labels).encode() if text else labels.astype("<f8").tobytes())
    return content.hexdigest()[:DIGITS]
