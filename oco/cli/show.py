"""``oco show``: a saved result, printed again."""

from __future__ import annotations

import click

from oco.cli import output
from oco.cli.options import Sectioned, output_options

__all__ = ["show"]


@click.command(cls=Sectioned)
@click.argument("path", metavar="DIR")
@output_options
def show(path: str, plot: str | None, as_json: bool) -> None:
    """Print a result that 'oco run --out DIR' saved."""
    try:
        from oco.results import load

        result = load(path)
        if plot is not None:
            output.draw(result, output.require_figure(plot))
    except (ValueError, OSError) as error:
        raise output.BadInput(output.one_line(error)) from None
    if as_json:
        output.print_json(result)
    else:
        output.print_table(result)
    output.complain(result)
