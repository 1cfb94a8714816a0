"""Files that this package wrote, read with care: regular ones only, nothing made before it fits.

A document may name any file and a header claim any size.  What is read here neither waits for a
device or a pipe nor asks for more memory than the file itself takes.
"""

from __future__ import annotations

import io
import math
import os
import stat
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

__all__ = [
    "npy_header",
    "physical_memory",
    "read_regular",
    "require_regular",
    "require_shape",
    "unpack",
]

HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def require_regular(path) -> os.stat_result:
    """Return the status of a file that is neither a directory nor a device, a pipe or a socket.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is none.
    ValueError
        If it is something else.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path}: not a regular file")
    return status


def read_regular(path) -> bytes:
    """Return the content of a regular file.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, ValueError
        As `require_regular` does; ValueError also if it is larger than the memory.
    """
    size = require_regular(path).st_size
    if size > physical_memory():
        raise ValueError(f"{path}: its {size:,} bytes are more than the memory of this machine")
    return Path(path).read_bytes()


def physical_memory() -> float:
    """Return the bytes of memory that this machine has, or infinity where it does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return math.inf


def npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return what an ``.npy`` file says of its array: shape, whether columns come first, dtype.

    Raises
    ------
    ValueError
        If it is no such file, or of a version that is for fields with names alone.
    """
    version = np.lib.format.read_magic(file)
    if version not in HEADERS:
        raise ValueError(f"version {version} of the .npy format")
    try:
        return HEADERS[version](file)
    # NumPy lets through what Python's tokenizer and parser raise for a damaged header.
    except Exception as error:
        raise ValueError(str(error)) from None


def unpack(packed: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of an ``.npz`` file that `numpy.savez` wrote: uncompressed, of numbers.

    Parameters
    ----------
    packed : bytes
        Its content.

    Raises
    ------
    ValueError
        If it holds anything else, or claims to hold more than its own size.

    Examples
    --------
    >>> buffer = io.BytesIO()
    >>> np.savez(buffer, x=np.arange(3.0))
    >>> unpack(buffer.getvalue())
    {'x': array([0., 1., 2.])}
    """
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise ValueError("its arrays are compressed")
            if sum(member.file_size for member in members) > len(packed):
                raise ValueError("it claims to hold more than its size")
            return {m.filename.removesuffix(".npy"): _array(archive, m) for m in members}
    # What zipfile raises for foreign files; a member that is encrypted is a RuntimeError.
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ValueError(str(error)) from None


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    name = member.filename
    with archive.open(member) as file:
        try:
            shape, columns_first, dtype = npy_header(file)
        except ValueError as error:
            raise ValueError(f"{name!r} is not an array ({error})") from None
        if dtype.hasobject:
            raise ValueError(f"{name!r} holds objects")
        content = file.read()
    if math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(f"{name!r} claims the shape {shape}, which is not what it holds")
    # Bytes cannot be written to: a copy can.
    flat = np.frombuffer(content, dtype=dtype) if content else np.empty(0, dtype=dtype)
    return flat.reshape(shape, order="F" if columns_first else "C").copy()


def require_shape(name: str, array: np.ndarray, shape: tuple[int | None, ...], kind: str) -> None:
    """Refuse an array of another shape or kind of numbers than it should have.

    Parameters
    ----------
    name : str
        What the error calls it.
    array : ndarray
    shape : tuple of int or None
        None for an axis of any length.
    kind : {"f", "i"}
        Of its dtype: real numbers or whole ones.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> require_shape("x", np.zeros(3), (4,), "f")
    Traceback (most recent call last):
    ...
    ValueError: x: expected real numbers of shape (4,), got float64 of shape (3,)
    """
    fits = len(shape) == array.ndim and all(
        wanted in (None, found) for wanted, found in zip(shape, array.shape, strict=True)
    )
    # An array of nothing has whatever type it was made with.
    if not fits or (array.size and array.dtype.kind != kind):
        numbers = {"f": "real", "i": "whole"}[kind]
        wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape)
        wanted += ",)" if len(shape) == 1 else ")"
        raise ValueError(
            f"{name}: expected {numbers} numbers of shape {wanted}, "
            f"got {array.dtype} of shape {array.shape}"
        )
