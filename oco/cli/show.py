"""``oco show``: a saved result, printed again."""

from __future__ import annotations

import click

from oco.cli import output
from oco.cli.completion import DIRECTORY
from oco.cli.figures import draw, figure_path, plot_option
from oco.cli.options import JSON, Sectioned

__all__ = ["show"]


@click.command(cls=Sectioned, short_help="Print again what --out DIR saved.")
@click.argument("path", metavar="DIR", type=DIRECTORY)
@plot_option("what it holds")
@JSON
def show(path: str, plot: str | None, as_json: bool) -> None:
    """Print what 'oco run', 'oco spectra' or 'oco reproduce spectra' saved with --out DIR."""
    with output.bad_input():
        figure = figure_path(plot)
        from oco.results import storage

        kind = storage.read(path)[0].get("kind")
    if kind is None:
        _show_result(path, figure, as_json)
    elif kind == "spectra":
        _show_study(path, figure, as_json)
    else:
        raise output.BadInput(f"{path}: holds {kind!r}, which this release does not show")


def _show_result(path: str, figure, as_json: bool) -> None:
    from oco.results import load_result

    with output.bad_input():
        result = load_result(path)
        draw(figure, lambda plots: plots.regret(result))
    if as_json:
        output.print_json(result)
    else:
        output.print_table(result)
    output.complain(result, shown=not as_json)


def _show_study(path: str, figure, as_json: bool) -> None:
    from oco.cli.spectra import present

    with output.bad_input():
        from oco.spectra import load_study

        study = load_study(path)
        draw(figure, lambda plots: plots.spectra(study))
    present(study, as_json)
