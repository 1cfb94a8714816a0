"""``oco show``: a saved result, printed again."""

from __future__ import annotations

import click

from oco.cli import output
from oco.cli.completion import complete
from oco.cli.options import Sectioned, output_options

__all__ = ["show"]


@click.command(cls=Sectioned, short_help="Print again what --out DIR saved.")
@click.argument("path", metavar="DIR", shell_complete=complete)
@output_options
def show(path: str, plot: str | None, as_json: bool) -> None:
    """Print what 'oco run', 'oco train' or 'oco spectra' saved with --out DIR."""
    with output.bad_input():
        figure = None if plot is None else output.require_figure(plot)
        from oco.results import load, storage

        kind = storage.read(path)[0].get("kind")
    if kind is not None:
        _show_training(kind, path, figure, as_json)
        return
    with output.bad_input():
        result = load(path)
        if figure is not None:
            output.draw(result, figure)
    if as_json:
        output.print_json(result)
    else:
        output.print_table(result)
    output.complain(result, shown=not as_json)


def _show_training(kind: str, path: str, figure, as_json: bool) -> None:
    from oco.cli import spectra, train

    with output.bad_input():
        from oco import training

        if kind == "spectra":
            found, present, drawn = training.load_study(path), spectra.present, "spectra"
        else:
            found, present, drawn = training.load(path), train.present, "training"
    present(found, as_json)
    for problem in train.written(found, None, figure, drawn):
        raise output.BadInput(problem)
