"""``oco report``: saved runs as one page."""

from __future__ import annotations

from pathlib import Path

import click

from oco.cli import output
from oco.cli.completion import FILE
from oco.cli.options import OUTPUT, Sectioned, option
from oco.cli.progress import working
from oco.options import WHAT

__all__ = ["report"]


@click.command(cls=Sectioned, short_help="Write one HTML page about saved runs.")
@click.argument("runs", metavar="RUNS", type=FILE)
@option(
    WHAT,
    "--where",
    unit="OPTION=VALUE",
    multiple=True,
    help="Only the runs with this option, as stream=drift; may be given again.",
)
@option(
    OUTPUT,
    "--title",
    unit="TEXT",
    show_default="the study's, or the directory's name",
    help="Its heading.",
)
@option(OUTPUT, "--out", "-o", unit="FILE.html", required=True, help="Where to write it.")
def report(runs, where, title, out) -> None:
    """Write one self-contained HTML file about the runs that were saved in RUNS.

    Figures, tables, configuration and versions, and what was violated or did not finish.  It needs
    no network and can be printed.
    """
    with output.bad_input():
        from oco.cli.plot import choose
        from oco.results.storage import replace_file, require_writable

        target = Path(out)
        if target.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"out: expected a name that ends in .html, got {out!r}")
        require_writable(target.parent)
        from oco.sweeps import Store

        store = Store(runs)
        outcomes = choose(store.outcomes(), where)
        from oco.reports import report as write

        with working("drawing"):
            page = write(outcomes, title or store.title or Path(runs).resolve().name)
        replace_file(target, page.encode("utf-8"))
    faults = sum(bool(outcome.fault) for outcome in outcomes)
    output.say(f"{out}: {len(outcomes)} experiments, {faults} with problems")
