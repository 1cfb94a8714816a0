"""A progress bar on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["bar"]


@contextmanager
def bar(description: str, total: int, quiet: bool = False) -> Iterator[Callable[..., None] | None]:
    """Show how much of `total` is done, and an estimate of the time left, on standard error.

    Yields
    ------
    callable or None
        ``advance(done, description)``; None where there is no terminal, or `quiet`.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as progress:
        task = progress.add_task(description, total=total)

        def advance(done: int, description: str | None = None) -> None:
            progress.update(task, completed=done, description=description)

        yield advance
