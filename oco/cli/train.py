"""``oco train``: optimizers on a network, with curves, seeds and rates."""

from __future__ import annotations

import click

from oco.cli import output
from oco.cli.options import OUTPUT, WHAT, Sectioned, jobs_option, option, overwrite_option
from oco.cli.progress import bar, working

__all__ = ["present", "train", "training_options", "written"]

OPTIMIZER = "The optimizer"
# \b keeps the line breaks.
EXAMPLES = """\b
Examples:
  oco train --task digits-mlp --alg s-shampoo --k 32
  oco train --alg adam --alg s-shampoo --seeds 5 --plot curves.svg
  oco train --alg s-shampoo --k 8 --k 32 --grid 1e-4:1e-1:7 --out runs
"""
OWN = "the optimizer's own"
_OPTIMIZER = (
    option(OPTIMIZER, "--lr", kind=float, show_default=OWN, help="Learning rate, above 0."),
    option(
        OPTIMIZER,
        "--beta1",
        kind=float,
        show_default=OWN,
        help="Decay of the mean gradient, in [0, 1).",
    ),
    option(
        OPTIMIZER,
        "--beta2",
        kind=float,
        show_default=OWN,
        help="Decay of the second moments, in (0, 1]; 1 sums them up.",
    ),
    option(
        OPTIMIZER,
        "--epsilon",
        kind=float,
        show_default=OWN,
        help="Added to the eigenvalues of a factor, relative to the largest, at least 0.",
    ),
    option(
        OPTIMIZER,
        "--graft",
        unit="none|unit|sgd|rmsprop|adam",
        show_default=OWN,
        help="Whose length a step of (S-)Shampoo takes.",
    ),
    option(OPTIMIZER, "--momentum", kind=float, show_default=OWN, help="In [0, 1)."),
    option(
        OPTIMIZER,
        "--weight-decay",
        kind=float,
        show_default=OWN,
        help="Decoupled, at least 0.",
    ),
    option(
        OPTIMIZER,
        "--update-every",
        kind=int,
        show_default=OWN,
        help="Steps from one update of the factors to the next, at least 1.",
    ),
    option(
        OPTIMIZER,
        "--start-step",
        kind=int,
        show_default=OWN,
        help="First step that the factors shape, at least 1.",
    ),
)
_COMMON = (
    option(WHAT, "--steps", kind=int, default=500, help="At least 1."),
    option(WHAT, "--batch", kind=int, default=64, help="Examples in a step, at least 1."),
    option(
        WHAT, "--seed", kind=int, default=0, help="Of initial parameters and batches, at least 0."
    ),
    option(
        WHAT, "--evaluations", kind=int, default=25, help="How often to measure, at least once."
    ),
)


def training_options(command):
    """Add the options that `oco train` and `oco spectra` share."""
    for add in reversed((*_COMMON, *_OPTIMIZER)):
        command = add(command)
    return command


