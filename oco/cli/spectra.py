"""``oco spectra``: what the gradients in a file span, and what a sketch of them loses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from oco.cli import output
from oco.cli.completion import FILE
from oco.cli.figures import draw, figure_path, plot_option
from oco.cli.options import JSON, OUTPUT, Sectioned, option, overwrite_option, together
from oco.cli.progress import bar
from oco.cli.tables import export, table_files, table_options
from oco.options import WHAT

__all__ = ["present", "spectra", "study_made", "study_options"]

# \b keeps the line breaks.
EXAMPLES = """\b
Examples:
  oco spectra gradients.npy --k 32 --plot spectra.svg
  oco spectra gradients.npy --k 16 --decay 1 --out study
"""
_STUDY = (
    option(WHAT, "--k", kind=int, default=32, help="Sketch size, at least 2."),
    option(
        WHAT,
        "--decay",
        kind=float,
        default=0.99,
        help="Of the covariances that are followed, in (0, 1]; 1 sums them up.",
    ),
    option(
        WHAT,
        "--reference",
        kind=int,
        show_default="100, or the last",
        help="The step whose leading directions later ones are compared with.",
    ),
    option(OUTPUT, "--out", unit="DIR", help="Save all spectra there; 'oco show DIR' prints them."),
    plot_option("the study"),
    table_options,
    JSON,
    overwrite_option,
)


def study_options(evaluations: int):
    """Return a decorator that adds the options of every spectral study."""
    often = option(
        WHAT, "--evaluations", kind=int, default=evaluations, help="How often to measure, ≥ 1."
    )
    return together(often, *_STUDY)


@click.command(cls=Sectioned, epilog=EXAMPLES, short_help="Show what a sketch of gradients loses.")
@click.argument("gradients", metavar="GRADIENTS.npy", type=FILE)
@study_options(evaluations=25)
@click.pass_context
def spectra(context, /, gradients, k, decay, reference, evaluations, **outputs) -> None:
    """Follow the covariances of gradients in a file, exactly and with a sketch.

    The file is an array of shape (T, d), T gradients in a vector of parameters, or (T, m, n), in a
    weight matrix of m outputs and n inputs, in the order in which training met them, compressed or
    through a pipe if need be.  How
    concentrated their covariance is, along each axis (intrinsic dimension, mass in the top 25 % of
    directions), how fast its leading directions turn, and what of it a sketch of size k sees.
    """

    def make():
        from oco import ranks
        from oco.spectra import follow

        file = ranks.GradientFile(gradients, axes=(1, 2))
        origin = f"{gradients}: {file.rows:,} gradients"
        with bar("gradients", file.rows) as advance:
            return follow(
                file.gradients(),
                file.rows,
                k=k,
                decay=decay,
                reference=reference,
                evaluations=evaluations,
                origin=origin,
                progress=advance,
            )

    study_made(context, make, **outputs)


def study_made(
    context: click.Context,
    make: Callable,
    *,
    out,
    overwrite: bool,
    plot,
    csv,
    latex,
    as_json: bool,
) -> None:
    """Make a study, save and draw it where that is asked for, print it, and say what went wrong."""
    with output.bad_input():
        figure, files = figure_path(plot), table_files(csv=csv, latex=latex)
        if out is not None:
            from oco.results.storage import require_free, require_writable, tidy

            tidy((require_writable if overwrite else require_free)(out))
        try:
            study = make()
        except KeyboardInterrupt:
            output.say("interrupted; nothing was kept", err=True)
            context.exit(output.INTERRUPTED)
    problems = []
    if out is not None:
        problems += output.attempted(lambda: study.save(out))
        if not problems:
            output.say(f"saved in {out}", err=True)
    problems += output.attempted(lambda: draw(figure, lambda plots: plots.spectra(study)))
    problems += present(study, as_json, files)
    if study.message:
        output.loud(f"FAILED: {study.message}")
    output.errors(problems)
    if problems or study.message:
        context.exit(output.FAILED)


def present(study, as_json: bool, files: dict[str, Path]) -> list[str]:
    """Print the study: over the steps, at the last one, and in a sentence; or all as JSON.

    Its tables are written to `files`; what went wrong there is returned.
    """
    from oco.spectra import presentation

    parts: list[Any] = [*presentation.describe(study).splitlines(), ""]
    if len(study.step):
        parts += [presentation.steps_table(study), "", presentation.factors_table(study), ""]
        parts += [presentation.conclusion(study)]
    if as_json:
        output.print_document(presentation.document(study))
    else:
        output.print_rich(*parts)
    return export(parts, files)
