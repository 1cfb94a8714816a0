"""``oco memory``: what optimizers keep for given parameters."""

from __future__ import annotations

import click

from oco.cli import output
from oco.cli.figures import draw, figure_path, plot_option
from oco.cli.options import OUTPUT, Sectioned, option
from oco.cli.tables import export_or_fail, table_files, table_options
from oco.options import WHAT

__all__ = ["memory"]

# \b keeps the line breaks.
EXAMPLES = """\b
Examples:
  oco memory 1024x4096 4096 10x64x3x3 --k 32 --k 64
  oco memory --safetensors model.safetensors --max-axis 8192 --plot memory.svg
"""


@click.command(
    cls=Sectioned, epilog=EXAMPLES, short_help="Count what optimizers keep for given parameters."
)
@click.argument("shapes", metavar="[SHAPE]...", nargs=-1)
@option(
    WHAT,
    "--safetensors",
    unit="FILE",
    help="Also count the tensors of real numbers that the header of this file declares.",
)
@option(
    WHAT,
    "--k",
    kind=int,
    multiple=True,
    default=(32, 64, 128),
    show_default="32, 64 and 128",
    help="Sketch size of S-Shampoo, at least 2; once for each.",
)
@option(
    WHAT,
    "--bytes",
    "number_bytes",
    kind=int,
    default=4,
    help="Of a number of the state: 4 for float32, 8 for float64.",
)
@option(
    WHAT,
    "--max-axis",
    kind=int,
    default=8192,
    help="Longest axis that Shampoo and S-Shampoo do not cut into blocks.",
)
@plot_option("memory over k")
@table_options
@option(OUTPUT, "--json", "as_json", is_flag=True, help="Print one JSON object, with every shape.")
@click.pass_context
def memory(
    context, /, shapes, safetensors, k, number_bytes, max_axis, plot, csv, latex, as_json
) -> None:
    """Count what optimizers keep for parameters of the given shapes, such as 1024x4096.

    Second moment: the statistics of the squared gradients.  Apart from it: what is computed from
    them and kept (roots), the diagonal that gives a grafted step its length, and momentum.
    """
    with output.bad_input():
        from oco import memory as room

        parameters = [room.parse_shape(shape) for shape in shapes]
        left_out: tuple[tuple[str, int], ...] = ()
        if safetensors is not None:
            declared = room.read_declared(safetensors)
            parameters += declared.parameters
            left_out = declared.left_out
        counted = room.ledger(parameters, k, number_bytes=number_bytes, max_axis=max_axis)
        figure, files = figure_path(plot), table_files(csv=csv, latex=latex)
    from oco.memory import presentation

    parts = presentation.tables(counted)
    if as_json:
        output.print_document(presentation.document(counted, left_out))
    else:
        output.print_rich(*parts)
        for reason, count in left_out:
            output.say(f"left out: {count:,} tensor{'s' * (count > 1)} {reason}")
    draw(figure, lambda plots: plots.memory(counted))
    export_or_fail(context, parts, files)
