"""``oco spectra``: a layer's gradient covariances through training, and what a sketch loses."""

from __future__ import annotations

import click

from oco.cli import output
from oco.cli.options import OUTPUT, WHAT, Sectioned, option, overwrite_option
from oco.cli.progress import bar
from oco.cli.train import training_options, written

__all__ = ["present", "spectra"]

# \b keeps the line breaks.
EXAMPLES = """\b
Examples:
  oco spectra --task digits-mlp --k 32 --plot spectra.svg
  oco spectra --alg s-shampoo --k 16 --lr 3e-4 --steps 1500 --out study
"""


@click.command(
    cls=Sectioned, epilog=EXAMPLES, short_help="Show what a sketch of a network's gradients loses."
)
@option(WHAT, "--task", unit="NAME", default="digits-mlp", help="digits-mlp or digits-softmax.")
@option(
    WHAT,
    "--alg",
    "algorithm",
    unit="NAME",
    default="shampoo",
    help="What trains it: sgd, adam, shampoo or s-shampoo.",
)
@option(WHAT, "--k", kind=int, default=32, help="Sketch size, at least 2.")
@option(
    WHAT,
    "--decay",
    kind=float,
    default=0.99,
    help="Of the factors L and R that are followed, in (0, 1].",
)
@option(
    WHAT,
    "--layer",
    kind=int,
    show_default="the middle one",
    help="Which weight matrix, counted from 1.",
)
@option(
    WHAT,
    "--reference",
    kind=int,
    show_default="100, or the last",
    help="The step whose leading directions later ones are compared with.",
)
@training_options
@option(OUTPUT, "--out", unit="DIR", help="Save all spectra there; 'oco show DIR' prints them.")
@option(OUTPUT, "--plot", unit="FILE", help="Draw the study: a .png, .pdf or .svg file.")
@option(
    OUTPUT,
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object and nothing else on standard output.",
)
@overwrite_option
@click.pass_context
def spectra(
    context, algorithm, k, decay, layer, reference, out, overwrite, plot, as_json, **options
) -> None:
    """Train a network; follow the factors L and R of a layer's gradients, exact and sketched.

    How concentrated they are (intrinsic dimension, mass in the top 25 % of directions), how fast
    their leading directions turn, and what of it a sketch of size k sees.  The exit code is 1 if
    the training failed or diverged.
    """
    with output.bad_input():
        from oco import training

        own = {"k": k} if "k" in training.taken_by(algorithm) else {}
        asked = training.Training(algorithm=algorithm, **own, **options)
        figure = None if plot is None else output.require_figure(plot)
        if out is not None:
            from oco.results.storage import require_free, require_writable, tidy

            tidy((require_writable if overwrite else require_free)(out))
        try:
            with bar("steps", asked.steps) as advance:
                study = training.study_spectra(
                    asked, layer=layer, k=k, decay=decay, reference=reference, progress=advance
                )
        except KeyboardInterrupt:
            output.say("interrupted; nothing was kept", err=True)
            context.exit(output.INTERRUPTED)
    problems = written(study, out, figure, "spectra")
    present(study, as_json)
    if out is not None and not problems:
        output.say(f"saved in {out}", err=True)
    summary = study.outcome.summary
    if summary.message:
        output.loud(f"{summary.status.upper()}: {summary.message}")
    for problem in problems:
        output.loud(f"Error: {problem}")
    if problems or summary.message:
        context.exit(output.FAILED)


def present(study, as_json: bool) -> None:
    """Print the study: over the steps, at the last one, and in a sentence; or all as JSON."""
    from oco.training import findings
    from oco.training.presentation import training_title

    if as_json:
        output.print_document(_document(study))
        return
    training = study.outcome.training
    rows, columns = study.shape
    parts = [
        f"{training_title(training)}; {training.label}, η = {training.lr:.4g}, seed "
        f"{training.seed}",
        f"layer {study.layer}, {rows} × {columns}: L over the outputs, R over the inputs, decay "
        f"{study.decay:g}",
        "",
    ]
    if len(study.step):
        parts += [findings.steps_table(study), "", findings.factors_table(study), ""]
        parts += [findings.conclusion(study)]
    output.print_rich(*parts)


def _document(study) -> dict:
    from oco.training.findings import measures

    factors = {
        name: {key: _plain(values) for key, values in measures(factor).items()}
        for name, factor in study.factors.items()
    }
    steps = {"step": study.step.tolist(), "alignment": _plain(study.alignment)}
    return {**study.document(), **steps, **factors}


def _plain(values) -> list:
    """Return numbers, with None for what was not measured."""
    return [None if value != value else value for value in values.tolist()]
