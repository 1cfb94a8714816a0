"""Where the bytes of a data file come from: a file, compressed or not, a pipe, standard input."""

from __future__ import annotations

import atexit
import bz2
import gzip
import hashlib
import lzma
import os
import stat
import sys
import tempfile
import weakref
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

__all__ = ["DAMAGED", "STDIN", "Source", "fingerprint", "is_pipe", "source"]

STDIN = "-"
Opener = Callable[[], AbstractContextManager[IO[bytes]]]
# Bytes of a pipe that are kept in memory, with the rest in a temporary file; and the most in all.
PIPE_MEMORY, PIPE_LIMIT = 64 << 20, 4 << 30
BLOCK = 1 << 20
FROM_PIPE = "came through the pipe: save them to a file"
# How a compressed file begins, whatever its name.
COMPRESSED: dict[bytes, Callable] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
# The first bytes of files that no reader here can use, and what the user can do about each.
HOPELESS = {
    b"version https://git-lfs": "is a git-lfs pointer, not the file itself: run 'git lfs pull'",
    b"\x28\xb5\x2f\xfd": "is compressed by Zstandard: decompress it first",
    b"\xff\xfe": "is UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "is UTF-16 text: save it as UTF-8",
}
SUFFIXES = (".gz", ".bz2", ".xz")
# What decompression raises for damaged or truncated data.
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError)
# What was read from pipes, by device and inode: a pipe can be read once, a stream is read again.
_spooled: dict[tuple, IO[bytes]] = {}


@dataclass(frozen=True)
class Source:
    """The bytes of a data file.

    Attributes
    ----------
    name : str
        As the user wrote it.
    path : Path or None
        Of a file that is not compressed, so that it can be mapped.
    suffix : str
        Of the name, in lower case, without that of a compression; empty for a pipe.
    head : bytes
        The first bytes, decompressed.
    """

    name: str
    path: Path | None
    suffix: str
    head: bytes
    _raw: Opener
    _decompress: Callable | None

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the bytes from the beginning, decompressed; they can be read again and again."""
        with ExitStack() as stack:
            file = stack.enter_context(self._raw())
            yield file if self._decompress is None else stack.enter_context(self._decompress(file))

    def unpacked(self) -> Source:
        """Return the same bytes where they can be sought in: a compressed file is unpacked once.

        Raises
        ------
        ValueError
            If it unpacks to more than 4 GiB, or is damaged.
        """
        if self._decompress is None:
            return self
        try:
            with self.open() as file:
                spool = _copied(file, "come out of the compressed file: unpack it first")
        except DAMAGED as error:
            raise ValueError(f"cannot be read ({error})") from None
        made = Source(self.name, None, self.suffix, self.head, partial(_rewound, spool), None)
        weakref.finalize(made, spool.close)
        return made


def source(name) -> Source:
    """Return the bytes of the file, pipe or (``-``) standard input called `name`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is a directory, a device, empty, or of a kind that nothing here reads.

    Notes
    -----
    A pipe is read once, up to 4 GiB, and kept as long as the process runs: its first 64 MiB in
    memory, the rest in a temporary file without a name.
    """
    name = os.fspath(name)
    try:
        return _source(name)
    except FileNotFoundError:
        raise
    except DAMAGED as error:
        raise ValueError(f"cannot be read ({error})") from None


def _source(name: str) -> Source:
    if name != STDIN and not os.path.exists(name):
        raise FileNotFoundError(f"data: {name}: no such file")
    regular = name != STDIN and os.path.isfile(name)
    raw: Opener = partial(_file, name) if regular else _reopened(name)
    with raw() as file:
        start = file.read(max(map(len, HOPELESS)))
    if not start:
        raise ValueError("the file is empty" if regular else "nothing came through the pipe")
    for magic, problem in HOPELESS.items():
        if start.startswith(magic):
            raise ValueError(problem)
    suffix = Path(name).suffix.lower() if regular else ""
    if suffix in SUFFIXES:
        suffix = Path(Path(name).stem).suffix.lower()
    for magic, decompress in COMPRESSED.items():
        if start.startswith(magic):
            made = Source(name, None, suffix, b"", raw, decompress)
            with made.open() as file:
                head = file.read(16)
            return Source(name, None, suffix, head, raw, decompress)
    return Source(name, Path(name) if regular else None, suffix, start[:16], raw, None)


def _file(name: str) -> IO[bytes]:
    return open(name, "rb")


def _reopened(name: str) -> Opener:
    """Return what opens the content of a pipe again from its beginning."""
    return partial(_rewound, _spool(name))


@contextmanager
def _rewound(spool: IO[bytes]) -> Iterator[IO[bytes]]:
    spool.seek(0)
    yield spool


def _spool(name: str) -> IO[bytes]:
    if name == STDIN:
        key: tuple = (STDIN,)
    else:
        status = os.stat(name)
        if not (stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode)):
            kind = "directory" if stat.S_ISDIR(status.st_mode) else "device"
            raise ValueError(f"is not a file: it is a {kind}")
        key = status.st_dev, status.st_ino
    if key not in _spooled:
        if name == STDIN:
            if sys.stdin is None or sys.stdin.isatty():
                raise ValueError("standard input is a terminal; expected a file or a pipe")
            _spooled[key] = _copied(sys.stdin.buffer, FROM_PIPE)
        else:
            with open(name, "rb") as pipe:
                _spooled[key] = _copied(pipe, FROM_PIPE)
        atexit.register(_spooled[key].close)
    return _spooled[key]


def _copied(pipe: IO[bytes], otherwise: str) -> IO[bytes]:
    spool = tempfile.SpooledTemporaryFile(max_size=PIPE_MEMORY)  # noqa: SIM115 - it stays open
    taken = 0
    with ExitStack() as failing:
        failing.callback(spool.close)
        while block := pipe.read(BLOCK):
            taken += len(block)
            if taken > PIPE_LIMIT:
                raise ValueError(f"more than {PIPE_LIMIT >> 30} GiB {otherwise}")
            spool.write(block)
        failing.pop_all()
    return spool


def is_pipe(name: str) -> bool:
    """Return whether a name is that of a pipe or of standard input: it can be read once."""
    if name == STDIN:
        return True
    try:
        mode = os.stat(name).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def fingerprint(name: str) -> str:
    """Return the SHA-256 of a file's bytes as they are stored, or of a pipe's that was read.

    Raises
    ------
    OSError
        If it is neither.
    """
    raw: Opener = partial(_file, name)
    if not os.path.isfile(name):
        status = None if name == STDIN else os.stat(name)
        key = (STDIN,) if status is None else (status.st_dev, status.st_ino)
        if key not in _spooled:
            raise OSError(f"data: {name}: is not a file, and was not read")
        raw = _reopened(name)
    content = hashlib.sha256()
    with raw() as file:
        while block := file.read(BLOCK):
            content.update(block)
    return content.hexdigest()
