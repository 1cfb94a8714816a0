"""Reading data into features and labels, or saying where and why it cannot be read.

Nothing is ever unpickled.
"""

from __future__ import annotations

import os
from typing import IO, TypeAlias

import numpy as np
from scipy import sparse

from oco.archives import physical_memory
from oco.losses import bundled, in_memory
from oco.losses.sources import DAMAGED, Source, source
from oco.losses.streams import FLOAT_BYTES
from oco.losses.svmlight import LARGEST_INDEX, parsed, read_svmlight
from oco.losses.tables import as_labels, numbered, read_csv, read_parquet

__all__ = ["LARGEST_INDEX", "read"]

NPY, NPZ, PARQUET = b"\x93NUMPY", b"PK", b"PAR1"
# What an array or matrix that SciPy saved has among its members.
SPARSE_MEMBERS = {"format", "shape", "data"}

Features: TypeAlias = "np.ndarray | sparse.csr_array"


def read(
    path, features: int | None = None, *, label: str | None = None, labels=None
) -> tuple[Features, np.ndarray]:
    """Return the features, sparse or dense, and the labels of a data file.

    Parameters
    ----------
    path : str or path-like
        Of a ``.npz`` file with arrays X and y, or one that `scipy.sparse.save_npz` wrote; of a
        ``.npy`` or parquet file; of delimited text (``.csv``, ``.tsv``, or any where `label` is
        given); of svmlight text under any other name.  Each may be compressed by gzip, bzip2 or xz.
        ``-`` is standard input, ``sklearn:NAME`` a data set that scikit-learn brings along.
    features : int, optional
        How many features an svmlight file is widened to.
    label : str, optional
        The labels' column: its name in a table, else its number, counted from 1, or −1 for the
        last, which is the default of a ``.npy`` file.
    labels : str or path-like, optional
        Another file with the labels: ``.npy``, ``.npz`` with y, or text with one label a line.

    Returns
    -------
    features : ndarray or csr_array of shape (T, d)
        As stored: real numbers of any type; a ``.npy`` file stays on disk.
    labels : ndarray of shape (T,)
        float64, or texts.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If it takes pyarrow to read it, which is not installed.
    ValueError
        If it cannot be read as such a file.
    """
    name = os.fspath(path)
    if label is not None and labels is not None:
        raise ValueError(f"label: expected none beside labels = {os.fspath(labels)!r}")
    try:
        table, found = _read(name, features, label, labels is not None)
        if labels is not None:
            if found is not None:
                raise ValueError("it holds labels itself; expected none in another file")
            found = _read_labels(os.fspath(labels))
        if found is None:
            raise ValueError(
                "holds no labels: give their column with label, or their file with labels"
            )
        if table.shape[0] != len(found):
            raise ValueError(f"X has {table.shape[0]} rows, y has {len(found)}")
        if table.shape[1] > LARGEST_INDEX:
            raise ValueError(f"expected at most {LARGEST_INDEX} features, got {table.shape[1]}")
    except FileNotFoundError:
        raise
    except ValueError as error:
        raise ValueError(f"data: {name}: {error}") from None
    return table, as_labels(found)


def _read(name: str, features: int | None, label: str | None, apart: bool) -> tuple:
    """Return the features, and the labels unless they are in a file `apart` or not to be found."""
    if bundled.is_bundled(name):
        table, found = bundled.load_bundled(name)
        return table, found if label is None else _no_columns(label)
    if name.startswith(in_memory.PREFIX):
        raise ValueError("was in memory and is stored nowhere: pass the same X and y again")
    origin = source(name)
    kind = _kind(origin, label)
    if kind == "npz":
        return _read_npz(origin, label)
    if kind == "npy":
        return numbered(_read_npy(origin), None if apart else label or "-1")
    if kind == "csv":
        return _read_table(read_csv, origin, label)
    if kind == "parquet":
        return _read_table(read_parquet, origin, label, physical_memory())
    if label is not None:
        _no_columns(label)
    return read_svmlight(origin, features)


def _kind(origin: Source, label: str | None) -> str:
    """Return the kind of a file: by its name where that tells, else by its first bytes."""
    if origin.suffix in (".npz", ".npy", ".csv", ".tsv", ".parquet", ".svm"):
        return {".tsv": "csv"}.get(origin.suffix, origin.suffix[1:])
    for magic, kind in ((NPY, "npy"), (NPZ, "npz"), (PARQUET, "parquet")):
        if origin.head.startswith(magic):
            return kind
    # Svmlight text has no columns that could be named.
    return "svmlight" if label is None else "csv"


