"""Tables whose columns have names: CSV and parquet files, and data frames in memory."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

import numpy as np

from oco.extras import missing
from oco.losses.sources import Source
from oco.losses.svmlight import BOM, LONGEST_LINE, parsed

__all__ = ["as_labels", "from_frame", "numbered", "read_csv", "read_parquet"]

DELIMITERS = ",;\t"
WHOLE = re.compile(r"-?[0-9]+")
# Columns that a message lists.
LISTED = 20

Split = tuple[np.ndarray, np.ndarray | None]


def read_csv(source: Source, label: str | None) -> Split:
    """Return the features and labels of delimited text.

    Parameters
    ----------
    source : Source
        Text in UTF-8, delimited by commas, semicolons or tabs.
    label : str or None
        Name or number of the labels' column; None if the labels are elsewhere.

    Notes
    -----
    The first line holds the names of the columns, unless an entry of it is a number and none is the
    name asked for: columns are then numbered from 1.
    """
    pyarrow = _pyarrow("pyarrow.csv")
    lines, first = _first_line(source)
    delimiter = max(DELIMITERS, key=first.count)
    if delimiter not in first:
        raise ValueError(
            "has no columns that could be named: there is no comma, semicolon or tab in its first "
            "line; in svmlight text the label stands first in every row"
        )
    names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
    headed = label in names or not any(parsed(float, name) is not None for name in names)
    if not headed:
        names = [str(i + 1) for i in range(len(names))]
    _require_distinct(names)
    with source.open() as file:
        table = pyarrow.read_csv(
            file,
            pyarrow.ReadOptions(column_names=names, skip_rows=lines if headed else lines - 1),
            pyarrow.ParseOptions(delimiter=delimiter),
        )
    columns = [table.column(i).to_numpy() for i in range(len(names))]
    return _split(names, columns, label if headed or label is None else _number(label, len(names)))


def read_parquet(source: Source, label: str | None, room: float) -> Split:
    """Return the features and labels of a parquet file, read in batches; `room` bytes at most."""
    pyarrow = _pyarrow("pyarrow.parquet")
    with source.open() as file:
        stored = pyarrow.ParquetFile(file)
        facts = stored.metadata
        unpacked = facts.num_rows * facts.num_columns * np.dtype(np.float64).itemsize
        if unpacked > room:
            raise ValueError(
                f"it unpacks to {unpacked:,} bytes, more than the memory of this machine"
            )
        if not facts.num_rows:
            raise ValueError("holds 0 rows")
        names = list(stored.schema_arrow.names)
        _require_distinct(names)
        features, labels, start = np.empty((0, 0)), [], 0
        for batch in stored.iter_batches():
            columns = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
            some, answers = _split(names, columns, label, start)
            if start == 0:
                features = np.empty((facts.num_rows, some.shape[1]))
            features[start : start + len(some)] = some
            labels += [] if answers is None else [answers]
            start += len(some)
    return features, np.concatenate(labels) if labels else None


def from_frame(frame, label: str | None) -> Split:
    """Return the features and labels of a data frame (pandas, polars): columns by their names."""
    keys = list(frame.columns)
    names = [str(key) for key in keys]
    _require_distinct(names)
    return _split(names, [np.asarray(frame[key]) for key in keys], label)


def numbered(table, label: str | None) -> Split:
    """Return the features and labels of an array, dense or sparse, by the number of a column."""
    if label is None:
        return table, None
    width = table.shape[1]
    column = int(_number(label, width)) - 1
    others = [i for i in range(width) if i != column]
    labels = table[:, [column]]
    labels = labels.toarray() if hasattr(labels, "toarray") else np.asarray(labels)
    # A slice leaves a mapped array where it is.
    if column in (0, width - 1):
        return table[:, others[0] : others[-1] + 1] if others else table[:, :0], labels[:, 0]
    return table[:, others], labels[:, 0]


def as_labels(values, name: str = "labels") -> np.ndarray:
    """Return labels as float64, or as texts where they are texts.

    Raises
    ------
    ValueError
        If they are neither, or not one-dimensional.
    """
    if np.ma.isMaskedArray(values) and np.ma.is_masked(values):
        raise ValueError(f"{name}: entries are masked; expected a label for every row")
    labels = np.asarray(values)
    if labels.ndim != 1:
        raise ValueError(f"{name} must be 1-dimensional, got shape {labels.shape}")
    if labels.dtype.kind in "fiub":
        return labels.astype(np.float64)
    if labels.dtype.kind in "UTO" and all(isinstance(value, str) for value in labels.tolist()):
        return labels.astype(str)
    if labels.dtype.kind == "O":
        return _numbers(name, labels)
    raise ValueError(f"{name} must be real numbers or texts, got {labels.dtype}")


def _split(
    names: Sequence[str], columns: Sequence[np.ndarray], label: str | None, start: int = 0
) -> Split:
    """Return features and labels of some rows, before which there are `start` others."""
    if label is None:
        chosen = None
    elif label in names:
        chosen = names.index(label)
    elif WHOLE.fullmatch(label) and 1 <= abs(int(label)) <= len(names):
        chosen = int(_number(label, len(names))) - 1
    else:
        shown = ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
        raise ValueError(f"label: there is no column {label!r}; the columns are {shown}")
    others = [i for i in range(len(names)) if i != chosen]
    features = np.empty((len(columns[0]) if columns else 0, len(others)))
    for j, i in enumerate(others):
        features[:, j] = _numbers(f"column {names[i]!r}", columns[i], start)
    return features, None if chosen is None else _labels(names[chosen], columns[chosen], start)


def _labels(name: str, values: np.ndarray, start: int) -> np.ndarray:
    missing = [i for i, value in enumerate(_entries(values)) if value is None or value != value]
    if missing:
        raise ValueError(f"row {start + missing[0] + 1}: the label in column {name!r} is missing")
    return as_labels(values, f"column {name!r}")


def _entries(values: np.ndarray) -> list:
    """Return the entries as Python's own, but dates as NumPy's, which are no integers."""
    return list(values) if values.dtype.kind in "mM" else values.tolist()


def _numbers(where: str, values: np.ndarray, start: int = 0) -> np.ndarray:
    """Return a column as float64; its first entry that is missing or no number is named."""
    if values.dtype.kind in "fiub":
        numbers = values.astype(np.float64)
    else:
        numbers = np.empty(len(values))
        entries = [np.nan if value is None else value for value in _entries(values)]
        others = [i for i, value in enumerate(entries) if not isinstance(value, float | int)]
        if others:
            # Of texts, one that does not read as a number says more.
            told = [i for i in others if not _reads_as_number(entries[i])]
            row = (told or others)[0]
            raise ValueError(
                f"row {start + row + 1}: {where} is {entries[row]!r}, expected a number"
            )
        numbers[:] = entries
    missing = np.flatnonzero(np.isnan(numbers))
    if len(missing):
        raise ValueError(f"row {start + missing[0] + 1}: {where} is missing, or not a number")
    return numbers


def _reads_as_number(value) -> bool:
    return isinstance(value, str) and parsed(float, value) is not None


def _number(label: str, width: int) -> str:
    """Return the number, counted from 1, of a column that has no name; −1 is the last."""
    number = int(label) if WHOLE.fullmatch(label) else 0
    if not 1 <= abs(number) <= width:
        raise ValueError(
            f"label: columns have no names: expected a number from 1 to {width}, or from -1 for "
            f"the last to -{width}, got {label!r}"
        )
    return str(number if number > 0 else width + 1 + number)


def _first_line(source: Source) -> tuple[int, str]:
    """Return the first line that is not blank, and its number."""
    with source.open() as file:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            try:
                text = (line.removeprefix(BOM) if number == 1 else line).decode("utf-8").strip()
            except UnicodeDecodeError:
                raise ValueError(f"line {number}: is not UTF-8 text") from None
            if text:
                return number, text
    raise ValueError("holds 0 rows")


def _require_distinct(names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"two columns are called {name!r}")
        seen.add(name)


def _pyarrow(module: str):
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError(f"data: CSV and parquet files: {missing('pyarrow')}") from None
