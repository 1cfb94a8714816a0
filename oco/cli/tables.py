"""Tables of commands as files: the options that ask for them, their paths, and the files."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from oco.cli import output
from oco.cli.options import OUTPUT, option, together

__all__ = ["export", "table_files", "table_options", "write_tables"]

table_options = together(
    option(OUTPUT, "--csv", unit="FILE", help="Write the tables there, as they are printed."),
    option(OUTPUT, "--latex", unit="FILE", help="Write the tables there, for LaTeX with booktabs."),
)


def table_files(**paths: str | None) -> dict[str, Path]:
    """Return the files that tables are to be written to, by the option that names them.

    Raises
    ------
    ValueError
        If one is a directory, or in one that cannot be written to.
    """
    from oco.results.storage import require_writable

    files = {kind: Path(path) for kind, path in paths.items() if path is not None}
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
    return write_tables({kind: made[kind](sheets) for kind in files}, files)


def write_tables(texts: dict[str, str], files: dict[str, Path]) -> list[str]:
    """Write each text to its file, all of it or nothing; return what went wrong."""
    from oco.results.storage import replace_file

    problems: list[str] = []
    for kind, path in files.items():
        problems += output.attempted(partial(replace_file, path, texts[kind].encode()))
    return problems
