"""``oco compare``: several learners on the same losses."""

from __future__ import annotations

from functools import partial

import click

from oco.cli import output
from oco.cli.completion import Named
from oco.cli.figures import draw, figure_path, plot_option
from oco.cli.options import JSON, OUTPUT, Sectioned, experiment_options, option
from oco.cli.progress import phases
from oco.cli.tables import export_results, result_options, table_files
from oco.options import OPTIONS, WHAT

__all__ = ["compare"]

# \b keeps the line breaks.
EXAMPLES = """\b
Example:
  oco compare --alg ogd --alg s-adagrad --d 300 --k 20 --T 5000 --plot r.svg
"""


@click.command(
    cls=Sectioned,
    epilog=EXAMPLES,
    short_help="Set learners side by side on one stream.",
    several={"": "'oco sweep' takes several values of it"},
)
@option(
    WHAT,
    "--alg",
    "algorithms",
    kind=Named(OPTIONS["algorithm"].names),
    unit="NAME",
    multiple=True,
    required=True,
    help="A learner, as of 'oco run'; once for each.",
)
@experiment_options("compare")
@option(
    OUTPUT, "--out", unit="DIR", help="Save the results there, for 'oco plot' and 'oco report'."
)
@plot_option("regret and bounds")
@result_options
@JSON
@click.pass_context
def compare(context, /, algorithms, out, plot, csv, latex, as_json, **options) -> None:
    """Run several learners against the same stream and set them side by side.

    They run one after the other, so that their times can be compared.  One that fails does not stop
    the others.  The exit code is 1 if one failed or violated a bound.
    """
    with output.bad_input():
        from oco.sweeps.comparing import prepare_comparison

        files = table_files(csv=csv, latex=latex)
        games = prepare_comparison(algorithms, out=out, **options)
        figure = figure_path(plot)
    results, problems = _played(games, out)
    if as_json:
        documents = [result.document() for result in results]
        lines = [{**document.pop("summary"), **document} for document in documents]
        output.print_document(lines)
    else:
        _print(results)
    if results:
        problems += output.attempted(lambda: draw(figure, lambda plots: plots.learners(results)))
    problems += export_results(results, files)
    _conclude(context, results, problems, shown=not as_json)


def _played(games: list, out: str | None) -> tuple[list, list[str]]:
    from oco.experiment import perform
    from oco.sweeps import Outcome, Store

    results: list = []
    problems: list[str] = []
    with phases() as watch:
        while games:
            game = games.pop(0)
            result = perform(game, watch=partial(watch, who=game.experiment.algorithm))
            results.append(result)
            if out is not None:
                outcome = Outcome(game.experiment, result)
                problems += output.attempted(partial(Store(out).save, outcome))
            if result.summary.status == "interrupted":
                break
    return results, problems


def _print(results: list) -> None:
    from oco.results.comparison import overview

    output.print_rich(*overview(results))


def _conclude(context, results: list, problems: list[str], shown: bool) -> None:
    for result in results:
        output.complain(result, shown)
    output.errors(problems)
    statuses = {result.summary.status for result in results}
    if "interrupted" in statuses:
        context.exit(output.INTERRUPTED)
    if problems or "failed" in statuses or any(result.violated for result in results):
        context.exit(output.FAILED)
