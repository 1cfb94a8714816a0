"""How a result reaches the user: a table, a JSON object, a figure, and the loud lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from oco.results import Result

__all__ = [
    "BAD_USAGE",
    "FAILED",
    "INTERRUPTED",
    "BadInput",
    "bad_input",
    "complain",
    "draw",
    "loud",
    "one_line",
    "print_json",
    "print_rich",
    "print_table",
    "require_figure",
]

FAILED, BAD_USAGE, INTERRUPTED = 1, 2, 130
# Width of a table of many columns where no terminal says otherwise.
WIDE = 140
FIGURES = (".pdf", ".png", ".svg")


class BadInput(click.ClickException):
    """One line on standard error, and the exit code of bad usage."""

    exit_code = BAD_USAGE


@contextmanager
def bad_input() -> Iterator[None]:
    """Turn what the library says of bad input into one line and the exit code of bad usage."""
    try:
        yield
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise BadInput(one_line(error)) from None
    except MemoryError as error:
        raise BadInput(f"not enough memory: {one_line(error)}") from None


def loud(text: str) -> None:
    """Print a line that must not be missed on standard error."""
    click.secho(text, fg="red", bold=True, err=True)


def one_line(error: BaseException) -> str:
    """Return an exception's message on one line; its type where it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def print_table(result: Result) -> None:
    """Print the result for people: in colour on a terminal, as plain text in a pipe."""
    from oco.results import tables

    print_rich(tables.report(result.experiment, result.summary), width=tables.TEXT_WIDTH)


def print_rich(*parts, width: int = WIDE) -> None:
    """Print tables and texts: in colour on a terminal; in a pipe as plain text of that width."""
    from rich.console import Console

    from oco.results.layout import NARROWEST, line, plain, width_given

    console = Console()
    if not console.is_terminal:
        asked = width_given(0)
        for part in parts:
            # Whoever asks for no width, a program perhaps, gets a sentence in one line.
            whole = isinstance(part, str) and not asked
            click.echo(part if whole else plain(part, width=asked or width))
        return
    if console.width < NARROWEST:
        console = Console(width=NARROWEST)
    for part in parts:
        console.print(line(part) if isinstance(part, str) else part)


def print_json(result: Result) -> None:
    """Print the result for programs: the summary, and what it was made with."""
    document = result.document()
    content = {**document.pop("summary"), **document}
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    click.echo(json.dumps(content, indent=2, ensure_ascii=plain, allow_nan=False))


def complain(result: Result, shown: bool = False) -> None:
    """Say on standard error what went wrong in a run, if anything.

    A table that was `shown` says how the run ended; on a terminal that is not said twice.
    """
    summary = result.summary
    if summary.status != "complete" and not (shown and sys.stdout.isatty()):
        loud(f"{summary.status.upper()}: {summary.message}")
    for name in summary.violated:
        t = result.trace.t[result.trace.holds[name] < 0]
        loud(
            f"VIOLATED: the regret rose above the bound {name!r} at t = {t[0]}"
            + (f" and {len(t) - 1} more checkpoints" if len(t) > 1 else "")
            + ". A proven bound cannot be violated: this is a bug, or the learner claims a bound "
            "that it does not have."
        )


def require_figure(path: str) -> Path:
    """Return the path of a figure that can be written.

    Raises
    ------
    ValueError
        If its suffix is none of a figure's, or its directory cannot be written to.
    """
    from oco.results.storage import require_writable

    figure = Path(path)
    if figure.suffix.lower() not in FIGURES:
        raise ValueError(f"plot: expected a name that ends in {', '.join(FIGURES)}, got {path!r}")
    if figure.is_dir():
        raise ValueError(f"plot: {path!r} is a directory")
    require_writable(figure.parent, "plot")
    return figure


def draw(result: Result, path: Path) -> None:
    """Write the figure of the regret and its bounds."""
    from oco import plots

    plots.save(plots.regret(result), path)
