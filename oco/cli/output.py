"""How a result reaches the user: a table, a JSON object, a figure, and the loud lines."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from oco.texts import shown, shown_json

if TYPE_CHECKING:
    from oco.results import Result

__all__ = [
    "BAD_USAGE",
    "DEBUG",
    "FAILED",
    "INTERRUPTED",
    "BadInput",
    "attempted",
    "bad_input",
    "complain",
    "debugging",
    "errors",
    "finished",
    "loud",
    "one_line",
    "print_document",
    "print_json",
    "print_rich",
    "print_table",
    "printing",
    "say",
]

FAILED, BAD_USAGE, INTERRUPTED = 1, 2, 130
# Where click keeps whether --debug was given.
DEBUG = "oco.debug"
# Width of a table of many columns where no terminal says otherwise.
WIDE = 140
# What became of standard output, if it cannot be written to.
_lost: list[OSError] = []


class BadInput(click.ClickException):
    """One line on standard error, and the exit code of bad usage; with --debug, the traceback."""

    exit_code = BAD_USAGE

    def __init__(self, message: str) -> None:
        super().__init__(message)
        # Asked for now: there is no command any more where it is shown.
        self._debugging = debugging()

    def show(self, file=None) -> None:
        """Print the line."""
        if self._debugging and self.__cause__ is not None:
            click.echo("".join(traceback.format_exception(self.__cause__)), err=True, nl=False)
        super().show(file)


@contextmanager
def bad_input() -> Iterator[None]:
    """Turn what the library says of bad input into one line and the exit code of bad usage."""
    try:
        yield
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise BadInput(one_line(error)) from error
    except MemoryError as error:
        raise BadInput(f"not enough memory: {one_line(error)}") from error


def attempted(action: Callable[[], object]) -> list[str]:
    """Do it; return what went wrong, for the end, when all else has been printed."""
    try:
        action()
    except (OSError, ValueError) as error:
        return [one_line(error)]
    return []


def errors(problems: list[str]) -> None:
    """Say each thing that went wrong."""
    for problem in problems:
        loud(f"Error: {problem}")


def debugging() -> bool:
    """Return whether the command that runs was given --debug."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(DEBUG))


def loud(text: str) -> None:
    """Print a line that must not be missed on standard error."""
    with suppress(OSError):
        click.secho(shown(text), fg="red", bold=True, err=True)


def say(text: str, *, err: bool = False) -> None:
    """Print a line, on standard error if asked; nothing in it is obeyed by a terminal."""
    if err:
        with suppress(OSError):
            click.echo(shown(text), err=True)
        return
    with printing():
        click.echo(shown(text))


@contextmanager
def printing() -> Iterator[None]:
    """Write to standard output; where that fails, go on without it, for there is more to keep."""
    try:
        yield
    except OSError as error:
        _lost.append(error)
        _write_no_more()


def finished(code: int, problem: OSError | None = None) -> int:
    """Return the code to end with, once all that was printed has left.

    One line says it if that cannot be, or else what `problem` ended the command.
    """
    with printing():
        sys.stdout.flush()
    if _lost:
        loud(f"Error: standard output cannot be written to ({_lost[0].strerror or _lost[0]})")
        _lost.clear()
        return code or FAILED
    if problem is not None:
        loud(f"Error: {one_line(problem)}")
    return code


def _write_no_more() -> None:
    """Send what is still in the buffers of standard output nowhere: Python tries it at its end."""
    with suppress(OSError, ValueError):
        number, null = sys.stdout.fileno(), os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)


def one_line(error: BaseException) -> str:
    """Return an exception's message on one line; its type where it has none."""
    return shown(" ".join(str(error).split())) or type(error).__name__


def print_table(result: Result) -> None:
    """Print the result for people: in colour on a terminal, as plain text in a pipe."""
    from oco.results import tables

    print_rich(tables.report(result.experiment, result.summary), width=tables.TEXT_WIDTH)


def print_rich(*parts, width: int = WIDE) -> None:
    """Print tables and texts: in colour on a terminal; in a pipe as plain text of that width."""
    from oco.results.layout import NARROWEST, Screen, line, plain, width_given

    console = Screen()
    if not console.is_terminal:
        asked = width_given(0)
        for part in parts:
            # Whoever asks for no width, a program perhaps, gets a sentence in one line.
            whole = isinstance(part, str) and not asked
            say(part if whole else plain(part, width=asked or width))
        return
    if console.width < NARROWEST:
        console = Screen(width=NARROWEST)
    with printing():
        for part in parts:
            console.print(line(part) if isinstance(part, str) else part)


def print_json(result: Result) -> None:
    """Print the result for programs: the summary, and what it was made with."""
    document = result.document()
    print_document({**document.pop("summary"), **document})


def print_document(content) -> None:
    """Print JSON data for programs."""
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    text = json.dumps(content, indent=1, ensure_ascii=plain, allow_nan=False)
    with printing():
        click.echo(shown_json(text))


def complain(result: Result, shown: bool = False) -> None:
    """Say on standard error what went wrong in a run, if anything.

    A table that was `shown` says how the run ended; on a terminal that is not said twice.
    """
    summary = result.summary
    if summary.traceback and debugging():
        click.echo(summary.traceback, err=True, nl=False)
    if summary.status != "complete" and not (shown and sys.stdout.isatty()):
        hint = " (--debug shows where)" if summary.traceback and not debugging() else ""
        loud(f"{summary.status.upper()}: {summary.message}{hint}")
    for name in summary.violated:
        t = result.trace.t[result.trace.holds[name] < 0]
        loud(
            f"VIOLATED: the regret rose above the bound {name!r} at t = {t[0]}"
            + (f" and {len(t) - 1} more checkpoints" if len(t) > 1 else "")
            + ". A proven bound cannot be violated: this is a bug, or the learner claims a bound "
            "that it does not have."
        )
