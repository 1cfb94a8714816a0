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

# As in `oco.ranks`, which is not loaded for a line of help: of rows, and of layers.
TARGET, ERROR = 1.1, 0.1
SHOWN = "128, or d+1 if less; 64 for layers"
# \b keeps the line breaks.
EXAMPLES = """\b
Examples:
  oco rank gradients.npy --target 1.1
  oco rank steps/ --error 0.1 --plot layers.svg
  oco rank layers/ --stacked --k-max 128
"""


@click.command(cls=Sectioned, epilog=EXAMPLES, short_help="Say which sketch size gradients need.")
@click.argument("gradients", metavar="GRADIENTS", type=FILE)
@option(
    WHAT,
    "--target",
    kind=float,
    show_default="1.1 for rows",
    help="Largest acceptable ratio of S-AdaGrad's regret bound to full-matrix AdaGrad's, above 1.",
)
@option(
    WHAT,
    "--error",
    kind=float,
    show_default="0.1 for layers",
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
    "--stacked",
    is_flag=True,
    help="Each array in the folder holds T gradients of a layer, not one.",
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
def rank(
    context, /, gradients, target, error, k_max, stacked, dask, plot, csv, latex, as_json
) -> None:
    """Say which sketch size gradients like those in a file, or in a folder of steps, need.

    An array of shape (T, d), one gradient a row, is answered for S-AdaGrad.  It may be larger than
    memory, for one pass in O(d·K) memory is made over it, and compressed, or a pipe (- is standard
    input).

    Gradients of matrices and tensors are a folder with a file for each step (.npy, .safetensors, or
    .pt, which is loaded with weights_only=True; several layers by name in one file), or arrays of
    shape (T, m, n).  They are answered for S-Shampoo, for each axis of each layer.

    What is printed is proven from one sketch of each, as brackets.  The exit code is 1 if no
    size up to K is proven to meet the target.
    """
    with output.bad_input():
        from oco import checks, ranks

        if error is not None:
            checks.number("error", error, above=0, below=1)
        figure, files = figure_path(plot), table_files(csv=csv, latex=latex)
        found = ranks.open_gradients(gradients, stacked=stacked)
        if isinstance(found, ranks.RecordedGradients):
            advice = _of_layers(found, target, error, k_max, dask)
        else:
            advice = _of_rows(found, TARGET if target is None else target, error, k_max, dask)
    from oco.ranks import presentation

    if isinstance(advice, ranks.LayerAdvice):
        fits = all(one.k is not None for one in advice.axes)
        document, said = (
            presentation.layers_document(advice),
            presentation.layers_conclusion(advice),
        )
        shown = (f"{gradients}: {_counted(advice)}", *presentation.layers(advice))
    else:
        fits = advice.recommended is not None
        document, said = presentation.document(advice), presentation.conclusion(advice)
        shown = presentation.tables(advice, gradients)
    if as_json:
        output.print_document(document)
    else:
        output.print_rich(*shown)
        (output.say if fits else output.loud)(said)
    draw(figure, lambda plots: plots.advice(advice))
    problems = export(shown, files)
    output.errors(problems)
    if problems or not fits:
        context.exit(output.FAILED)


def _of_rows(file, target: float, error: float | None, k_max: int | None, dask: str | None):
    """Return the advice from a file of vectors."""
    from oco import checks, ranks

    checks.number("target", target, above=1)
    k_max = min(ranks.LARGEST, file.d + 1) if k_max is None else k_max
    checks.integer("k_max", k_max, low=2, high=file.d + 1)
    with bar("rows", file.rows) as advance:
        if dask is None:
            sketch = ranks.sketch_file(file, k_max, advance)
        else:
            sketch = ranks.sketch_on_cluster(file, k_max, dask)
    return ranks.advise(sketch, target, error=error)


def _of_layers(
    recorded, target: float | None, error: float | None, k_max: int | None, dask: str | None
):
    """Return the advice from gradients of matrices and tensors."""
    from oco import checks, ranks

    if target is not None:
        raise ValueError(
            f"target: expected none for gradients of layers, got {target:g}; --error is the share "
            "of the mass that may be missed"
        )
    if dask is not None:
        raise ValueError(f"dask: expected none for gradients of layers, got {dask}")
    k_max = ranks.WATCHING if k_max is None else checks.integer("k_max", k_max, low=2)
    with bar("files", len(recorded.files)) as advance:
        watch = ranks.watch_recorded(recorded, k_max, advance)
    if watch.left_out:
        count = watch.left_out
        are = "gradient that is" if count == 1 else "gradients that are"
        output.say(f"left out: {count:,} {are} not finite", err=True)
    return watch.advise(1 - (ERROR if error is None else error))


def _counted(advice) -> str:
    steps = [one.steps for one in advice.axes]
    several = f"{min(steps):,}" if min(steps) == max(steps) else f"{min(steps):,} to {max(steps):,}"
    count = len(advice.shapes)
    return f"{count} layer{'s' * (count > 1)}, {several} gradients of each"
