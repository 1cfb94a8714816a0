"""``oco show``: a saved result, printed again."""

from __future__ import annotations

import click

from oco.cli import output
from oco.cli.completion import DIRECTORY
from oco.cli.figures import draw, figure_path, plot_option
from oco.cli.options import JSON, Sectioned
from oco.cli.tables import export_results, table_files, table_options

__all__ = ["show"]


@click.command(cls=Sectioned, short_help="Print again what --out DIR saved.")
@click.argument("path", metavar="DIR", type=DIRECTORY)
@plot_option("what it holds")
@table_options
@JSON
@click.pass_context
def show(context, /, path, plot, csv, latex, as_json) -> None:
    """Print what 'oco run', 'oco spectra' or 'oco reproduce spectra' saved with --out DIR."""
    with output.bad_input():
        figure, files = figure_path(plot), table_files(csv=csv, latex=latex)
        from oco.results import storage

        kind = storage.read(path)[0].get("kind")
    if kind is None:
        problems = _show_result(path, figure, as_json, files)
    elif kind == "spectra":
        problems = _show_study(path, figure, as_json, files)
    else:
        raise output.BadInput(f"{path}: holds {kind!r}, which this release does not show")
    output.errors(problems)
    if problems:
        context.exit(output.FAILED)


def _show_result(path: str, figure, as_json: bool, files) -> list[str]:
    from oco.results import load_result

    with output.bad_input():
        result = load_result(path)
        draw(figure, lambda plots: plots.regret(result))
    if as_json:
        output.print_json(result)
    else:
        output.print_table(result)
    output.complain(result, shown=not as_json)
    return export_results([result], files)


def _show_study(path: str, figure, as_json: bool, files) -> list[str]:
    from oco.cli.spectra import present

    with output.bad_input():
        from oco.spectra import load_study

        study = load_study(path)
        draw(figure, lambda plots: plots.spectra(study))
    return present(study, as_json, files)
