"""Who is told when kernels are being compiled; loads nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Watcher", "tell", "watched"]

Watcher = Callable[[bool, str], None]

_watchers: list[Watcher] = []


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Have it told when kernels are compiled because they are not found on disk.

    Parameters
    ----------
    watcher : callable
        Called as ``watcher(True, "")`` before numba compiles a kernel with all that it calls, and
        as ``watcher(False, problem)`` afterwards; the problem says why the compiled kernels could
        not be kept on disk, and is empty if they were.

    Examples
    --------
    >>> with watched(lambda begins, problem: print(begins, problem)):
    ...     tell(False, "No space left on device")
    False No space left on device
    """
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def tell(begins: bool, problem: str = "") -> None:
    """Tell whoever watches that compilation begins or has ended."""
    for watcher in _watchers:
        watcher(begins, problem)