def _no_columns(label: str):
    raise ValueError(f"label: a label stands in every row already; expected none, got {label!r}")


def _read_table(reader, origin: Source, *arguments) -> tuple:
    try:
        return reader(origin, *arguments)
    except (MemoryError, *DAMAGED) as error:
        raise ValueError(f"cannot be read ({error})") from None


def _read_npz(origin: Source, label: str | None) -> tuple:
    try:
        with origin.open() as file, _archive(np.load(file, allow_pickle=False)) as archive:
            _require_room(archive)
            if set(archive.files) >= SPARSE_MEMBERS:
                table, labels = _sparse(file), None
            else:
                table = archive["X"]
                labels = archive["y"] if "y" in archive.files else None
    # NumPy, SciPy, zipfile and zlib have a dozen exceptions for damaged files, which mean one thing
    # here.
    except Exception as error:
        raise ValueError(
            f"cannot be read as an .npz file with arrays X and y, or a sparse one ({error})"
        ) from None
    _require_real("X", table, 2)
    if labels is None:
        return numbered(table, label)
    if label is not None:
        _no_columns(label)
    if not isinstance(labels, np.ndarray):
        raise ValueError("y is not an array")
    return table, as_labels(labels, "y")


def _sparse(file: IO[bytes]) -> sparse.csr_array:
    file.seek(0)
    table = sparse.load_npz(file)
    # Conversions trust the indices.
    if table.format in ("csr", "csc", "bsr"):
        table.check_format(full_check=True)
    if table.ndim != 2 or table.shape[0] * FLOAT_BYTES > physical_memory():
        raise ValueError(f"its shape is {table.shape}")
    rows = sparse.csr_array(table)
    rows.sum_duplicates()
    return rows


def _archive(loaded) -> np.lib.npyio.NpzFile:
    if not isinstance(loaded, np.lib.npyio.NpzFile):
        raise ValueError("it holds a single array")
    return loaded


def _require_room(archive: np.lib.npyio.NpzFile) -> None:
    """Refuse an archive that says it unpacks to more than this machine's memory."""
    if archive.zip is None:
        raise ValueError("it is closed")
    unpacked = sum(int(member.file_size) for member in archive.zip.infolist())
    if unpacked > physical_memory():
        raise ValueError(f"it unpacks to {unpacked:,} bytes, more than the memory of this machine")


def _read_npy(origin: Source) -> np.ndarray:
    try:
        if origin.path is None:
            with origin.open() as file:
                table = np.lib.format.read_array(file, allow_pickle=False)
        else:
            # Maps numbers only: it refuses arrays of pickled objects.
            table = np.lib.format.open_memmap(origin.path, mode="r")
    except Exception as error:
        raise ValueError(f"cannot be read as an .npy file ({error})") from None
    _require_real("the array", table, 2)
    if table.shape[1] == 0:
        raise ValueError("the array has no columns; the last one is the label")
    return table


def _require_real(name: str, array, dimensions: int) -> None:
    if not isinstance(array, np.ndarray) and not sparse.issparse(array):
        raise ValueError(f"{name} is not an array")
    if array.ndim != dimensions or array.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} must be {dimensions}-dimensional and of real numbers, "
            f"got shape {array.shape} of {array.dtype}"
        )


def _read_labels(name: str) -> np.ndarray:
    """Return the labels in a file of their own."""
    try:
        origin = source(name)
        if origin.head.startswith(NPZ):
            with origin.open() as file, _archive(np.load(file, allow_pickle=False)) as archive:
                _require_room(archive)
                return as_labels(archive["y"], "y")
        if origin.head.startswith(NPY):
            with origin.open() as file:
                return as_labels(np.lib.format.read_array(file, allow_pickle=False), "the array")
        return _labels_of_lines(origin)
    except FileNotFoundError:
        raise FileNotFoundError(f"labels: {name}: no such file") from None
    except Exception as error:
        raise ValueError(f"labels: {name}: {error}") from None


def _labels_of_lines(origin: Source) -> np.ndarray:
    with origin.open() as file:
        lines = file.read().decode("utf-8-sig").splitlines()
    found = []
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        parts = text.replace(",", " ").split()
        if len(parts) > 1 and all(parsed(float, part) is not None for part in parts):
            raise ValueError(f"line {number}: expected one label, got {len(parts)} numbers")
        if text:
            found.append(text)
    numbers = [parsed(float, text) for text in found]
    return np.array(found if None in numbers else numbers)
