"""A document and its arrays on disk: ``result.json`` and the ``.npz`` that it names.

The arrays are written first and the document, which carries their checksum and its own, is renamed
into place last.  Whenever the writer is killed, a reader finds the old pair, the new one or none.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from oco.archives import read_regular, unpack
from oco.results import leftovers

__all__ = [
    "DOCUMENT",
    "FORMAT",
    "VERSION",
    "read",
    "read_document",
    "replace_file",
    "require_free",
    "require_writable",
    "sealed",
    "tidy",
    "write",
]

DOCUMENT = "result.json"
FORMAT = "oco-result"
VERSION = 1
# 64 bits of the checksum name the arrays' file: enough to tell one result from the next.
NAMED_DIGITS = 16
ARRAYS_NAME = re.compile(rf"trace-[0-9a-f]{{{NAMED_DIGITS}}}\.npz")


def require_writable(directory, name: str = "out") -> Path:
    """Create `directory` if need be and prove that a file can be written there.

    Parameters
    ----------
    directory : str or path-like
        Where results are to go.
    name : str
        The parameter that the error names.

    Raises
    ------
    ValueError
        If it cannot be created or written to; the message says why.

    Notes
    -----
    What a killed writer left half written there is removed.
    """
    directory = Path(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"oco")
    except OSError as error:
        is_file = directory.exists() and not directory.is_dir()
        reason = "it is not a directory" if is_file else error.strerror or str(error)
        raise ValueError(f"{name}: cannot write to {str(directory)!r} ({reason})") from None
    leftovers.sweep(directory)
    return directory


def require_free(directory) -> Path:
    """Prove that a file can be written to `directory`, and that no result is there.

    Parameters
    ----------
    directory : str or path-like
        Created if it is missing.

    Raises
    ------
    ValueError
        If it cannot be written to, or holds a result or a directory of them.
    """
    directory = Path(directory)
    if (directory / DOCUMENT).exists():
        raise ValueError(
            f"out: {str(directory)!r} holds a result already; overwrite it (--overwrite) or "
            "choose another directory"
        )
    if any(directory.glob(f"*/{DOCUMENT}")):
        raise ValueError(
            f"out: {str(directory)!r} holds a directory of runs, which a single result would "
            "hide; choose another"
        )
    return require_writable(directory)


def tidy(directory) -> None:
    """Remove what killed writers left in a directory of one result, orphaned arrays included.

    Those are the arrays of a writer that was killed before, or just after, it wrote the document.
    What another process is writing there just now stays.
    """
    directory = Path(directory)
    leftovers.sweep(directory, lambda: _orphans(directory))


def _orphans(directory: Path) -> list[Path]:
    """Return the arrays files, as their content proves them to be, that no document names."""
    document = directory / DOCUMENT
    found = [path for path in directory.glob("trace-*.npz") if ARRAYS_NAME.fullmatch(path.name)]
    if len(found) <= document.exists():
        return []
    named = _named_arrays(document)
    if named is None and document.exists():
        # Damaged: whoever repairs it may need them.
        return []
    return [path for path in found if path.name != named and _is_arrays_file(path)]


def _is_arrays_file(path: Path) -> bool:
    try:
        content = read_regular(path)
    except (OSError, ValueError):
        return False
    return path.name == _arrays_name(hashlib.sha256(content).hexdigest())


def _arrays_name(digest: str) -> str:
    return f"trace-{digest[:NAMED_DIGITS]}.npz"


def write(directory, document: dict, arrays: dict[str, np.ndarray]) -> Path:
    """Write a document and its arrays, in place of any that were there before.

    Parameters
    ----------
    directory : str or path-like
        Created if it does not exist.
    document : dict
        JSON data without NaN or infinities.
    arrays : dict of str to ndarray
        Of numbers.

    Returns
    -------
    Path
        Of the document.

    Raises
    ------
    ValueError
        If the directory cannot be written to, the document is not strict JSON, or an array holds
        objects, which would have to be pickled.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise ValueError(f"{name}: expected an array of numbers, got {array.dtype}")
    directory = require_writable(directory)
    path = directory / DOCUMENT
    buffer = io.BytesIO()
    # NumPy's types take every keyword for `allow_pickle`.
    named: dict[str, Any] = {**arrays}
    np.savez(buffer, **named)
    packed = buffer.getvalue()
    digest = hashlib.sha256(packed).hexdigest()
    entry = {"file": _arrays_name(digest), "sha256": digest}
    text = sealed(FORMAT, VERSION, {"arrays": entry, **document})
    arrays_path = directory / entry["file"]
    # In one piece: arrays whose document is still to come are no orphans.
    with leftovers.writing(directory):
        before = _named_arrays(path)
        replace_file(arrays_path, packed)
        try:
            replace_file(path, text)
        except BaseException:
            if before != arrays_path.name:
                arrays_path.unlink(missing_ok=True)
            raise
        if before not in (None, arrays_path.name):
            (directory / before).unlink(missing_ok=True)
    return path


