"""What is being done, live on a terminal: a line for each phase; nothing in a pipe."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from oco.cli import output

__all__ = ["bar", "phases", "working"]

# Narrow enough for a terminal of 60 columns.
BAR = 10


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
    with _live() as progress:
        task = progress.add_task(description, total=total, note="")

        def advance(done: int, description: str | None = None) -> None:
            progress.update(task, completed=done, description=description, note=_count(done, total))

        yield advance


@contextmanager
def working(description: str) -> Iterator[None]:
    """Show that something is being done whose end is not known."""
    if not sys.stderr.isatty():
        yield
        return
    with _live() as progress:
        progress.add_task(description, total=None, note="")
        yield


@contextmanager
def phases(quiet: bool = False) -> Iterator[Callable[..., None]]:
    """Show each phase of an experiment while it lasts, and say what Ctrl-C leads to.

    Yields
    ------
    callable
        The ``watch(phase, **detail)`` of `oco.experiment.phases`; `who`, a further detail, tells
        several experiments apart.
    """
    from oco.experiment.phases import CUT_SHORT, unwatched

    if quiet:
        yield unwatched
        return
    if not sys.stderr.isatty():
        # Without a terminal only Ctrl-C is answered.
        yield (
            lambda phase, *, who="", done=None, **detail: (
                output.say(_cut_short(who, done), err=True) if phase == CUT_SHORT else None
            )
        )
        return
    with _live() as progress:
        tasks: dict[str, int] = {}

        def watch(phase: str, *, who: str = "", done=None, total=None, gap=None, target=None):
            name = f"{who}: {phase}" if who else phase
            if phase == CUT_SHORT:
                for task in tasks.values():
                    progress.update(task, visible=False)
                progress.console.print(_cut_short(who, done), style="yellow", highlight=False)
                return
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=None, note="")
            note = _count(done, total) if gap is None else _gap(gap, target)
            progress.update(
                tasks[name],
                total=total,
                completed=done or 0,
                note=note,
                visible=done is None or done != total,
            )

        yield watch


def _cut_short(who: str, rounds: int) -> str:
    where = f"{who}: " if who else ""
    return (
        f"{where}interrupted after round {rounds:,}; certifying these rounds (Ctrl-C again leaves "
        "that out)"
    )


def _count(done: int | None, total: int | None) -> str:
    return "" if done is None or total is None else f"{done:,}/{total:,}"


def _gap(gap: float, target: float) -> str:
    return f"gap {gap:.2g}, to be {target:.2g}" if math.isfinite(gap) else "no gap yet"


def _live():
    """Return the lines that stand on a terminal for what is under way."""
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
    from rich.text import Text

    from oco.results.layout import Screen

    class Clock(ProgressColumn):
        """The time left where that can be told, else the time so far."""

        def render(self, task):
            known = task.total and task.completed and task.time_remaining is not None
            seconds = task.time_remaining if known else task.elapsed or 0
            minutes, seconds = divmod(math.ceil(seconds), 60)
            return Text(f"{minutes}:{seconds:02}" + " left" * bool(known), style="cyan")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(BAR),
        TextColumn("{task.fields[note]}", markup=False),
        Clock(),
        console=Screen(stderr=True),
        transient=True,
    )
