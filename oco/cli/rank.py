"""``oco rank``: the sketch size that given gradients need."""

from __future__ import annotations

import click

from oco.cli import output
from oco.cli.completion import FILE
from oco.cli.figures import draw, figure_path, plot_option
from oco.cli.options import OUTPUT, Sectioned, option
from oco.cli.progress import bar
from oco.cli.tables import export, table_files, table_options
from oco.options import WHAT

__all__ = ["rank"]

# As `oco.ranks.LARGEST`, which is not loaded for a line of help.
SHOWN = "128, or d+1 if less"


@click.command(cls=Sectioned, short_help="Say which sketch size gradients need.")
@click.argument("gradients", metavar="GRADIENTS.npy", type=FILE)
@option(
    WHAT,
    "--target",
    kind=float,
    default=1.1,
    help="Largest acceptable ratio of S-AdaGrad's regret bound to full-matrix AdaGrad's, above 1.",
)
@option(
    WHAT,
    "--error",
    kind=float,
    help="In place of --target: the largest share of the mass that k - 1 directions may miss.",
)
@option(
    WHAT,
    "--k-max",
    kind=int,
    show_default=SHOWN,
    help="Size of the one sketch that is made: it answers for all sizes up to its own.",
)
@option(
    WHAT,
    "--dask",
    unit="ADDRESS",
    help="Sketch on the workers of the Dask scheduler at this address; they must see the file.",
)
@plot_option("the answer")
@table_options
@option(OUTPUT, "--json", "as_json", is_flag=True, help="Print one JSON object, with every k.")
@click.pass_context
def rank(context, /, gradients, target, error, k_max, dask, plot, csv, latex, as_json) -> None:
    """Say which sketch size S-AdaGrad needs on gradients like those in a file.

    The file is an array of shape (T, d), one gradient a row; it may be larger than memory, for one
    pass in O(d·K) memory is made over it, and compressed, or a pipe (- is standard input).  What is
    printed is proven from that one sketch, as brackets.  The exit code is 1 if no
    size up to K is proven to meet the target.
    """
    with output.bad_input():
        from oco import checks, ranks

        checks.number("target", target, above=1)
        if error is not None:
            checks.number("error", error, above=0, below=1)
        file = ranks.GradientFile(gradients)
        k_max = min(ranks.LARGEST, file.d + 1) if k_max is None else k_max
        checks.integer("k_max", k_max, low=2, high=file.d + 1)
        figure, files = figure_path(plot), table_files(csv=csv, latex=latex)
        with bar("rows", file.rows) as advance:
            if dask is None:
                sketch = ranks.sketch_file(file, k_max, advance)
            else:
                sketch = ranks.sketch_on_cluster(file, k_max, dask)
        advice = ranks.advise(sketch, target, error=error)
    from oco.ranks import presentation

    parts = presentation.tables(advice, gradients)
    if as_json:
        output.print_document(presentation.document(advice))
    else:
        output.print_rich(*parts)
        say = output.loud if advice.recommended is None else output.say
        say(presentation.conclusion(advice))
    draw(figure, lambda plots: plots.advice(advice))
    problems = export(parts, files)
    output.errors(problems)
    if problems or advice.recommended is None:
        context.exit(output.FAILED)
