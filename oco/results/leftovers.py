"""What a killed writer left in a directory, and how to tell it from what one is writing just now.

A writer holds a shared lock on the directory, which ends with it, however it ends.  Who sweeps asks
for the lock alone: while anybody writes there nothing is taken away.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # a module or nothing: no checker has a word for it

__all__ = ["sweep", "temporary", "writing"]

TEMPORARY = re.compile(r"\.oco-[0-9a-f]{16}\.part")
# Where the system knows no such locks: a file takes seconds to write, not an hour.
ABANDONED_AFTER = 3600.0


def temporary(directory: Path, token: str) -> Path:
    """Return the name of a file that is being written; `token` is of 16 hexadecimal digits."""
    return directory / f".oco-{token}.part"


@contextlib.contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Keep what is written to a directory in the meantime from being swept."""
    with _locked(directory, alone=False):
        yield


def sweep(directory: Path, orphans: Callable[[], list[Path]] | None = None) -> None:
    """Remove the files that killed writers left in a directory, and nothing else.

    Parameters
    ----------
    directory : Path
    orphans : callable, optional
        Returns finished files that belong to nothing; asked again once the directory is locked.
    """
    if not _strays(directory, orphans):
        return
    with _locked(directory, alone=True) as locked:
        for path in _strays(directory, orphans):
            with contextlib.suppress(OSError):
                if locked or time.time() - path.stat().st_mtime > ABANDONED_AFTER:
                    path.unlink()


def _strays(directory: Path, orphans: Callable[[], list[Path]] | None) -> list[Path]:
    try:
        with os.scandir(directory) as entries:
            found = [
                Path(entry.path)
                for entry in entries
                if TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
            ]
    except OSError:
        return []
    return found if orphans is None else found + orphans()


@contextlib.contextmanager
def _locked(directory: Path, alone: bool) -> Iterator[bool]:
    """Hold a directory's lock, and say whether there is one: alone, if nobody else has it."""
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        held = False
        if fcntl is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
                held = True
        yield held
    finally:
        os.close(descriptor)
