"""Reading a data file into features and labels, or saying where and why it cannot be read.

Nothing is ever unpickled.
"""

from __future__ import annotations

import bz2
import gzip
import math
import os
import zlib
from pathlib import Path

import numpy as np
from scipy import sparse

from oco.losses.streams import FLOAT_BYTES

__all__ = ["LARGEST_INDEX", "physical_memory", "read"]

# A dense row of more features than this takes more than 64 MB; an index above it is far more
# likely a damaged file than a real feature.
LARGEST_INDEX = (64 << 20) // FLOAT_BYTES
# How much of a bad word is quoted in a message.
QUOTED = 40

Features = np.ndarray | sparse.csr_array


def read(path: Path, features: int | None = None) -> tuple[Features, np.ndarray]:
    """Return the features, sparse or dense, and the labels in the file at `path`.

    Parameters
    ----------
    path : Path
        ``.npz``, ``.npy`` or, under any other name, svmlight text.
    features : int, optional
        How many features the file must hold; an svmlight file is widened to it.

    Returns
    -------
    features : ndarray or csr_array of shape (T, d)
        As stored: real numbers of any type; a ``.npy`` file stays on disk.
    labels : ndarray of shape (T,)
        float64.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be read as such a file.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(f"data: {path}: no such file")
    if not os.path.isfile(path):
        raise ValueError(f"data: {path}: is not a file")
    if path.stat().st_size == 0:
        raise ValueError(f"data: {path}: the file is empty")
    reader = {".npz": _read_npz, ".npy": _read_npy}.get(path.suffix.lower(), _read_svmlight)
    table, labels = reader(path, features)
    rows, columns = table.shape
    if rows == 0 or columns == 0:
        raise ValueError(f"data: {path}: holds {rows} rows of {columns} features")
    if features is not None and columns != features:
        raise ValueError(f"data: {path}: holds {columns} features, expected features = {features}")
    return table, np.asarray(labels, dtype=np.float64)


def _read_npz(path: Path, features: int | None) -> tuple[Features, np.ndarray]:
    try:
        with path.open("rb") as file, _archive(np.load(file, allow_pickle=False)) as archive:
            _require_room(archive)
            X, y = archive["X"], archive["y"]
    # NumPy, zipfile and zlib have a dozen exceptions for damaged files, which mean one thing here.
    except Exception as error:
        raise ValueError(
            f"data: {path}: cannot be read as an .npz file with arrays X and y ({error})"
        ) from None
    _require_real(path, "X", X, 2)
    _require_real(path, "y", y, 1)
    if len(X) != len(y):
        raise ValueError(f"data: {path}: X has {len(X)} rows, y has {len(y)}")
    return X, y


def _archive(loaded) -> np.lib.npyio.NpzFile:
    if not isinstance(loaded, np.lib.npyio.NpzFile):
        raise ValueError("it holds a single array")
    return loaded


def _require_room(archive: np.lib.npyio.NpzFile) -> None:
    """Refuse an archive that says it unpacks to more than this machine's memory."""
    unpacked = sum(member.file_size for member in archive.zip.infolist())
    if unpacked > physical_memory():
        raise ValueError(f"it unpacks to {unpacked:,} bytes, more than the memory of this machine")


def physical_memory() -> float:
    """Return the bytes of memory that this machine has, or infinity where it does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return math.inf


def _read_npy(path: Path, features: int | None) -> tuple[Features, np.ndarray]:
    try:
        # Maps numbers only: it refuses arrays of pickled objects.
        table = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:
        raise ValueError(f"data: {path}: cannot be read as an .npy file ({error})") from None
    _require_real(path, "the array", table, 2)
    if table.shape[1] == 0:
        raise ValueError(f"data: {path}: the array has no columns; the last one is the label")
    return table[:, :-1], table[:, -1]


def _require_real(path: Path, name: str, array: np.ndarray, dimensions: int) -> None:
    if not isinstance(array, np.ndarray):
        raise ValueError(f"data: {path}: {name} is not an array")
    if array.ndim != dimensions or array.dtype.kind not in "fiub":
        raise ValueError(
            f"data: {path}: {name} must be {dimensions}-dimensional and of real numbers, "
            f"got shape {array.shape} of {array.dtype}"
        )


def _read_svmlight(path: Path, features: int | None) -> tuple[Features, np.ndarray]:
    # Imported here: scikit-learn takes half a second to load, and only these files need it.
    from sklearn.datasets import load_svmlight_file

    try:
        # Indices from 1 always: guessing would read one file differently from its first rows.
        table, labels = load_svmlight_file(str(path), zero_based=False)
        if table.shape[1] > LARGEST_INDEX:
            raise ValueError("a feature index is too large")
    except (ValueError, OverflowError, OSError, EOFError, zlib.error) as error:
        raise ValueError(f"data: {path}: {_first_fault(path) or error}") from None
    if features is not None and features > table.shape[1]:
        table.resize(table.shape[0], features)
    return sparse.csr_array(table), labels


def _first_fault(path: Path) -> str | None:
    """Return what is wrong with the first malformed line of an svmlight file, with its number."""
    opened = {".gz": gzip.open, ".bz2": bz2.open}.get(path.suffix.lower(), open)
    try:
        with opened(path, "rb") as lines:
            for number, line in enumerate(lines, start=1):
                fault = _fault(line.split(b"#", 1)[0].split())
                if fault:
                    return f"line {number}: {fault}"
    except (OSError, EOFError, zlib.error):
        return None
    return None


def _fault(words: list[bytes]) -> str | None:
    """Return what keeps the words of a line from being ``label index:value ...``, if anything."""
    if not words:
        return None
    label, *entries = words
    if _parsed(float, label) is None:
        return f"the label {_quoted(label)} is not a number"
    previous = 0
    for entry in entries:
        index, colon, value = entry.partition(b":")
        if not colon:
            return f"expected index:value, got {_quoted(entry)}"
        if index == b"qid":
            continue
        index = _parsed(int, index)
        if index is None or _parsed(float, value) is None:
            return f"expected index:value, got {_quoted(entry)}"
        if not 1 <= index <= LARGEST_INDEX:
            return f"feature indices run from 1 to {LARGEST_INDEX}, got {_quoted(entry)}"
        if index <= previous:
            return f"feature indices must increase, got {index} after {previous}"
        previous = index
    return None


def _parsed(kind: type, word: bytes):
    try:
        return kind(word)
    except ValueError:
        return None


def _quoted(word: bytes) -> str:
    text = word.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= QUOTED else text[:QUOTED] + "…")
