"""Tables of commands as files: the options that ask for them, their paths, and the files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import click

from oco.cli import output
from oco.cli.options import OUTPUT, option, together

__all__ = [
    "export",
    "export_or_fail",
    "export_results",
    "result_options",
    "table_files",
    "table_options",
]

table_options = together(
    option(OUTPUT, "--csv", unit="FILE", help="Write the tables there, as they are printed."),
    option(OUTPUT, "--latex", unit="FILE", help="Write the tables there, for LaTeX with booktabs."),
)
result_options = together(
    option(OUTPUT, "--csv", unit="FILE", help="Write a line for each run there, with all digits."),
    option(OUTPUT, "--latex", unit="FILE", help="Write that table there, for LaTeX with booktabs."),
)


def table_files(**paths: str | None) -> dict[str, Path]:
    """Return the files that tables are to be written to, by the option that names them.

    Raises
    ------
    ValueError
        If one is a directory, or in one that cannot be written to.
    """
    files = {kind: Path(path) for kind, path in paths.items() if path is not None}
    if not files:
        return files
    from oco.results.storage import require_writable

    for kind, path in files.items():
        if path.is_dir():
            raise ValueError(f"{kind}: {str(path)!r} is a directory")
        require_writable(path.parent, kind)
    return files


def export(parts: Iterable, files: dict[str, Path]) -> list[str]:
    """Write the tables among what is printed; return what went wrong."""
    if not files:
        return []
    from oco.results import exports

    sheets = exports.sheets_of(parts)
    made = {"csv": exports.sheets_as_csv, "latex": exports.sheets_as_latex}
    return _written({kind: made[kind](sheets) for kind in files}, files)


def export_or_fail(context: click.Context, parts: Iterable, files: dict[str, Path]) -> None:
    """Write the tables at the end of a command; say what went wrong, and exit with its code."""
    problems = export(parts, files)
    output.errors(problems)
    if problems:
        context.exit(output.FAILED)


def export_results(results: Sequence, files: dict[str, Path]) -> list[str]:
    """Write the results of runs, a line for each; return what went wrong."""
    if not files:
        return []
    from oco.results import exports

    made = {"csv": exports.as_csv, "latex": exports.as_latex}
    return _written({kind: made[kind](results) for kind in files}, files)


def _written(texts: dict[str, str], files: dict[str, Path]) -> list[str]:
    """Write each text to its file, all of it or nothing; return what went wrong."""
    from oco.results.storage import replace_file

    problems: list[str] = []
    for kind, path in files.items():
        problems += output.attempted(partial(replace_file, path, texts[kind].encode()))
    return problems
