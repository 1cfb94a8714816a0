"""Ctrl-C that is noted now and answered later."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

__all__ = ["Interrupted", "interrupts_noted", "interrupts_put_off"]


class Interrupted:
    """True once an interrupt has come."""

    def __init__(self) -> None:
        self.pending = False

    def __bool__(self) -> bool:
        return self.pending


@contextlib.contextmanager
def interrupts_noted() -> Iterator[Interrupted]:
    """Turn Ctrl-C into a flag, for who looks at it in time; a second one is immediate.

    Yields
    ------
    Interrupted
        In a thread other than the main one, which Ctrl-C is not for, it stays false.

    Examples
    --------
    >>> import signal
    >>> with interrupts_noted() as interrupted:
    ...     signal.raise_signal(signal.SIGINT)
    >>> bool(interrupted)
    True
    """
    flag = Interrupted()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return

    def handle(signum, frame):
        flag.pending = True
        signal.signal(signal.SIGINT, previous)

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, previous)


@contextlib.contextmanager
def interrupts_put_off() -> Iterator[None]:
    """Let a step that must not be cut, such as an import that swallows it, come before Ctrl-C.

    Raises
    ------
    KeyboardInterrupt
        After the step, if one came meanwhile.
    """
    with interrupts_noted() as interrupted:
        yield
    if interrupted:
        raise KeyboardInterrupt