def read(path) -> tuple[dict, dict[str, np.ndarray]]:
    """Read back what `write` wrote.

    Parameters
    ----------
    path : str or path-like
        The directory, or the document in it.

    Returns
    -------
    document : dict
    arrays : dict of str to ndarray

    Raises
    ------
    FileNotFoundError
        If there is no document.
    ValueError
        If the document or the arrays are foreign, damaged or of another version.
    """
    path = Path(path)
    if path.is_dir():
        path = path / DOCUMENT
    document = _document(path)
    while True:
        try:
            return document, read_arrays(path, document.get("arrays"))
        except FileNotFoundError:
            # A writer may have replaced the pair between the two reads.
            again = _document(path)
            if again == document:
                name = document["arrays"]["file"]
                raise ValueError(f"{path}: the file {name} that belongs to it is missing") from None
            document = again


def sealed(format_name: str, version: int, content: dict) -> bytes:
    """Return a document with its format and checksum, for `read_document`.

    Raises
    ------
    ValueError
        If the content is not strict JSON.
    """
    document = {"format": format_name, "version": version, **content}
    document = {"checksum": _checksum(document), **document}
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    # A file's name need not be UTF-8: JSON has a way to write the surrogates that stand for it.
    return text.encode("utf-8", "backslashreplace")


def read_document(path: Path, format_name: str, version: int) -> dict:
    """Return a document that `sealed` made, without its checksum.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is foreign, damaged, of another version, or not a regular file.
    """
    try:
        text = read_regular(path)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{path}: no such result") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        document = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: damaged, or not a result of oco: {error}") from None
    if not isinstance(document, dict) or document.get("format") != format_name:
        raise ValueError(f"{path}: not a result of oco")
    if document.get("version") != version:
        raise ValueError(
            f"{path}: written in version {document.get('version')!r} of the format; "
            f"this release reads version {version}"
        )
    checksum = document.pop("checksum", None)
    if checksum != _checksum(document):
        raise ValueError(f"{path}: damaged: its content does not match its checksum")
    return document


def _document(path: Path) -> dict:
    return read_document(path, FORMAT, VERSION)


def read_arrays(path: Path, entry: Any) -> dict[str, np.ndarray]:
    sound = isinstance(entry, dict) and {"file", "sha256"} <= entry.keys()
    if not sound or not isinstance(entry["file"], str):
        raise ValueError(f"{path}: does not name its arrays file")
    name = entry["file"]
    if not ARRAYS_NAME.fullmatch(name):
        raise ValueError(f"{path}: names an arrays file {name!r} that oco would not write")
    try:
        packed = read_regular(path.parent / name)
    except PermissionError as error:
        raise ValueError(f"{path.parent / name}: cannot be read ({error.strerror})") from None
    if hashlib.sha256(packed).hexdigest() != entry["sha256"]:
        raise ValueError(f"{path.parent / name}: damaged: it does not match its checksum")
    try:
        return unpack(packed)
    except ValueError as error:
        raise ValueError(f"{path.parent / name}: not the arrays of a result ({error})") from None


def _refuse(token: str):
    raise ValueError(f"{token} is not JSON")


def _checksum(content: dict) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _named_arrays(path: Path) -> str | None:
    """Return the arrays file that a document already at `path` names, if it is sound."""
    try:
        name = _document(path)["arrays"]["file"]
    except (ValueError, OSError, LookupError, TypeError):
        return None
    return name if ARRAYS_NAME.fullmatch(name) else None


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader, or a power cut, sees all of it or nothing."""
    temporary = leftovers.temporary(path.parent, secrets.token_hex(8))
    with leftovers.writing(path.parent):
        try:
            with open(temporary, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    # Only some systems can open a directory; elsewhere the rename is as durable as it gets.
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
