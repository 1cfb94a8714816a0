"""``oco tune``: the best learning rate in hindsight, with the whole curve."""

from __future__ import annotations

import json
from pathlib import Path

import click

from oco.cli import output
from oco.cli.completion import Named, OneOf
from oco.cli.figures import draw, figure_path, plot_option
from oco.cli.options import (
    JSON,
    OUTPUT,
    Sectioned,
    experiment_options,
    jobs_option,
    option,
    overwrite_option,
)
from oco.cli.progress import bar
from oco.cli.tables import export, table_files, table_options
from oco.options import CHECKS, OPTIONS, WHAT

__all__ = ["tune"]

# \b keeps the line breaks.
EXAMPLES = """\b
Examples:
  oco tune --alg s-adagrad --data FILE --k 10 --grid 1e-6:1:49 --radius 10
  oco tune --alg ada-fd --d 50 --k 9 --T 2e3 --grid 0.1:1:5 --deltas 0.1:1:3
"""


@click.command(
    cls=Sectioned, epilog=EXAMPLES, short_help="Find the best learning rate, in hindsight."
)
@option(
    WHAT,
    "--alg",
    "algorithm",
    kind=Named(OPTIONS["algorithm"].names),
    unit="NAME",
    required=True,
    help="The learner.",
)
@option(
    WHAT,
    "--grid",
    unit="FROM:TO:COUNT",
    default="1e-6:1:49",
    help="Rates to try, evenly spaced in the logarithm.",
)
@option(
    WHAT,
    "--deltas",
    unit="FROM:TO:COUNT",
    show_default="--delta alone",
    help="Values of δ to try with each rate.",
)
@experiment_options("tune")
@option(
    CHECKS,
    "--by",
    kind=OneOf(("loss", "regret")),
    default="loss",
    help="What the best rate is chosen by: average loss, or the upper end of the certified regret.",
)
@option(OUTPUT, "--out", unit="FILE.json", help="Save the whole curve there.")
@plot_option("the curve")
@table_options
@JSON
@jobs_option
@overwrite_option
@click.pass_context
def tune(
    context,
    /,
    algorithm,
    grid,
    deltas,
    by,
    out,
    overwrite,
    plot,
    csv,
    latex,
    as_json,
    jobs,
    **options,
) -> None:
    """Run a learner at each rate of a grid; show what every one came to, and the best.

    Rates that diverged are in the table too.  The exit code is 1 if no rate came to an end.
    """
    with output.bad_input():
        from oco.notations import Grid

        rates = Grid.read("grid", grid).values
        tried = None if deltas is None else Grid.read("deltas", deltas).values
        figure, files = figure_path(plot), table_files(csv=csv, latex=latex)
        target = None if out is None else _target(out, overwrite)
        from oco.sweeps import tuning

        with bar("rates", len(rates) * len(tried or [None])) as advance:
            found = tuning.tune(
                algorithm, rates, deltas=tried, by=by, jobs=jobs, progress=advance, **options
            )
    content = tuning.document(found)
    if target is not None:
        with output.bad_input():
            from oco.results.storage import replace_file

            text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
            replace_file(target, text.encode("utf-8", "backslashreplace"))
    from oco.sweeps.presentation import tuning_table

    parts = tuning_table(found)
    if as_json:
        output.print_document(content)
    else:
        output.print_rich(*parts)
    draw(figure, lambda plots: plots.rates([found]))
    problems = export(parts, files)
    output.errors(problems)
    if found.best is None:
        output.loud("FAILED: every rate failed or diverged")
    if problems or found.best is None:
        context.exit(output.FAILED)


def _target(out: str, overwrite: bool) -> Path:
    from oco.results.storage import require_writable

    path = Path(out)
    if path.is_dir():
        raise ValueError(f"out: {out!r} is a directory, expected the name of a file")
    if path.exists() and not overwrite:
        raise ValueError(f"out: {out!r} exists already; overwrite it (--overwrite) or name another")
    require_writable(path.parent)
    return path
