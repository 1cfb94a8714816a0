"""What a terminal shows while kernels are compiled, which is seconds of silence otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click

from oco.cli import output
from oco.linalg.compilation import watched

__all__ = ["announced"]

MESSAGE = "compiling kernels, once for this version: ~%d s"
# A run of S-AdaGrad's, on one core of a machine of today.
SECONDS = 15


@contextmanager
def announced() -> Iterator[None]:
    """Say it on a terminal's standard error when kernels are compiled, and when they are not kept.

    Nothing is shown where standard error is no terminal, nor of a command that was asked to be
    quiet.
    """
    with ExitStack() as shown:

        def watcher(begins: bool, problem: str) -> None:
            context = click.get_current_context(silent=True)
            if not sys.stderr.isatty() or (context and context.params.get("quiet")):
                return
            shown.close()
            if begins:
                shown.enter_context(_spinner(MESSAGE % SECONDS))
            elif problem:
                output.say(
                    f"the compiled kernels are not kept ({problem}): the next command will compile "
                    "them again",
                    err=True,
                )

        with watched(watcher):
            yield


@contextmanager
def _spinner(text: str) -> Iterator[None]:
    """Show a text and that something moves; above what is live on the terminal, if anything is."""
    from rich.file_proxy import FileProxy

    from oco.results.layout import Screen

    if isinstance(sys.stderr, FileProxy):
        output.say(text, err=True)
        yield
    else:
        with Screen(stderr=True).status(text):
            yield