@click.command(
    cls=Sectioned, epilog=EXAMPLES, short_help="Train a network with S-Shampoo, Shampoo, Adam."
)
@option(WHAT, "--task", unit="NAME", default="digits-mlp", help="digits-mlp or digits-softmax.")
@option(
    WHAT,
    "--alg",
    "algorithms",
    unit="NAME",
    multiple=True,
    required=True,
    help="sgd, adam, shampoo or s-shampoo; once for each to compare.",
)
@option(
    WHAT,
    "--k",
    "sizes",
    kind=int,
    multiple=True,
    show_default="32",
    help="Sketch size of s-shampoo, at least 2; once for each to compare.",
)
@option(
    WHAT,
    "--grid",
    unit="FROM:TO:COUNT",
    help="Learning rates to try, evenly spaced in the logarithm, in place of --lr.",
)
@option(WHAT, "--seeds", kind=int, default=1, help="How many seeds, from --seed on; at least 1.")
@training_options
@option(OUTPUT, "--out", unit="DIR", help="Save all there; 'oco show DIR' prints it again.")
@option(OUTPUT, "--plot", unit="FILE", help="Draw the curves: a .png, .pdf or .svg file.")
@option(
    OUTPUT,
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object and nothing else on standard output.",
)
@jobs_option
@overwrite_option
@click.pass_context
def train(
    context, algorithms, sizes, grid, seeds, lr, out, overwrite, plot, as_json, jobs, **options
) -> None:
    """Train a network, and show loss and accuracy on what it learns from and on what it does not.

    Several optimizers, sketch sizes, rates and seeds are trained in parallel, and compared by the
    validation loss after the last step.  The exit code is 1 if a training failed or diverged; of
    a grid of rates, only if no rate of an optimizer came to an end.
    """
    with output.bad_input():
        from oco import training
        from oco.sweeps.local import resolve_jobs

        plan = training.plan(
            algorithms, rates=_rates(lr, grid), sizes=sizes or (None,), seeds=seeds, **options
        )
        jobs = resolve_jobs(jobs)
        figure = None if plot is None else output.require_figure(plot)
        if out is not None:
            from oco.results.storage import require_free, require_writable, tidy

            tidy((require_writable if overwrite else require_free)(out))
    total, what = (plan[0].steps, "steps") if len(plan) == 1 else (len(plan), "trainings")
    with output.bad_input(), bar(what, total) as advance:
        trained = training.train_all(plan, jobs=jobs, progress=advance)
    if not trained.outcomes:
        output.say("interrupted; nothing was kept", err=True)
        context.exit(output.INTERRUPTED)
    problems = written(trained, out, figure, "training")
    present(trained, as_json)
    if out is not None and not problems:
        output.say(f"saved in {out}", err=True)
    _complain(trained, problems)
    if len(trained.outcomes) < len(plan):
        output.loud(f"interrupted: {len(plan) - len(trained.outcomes)} trainings are missing")
        context.exit(output.INTERRUPTED)
    if problems or trained.lost:
        context.exit(output.FAILED)


def _rates(lr: float | None, grid: str | None) -> tuple:
    from oco.sweeps.study import parse_log_grid

    if grid is None:
        return (lr,)
    if lr is not None:
        raise ValueError(f"grid: expected either a grid or one lr, got both (lr = {lr})")
    return parse_log_grid("grid", grid)


def written(found, out: str | None, figure, kind: str) -> list[str]:
    """Save and draw; return what went wrong, so that the numbers are still printed."""
    from oco import plots

    problems = []
    try:
        if out is not None:
            found.save(out)
    except (OSError, ValueError) as error:
        problems.append(output.one_line(error))
    try:
        if figure is not None:
            with working("drawing"):
                plots.save(getattr(plots, kind)(found), figure)
    except (OSError, ValueError) as error:
        problems.append(output.one_line(error))
    return problems


def present(trained, as_json: bool) -> None:
    """Print what was trained, for people or for programs: the latter get all curves."""
    from oco.training import presentation

    if as_json:
        document = trained.document()
        for run, outcome in zip(document["runs"], trained.outcomes, strict=True):
            run["curves"] = {name: curve.tolist() for name, curve in vars(outcome.curves).items()}
        output.print_document(document)
        return
    parts = [presentation.training_title(trained.outcomes[0].training), ""]
    if len(trained.groups) == 1:
        parts += [presentation.curve_table(trained.groups[0]), ""]
    output.print_rich(*parts, *presentation.trainings_table(trained))


def _complain(trained, problems: list[str]) -> None:
    """Say on standard error what went wrong; a rate that fails is part of a grid."""
    for outcome in trained.outcomes:
        if not (outcome.complete or trained.tuned):
            training, summary = outcome.training, outcome.summary
            output.loud(
                f"{summary.status.upper()}: {training.label}, η = {training.lr:.4g}, seed "
                f"{training.seed}: {summary.message}"
            )
    if trained.tuned:
        for label in trained.lost:
            output.loud(f"FAILED: {label}: every rate failed or diverged")
    for problem in problems:
        output.loud(f"Error: {problem}")
