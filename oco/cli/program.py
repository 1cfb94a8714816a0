"""The command line as a process: its streams, its signals, the code that it ends with."""

from __future__ import annotations

import _thread
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from oco.cli import output
from oco.texts import shown

__all__ = ["Program"]

# Signals that ask a process to end, where the system has them.
ENDING = ("SIGTERM", "SIGHUP")
# After how many seconds an interrupt that was lost is repeated.
SOON = 0.05
SHOW_CURSOR = "\x1b[?25h"
# No terminal has a width or a height outside this range.
SIZES = range(1, 10_000)


class Program(click.Group):
    """The commands, in the order in which a newcomer needs them, and what ends them all."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names as they were added."""
        return list(self.commands)

    def main(self, *args: Any, standalone_mode: bool = True, **settings: Any) -> Any:
        """Run a command and, in standalone mode, end the process."""
        settings["standalone_mode"] = False
        if not standalone_mode:
            return super().main(*args, **settings)
        _open_streams()
        _forget_impossible_sizes()
        with _ended_by_signals(), _no_interrupt_lost():
            problem = None
            try:
                code = super().main(*args, **settings)
            except click.Abort:
                code = output.INTERRUPTED
            except click.ClickException as error:
                # What it quotes may be anything.
                vars(error)["message"] = shown(error.message)
                error.show()
                code = error.exit_code
            except OSError as error:
                code, problem = output.FAILED, error
            sys.exit(output.finished(code if isinstance(code, int) else 0, problem))

    def invoke(self, context: click.Context):
        """Run a command; Ctrl-C where nothing else is made of it ends it here."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            output.loud("INTERRUPTED")
            context.exit(output.INTERRUPTED)


def _open_streams() -> None:
    """Give a stream that was closed by the caller a place, which no other file shall get.

    Standard output can then be opened but not written to, which is noticed like a full disk.
    """
    for number, name, mode in ((1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, mode)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))


def _forget_impossible_sizes() -> None:
    """Take out of the environment what says that the terminal has a size that none has."""
    for name in ("COLUMNS", "LINES"):
        given = os.environ.get(name)
        if given is None:
            continue
        if not (given.isascii() and given.isdecimal() and len(given) < 9 and int(given) in SIZES):
            del os.environ[name]


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let the signals that end this process end its workers too, at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}
    for name in ENDING:
        number = getattr(signal, name, None)
        # What was ignored from the start, as by nohup, stays ignored.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            before[number] = signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _no_interrupt_lost() -> Iterator[None]:
    """Repeat an interrupt that met a destructor, where Python only reports and forgets it."""
    before = sys.unraisablehook

    def again(unraisable) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            before(unraisable)
            return
        # Not here: what is raised by this function is forgotten too.
        repeat = threading.Timer(SOON, _interrupt)
        repeat.daemon = True
        repeat.start()

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = before


def _interrupt() -> None:
    """Send Ctrl-C to the main thread, whatever it waits for."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:  # Windows
        _thread.interrupt_main()


def _end(number: int, frame) -> None:
    for worker in multiprocessing.active_children():
        worker.terminate()
    if sys.stderr.isatty():
        # What is live on the terminal hides it.
        os.write(sys.stderr.fileno(), SHOW_CURSOR.encode())
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
