"""``oco memory``: what optimizers keep for given parameters."""

from __future__ import annotations

import click

from oco.cli import output
from oco.cli.options import OUTPUT, Sectioned, option
from oco.cli.progress import working
from oco.options import WHAT

__all__ = ["memory"]

# Shapes listed, those first that cost Shampoo most.
LISTED = 12

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
@option(OUTPUT, "--plot", unit="FILE", help="Draw memory over k: a .png, .pdf or .svg file.")
@option(OUTPUT, "--json", "as_json", is_flag=True, help="Print one JSON object, with every shape.")
def memory(shapes, safetensors, k, number_bytes, max_axis, plot, as_json) -> None:
    """Count what optimizers keep for parameters of the given shapes, such as 1024x4096.

    Second moment: the statistics of the squared gradients.  Apart from it: what is computed from
    them and kept (roots), the diagonal that gives a grafted step its length, and momentum.
    """
    with output.bad_input():
        from oco import memory as room

        parameters, left_out = [room.parse_shape(shape) for shape in shapes], ()
        if safetensors is not None:
            declared = room.read_declared(safetensors)
            parameters += declared.parameters
            left_out = declared.left_out
        counted = room.ledger(parameters, k, number_bytes=number_bytes, max_axis=max_axis)
        figure = None if plot is None else output.require_figure(plot)
    if as_json:
        _print_json(counted, left_out)
    else:
        _print(counted)
        for reason, count in left_out:
            output.say(f"left out: {count:,} tensor{'s' * (count > 1)} {reason}")
    if figure is not None:
        from oco import plots

        with working("drawing"):
            plots.save(plots.memory(counted), figure)


def _print_json(counted, left_out) -> None:
    from dataclasses import asdict

    content = {
        "numbers": counted.numbers,
        "number_bytes": counted.number_bytes,
        "max_axis": counted.max_axis,
        "parameters": [asdict(parameter) for parameter in counted.parameters],
        "left_out": dict(left_out),
        "optimizers": [
            {
                "optimizer": entry.optimizer,
                "k": entry.k,
                **asdict(entry.state),
                "total": entry.state.total,
                "second_moment_of_each": [state.second_moment for state in entry.states],
            }
            for entry in counted.entries
        ],
    }
    output.print_document(content)


def _print(counted) -> None:
    tensors = len(counted.parameters)
    shapes, left_out = _by_shape(counted)
    output.print_rich(
        f"{tensors:,} tensor{'s' * (tensors > 1)}, {counted.numbers:,} parameters, "
        f"{counted.number_bytes} bytes a number",
        "",
        _totals(counted),
        "second moment: statistics of the squared gradients.  roots: computed from them and kept.  "
        "grafting: the diagonal of an RMSProp graft",
    )
    if tensors > 1:
        output.print_rich("", "second moment by shape", shapes)
        if left_out:
            output.say(f"and {left_out:,} more shapes")


def _totals(counted):
    from oco.results.formats import number, size
    from oco.results.layout import Sheet

    adam, shampoo = (counted[name].state.second_moment for name in ("adam", "shampoo"))
    table = Sheet(
        "optimizer", "second moment", "× Adam", "of Shampoo", "roots", "grafting", "momentum", "all"
    )
    for entry in counted.entries:
        state = entry.state
        besides = (state.roots, state.grafting, state.first_moment)
        table.add(
            entry.label,
            size(state.second_moment),
            number(state.second_moment / adam, 3),
            f"{number(100 * state.second_moment / shampoo, 3)} %",
            *(size(part) if part else "–" for part in besides),
            size(state.total),
        )
    return table


def _by_shape(counted):
    """Return the table of the distinct shapes, and how many it leaves out."""
    from collections import Counter

    from oco.results.formats import size
    from oco.results.layout import Sheet

    shapes = [parameter.shape for parameter in counted.parameters]
    counts = Counter(shapes)
    cost = {
        shape: state.second_moment * counts[shape]
        for shape, state in zip(shapes, counted["shampoo"].states, strict=True)
    }
    listed = sorted(counts, key=lambda shape: -cost[shape])[:LISTED]
    table = Sheet("shape", "tensors", *(entry.label for entry in counted.entries))
    for shape in listed:
        first = shapes.index(shape)
        table.add(
            "×".join(map(str, shape)) or "1",
            f"{counts[shape]:,}",
            *(size(e.states[first].second_moment * counts[shape]) for e in counted.entries),
        )
    return table, len(counts) - len(listed)
