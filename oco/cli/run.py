"""``oco run``: one experiment, every bound checked."""

from __future__ import annotations

from functools import partial

import click

from oco.cli import output
from oco.cli.collector import loading
from oco.cli.figures import figure_path, plot_option
from oco.cli.options import (
    JSON,
    OUTPUT,
    Sectioned,
    experiment_options,
    option,
    overwrite_option,
)
from oco.cli.progress import phases
from oco.cli.tables import export_results, result_options, table_files

__all__ = ["run"]

# \b keeps the line breaks.
EXAMPLES = """\b
Examples:
  oco run --alg s-adagrad --d 1000 --k 20 --T 10000
  oco run --alg full-adagrad --loss hinge --spectrum exp:0.9 --d 200 --T 5000
  oco run --alg s-shampoo --shape 256x128 --k 16 --T 2000
  oco run --alg s-adagrad --data FILE --k 10 --lr 0.1 --domain unconstrained
  oco run --alg my_module:my_learner --d 100 --T 10000 --out results
"""


SEVERAL = {
    "algorithm": "'oco compare' takes several learners",
    "lr": "'oco tune' takes a grid of rates",
    "": "'oco sweep' takes several values of it",
}


@click.command(cls=Sectioned, epilog=EXAMPLES, several=SEVERAL)
@experiment_options("run")
@overwrite_option
@option(
    OUTPUT,
    "--out",
    unit="DIR",
    help="Save the result there; 'oco show DIR' and oco.load_result read it.",
)
@plot_option("regret and bounds")
@result_options
@JSON
@option(OUTPUT, "--quiet", is_flag=True, help="Print nothing but what went wrong.")
@click.pass_context
def run(context, /, out, overwrite, plot, csv, latex, as_json, quiet, **options) -> None:
    """Run one experiment, certify the regret and check every bound.

    The exit code is 0; 1 if a bound was violated or the run failed; 2 for bad input; 130 after
    Ctrl-C, which keeps what was computed so far.
    """
    try:
        options |= {"out": out, "overwrite": overwrite}
        game, files = _prepared(options, plot, csv=csv, latex=latex)
        with phases(quiet) as watch:
            from oco.experiment import perform

            result = perform(game, watch=watch)
            problems = _written(result, out, plot, watch) + export_results([result], files)
    except MemoryError as error:
        raise output.BadInput(f"not enough memory: {output.one_line(error)}") from None
    except KeyboardInterrupt:
        output.say("interrupted; nothing was kept", err=True)
        context.exit(output.INTERRUPTED)
    if as_json:
        output.print_json(result)
    elif not quiet:
        output.print_table(result)
        if out is not None and not problems:
            output.say(f"\nsaved in {out}", err=True)
    output.complain(result, shown=not (as_json or quiet))
    output.errors(problems)
    if problems or result.violated or result.summary.status == "failed":
        context.exit(output.FAILED)
    if result.summary.status == "interrupted":
        context.exit(output.INTERRUPTED)


def _prepared(options: dict, plot: str | None, **tables: str | None):
    """Return the game and the files of its tables, all checked; bad input ends the program here."""
    with output.bad_input(), loading():
        from oco.experiment import prepare

        game = prepare(**options)
        figure_path(plot)
        files = table_files(**tables)
    return game, files


def _written(result, out: str | None, plot: str | None, watch) -> list[str]:
    """Save and draw; return what went wrong, so that the result is still printed."""

    def draw(path: str) -> None:
        from oco import plots

        plots.save(plots.regret(result), path)

    problems = []
    for phase, path, write in (("saving", out, result.save), ("drawing", plot, draw)):
        if path is not None:
            watch(phase)
            problems += output.attempted(partial(write, path))
            watch(phase, done=1, total=1)
    return problems
