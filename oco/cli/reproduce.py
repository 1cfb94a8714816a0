"""``oco reproduce``: published comparisons, made again."""

from __future__ import annotations

from pathlib import Path

import click

from oco.cli import output
from oco.cli.completion import Named, OneOf
from oco.cli.figures import draw, figure_path, plot_option
from oco.cli.options import JSON, OUTPUT, Sectioned, jobs_option, option
from oco.cli.progress import bar
from oco.cli.spectra import study_made, study_options
from oco.cli.tables import export, export_or_fail, table_files, table_options
from oco.options import WHAT

__all__ = ["reproduce"]

# Width of wide tables where no terminal says otherwise.
WIDE = 160
PLOT = plot_option("it")
# What the contest is held on: its own list would load PyTorch for a help page.
TASKS = ("digits-mlp", "char-transformer", "convnet", "wide-transformer", "hashed-tokens")
# And what is compared on data files, whose list would load NumPy.
COMPARED = (
    "ogd", "adagrad", "s-adagrad", "rfd-son", "fd-son", "ada-fd", "s-ons", "ftsl", "full-adagrad"
)  # fmt: skip


@click.group()
def reproduce() -> None:
    """Make published comparisons again."""


@reproduce.command("appendix-a", cls=Sectioned, several={"": "run it once for each"})
@option(
    WHAT,
    "--data",
    unit="FILE",
    multiple=True,
    required=True,
    help="Training file, as of 'oco run --data'; once for each comparison.",
)
@option(
    WHAT,
    "--test",
    unit="FILE",
    multiple=True,
    required=True,
    help="Test file with the same features; as many as --data, in their order.",
)
@option(WHAT, "--k", kind=int, default=10, help="Sketch size.")
@option(WHAT, "--positive", unit="VALUE", help="The label that is +1, as of 'oco run'.")
@option(
    WHAT,
    "--alg",
    "algorithms",
    kind=OneOf(COMPARED),
    unit="NAME",
    multiple=True,
    show_default="all",
    help=f"A learner, once for each: {', '.join(COMPARED)}.",
)
@option(
    WHAT,
    "--all-rates",
    is_flag=True,
    help="Let full-adagrad and ftsl, the slowest, try all 49 rates and not the 9 largest.",
)
@option(
    WHAT,
    "--published/--no-published",
    default=True,
    help="Whether to run the sketched learners with the published numerics too.",
)
@PLOT
@option(OUTPUT, "--plot-rates", unit="FILE", help="Draw the learning-rate curves, of one file.")
@table_options
@JSON
@jobs_option
@click.pass_context
def appendix_a(
    context, /, data, test, algorithms, plot, plot_rates, csv, latex, as_json, **setting
) -> None:
    """Make the convex comparison of the Sketchy paper on data files, with learners of ours.

    Each learner is tuned on the training file over 49 rates in [1e-6, 1] (ada-fd and fd-son: 7
    rates with 7 δ), then plays the test file once.  Beside the results stand the train losses with
    the numerics that were published, a dense decomposition a round that inverts whatever is not 0,
    and figures known from dense computation, where the file is a9a; the exit code is 1 if one is
    missed.
    """
    with output.bad_input():
        figures = [figure_path(path) for path in (plot, plot_rates)]
        files = table_files(csv=csv, latex=latex)
        if len(data) != len(test):
            raise ValueError(f"test: expected one for each of {len(data)} --data, got {len(test)}")
        if plot_rates is not None and len(data) > 1:
            raise ValueError(f"plot-rates: expected one --data with it, got {len(data)}")
        from oco import reproduce as made

        found = []
        for train, held_out in zip(data, test, strict=True):
            with bar(Path(train).name, 1) as advance:
                step = advance and (lambda name, done, total: advance(done / total, name))
                found.append(
                    made.appendix_a(
                        train,
                        held_out,
                        algorithms=algorithms or COMPARED,
                        progress=step,
                        **setting,
                    )
                )
    from oco.reproduce import presentation

    parts = [part for one in found for part in presentation.tables(one)]
    if as_json:
        documents = [presentation.document(one) for one in found]
        output.print_document({"comparisons": documents} if len(found) > 1 else documents[0])
    else:
        output.print_rich(*parts)
    _draw(found, *figures)
    problems = export(parts, files)
    output.errors(problems)
    for one in found:
        for reference in one.missed:
            output.loud(f"MISSED: {reference.algorithm} at η = {reference.lr:g}: {reference.loss}")
    if problems or any(one.missed or any(entry.message for entry in one.entries) for one in found):
        context.exit(output.FAILED)


def _draw(found: list, curves: Path | None, rates: Path | None) -> None:
    from oco.reproduce import presentation

    title = "one pass at rates tuned on the training file; logistic loss, sketch size "
    title += str(found[0].k)
    panels = presentation.panels(found)
    draw(curves if panels else None, lambda plots: plots.progress(panels, title))
    entries = found[0].entries
    names = [entry.name for entry in entries]
    draw(rates, lambda plots: plots.rates([entry.tuning for entry in entries], names))


@reproduce.command("separation", cls=Sectioned)
@option(WHAT, "--d", kind=int, default=100, help="Dimension.")
@option(WHAT, "--T", "T", kind=int, default=20_000, help="Rounds, at least 100.")
@option(WHAT, "--r", kind=int, default=20, help="Number of orthonormal gradients.")
@option(WHAT, "--k", kind=int, default=5, help="Sketch size, at most r.")
@option(WHAT, "--seed", kind=int, default=0, help="Of the order of the gradients.")
@PLOT
@table_options
@JSON
@jobs_option
@click.pass_context
def separation(context, /, plot, csv, latex, as_json, jobs, **setting) -> None:
    """Fit how fast the certificates of ada-fd and s-adagrad grow on orthonormal gradients.

    Each at its best η in hindsight; ada-fd at its best δ in hindsight among those up to 1, 10, 100,
    1000, and any.
    """
    with output.bad_input():
        figure, files = figure_path(plot), table_files(csv=csv, latex=latex)
        from oco import reproduce as made
        from oco.reproduce.separation import DELTAS

        with bar("separation", 1 + len(DELTAS)) as advance:
            found = made.separation(jobs=jobs, progress=advance, **setting)
    from oco.reproduce import presentation

    parts = presentation.growth_table(found)
    if as_json:
        output.print_document(presentation.growths(found))
    else:
        output.print_rich(*parts)
    draw(figure, lambda plots: plots.separation(found))
    export_or_fail(context, parts, files)


@reproduce.command("tightness", cls=Sectioned)
@option(WHAT, "--d", kind=int, default=50, help="Dimension.")
@option(WHAT, "--T", "T", kind=int, default=2000, help="Rounds, at least 1.")
@option(WHAT, "--k", kind=int, default=10, help="Sketch size.")
@option(WHAT, "--shape", unit="MxN", default="16x12", help="Of x on the streams of matrices.")
@option(
    WHAT,
    "--spectrum",
    unit="TEXT",
    default="exp:0.8",
    help="Of the features on streams that take one, as of 'oco run'.",
)
@option(WHAT, "--seed", kind=int, default=0, help="Of all that is random, at least 0.")
@PLOT
@table_options
@JSON
@jobs_option
@click.pass_context
def tightness(context, /, plot, csv, latex, as_json, jobs, **setting) -> None:
    """Divide each learner's certificate by the regret that occurs, on every stream.

    On the ball of radius 1 (hedge: the simplex), each learner with the rate that minimises its
    bound.  The exit code is 1 if a run failed or a certificate was violated.
    """
    with output.bad_input():
        figure, files = figure_path(plot), table_files(csv=csv, latex=latex)
        from oco import reproduce as made

        with bar("tightness", 1) as advance:
            step = advance and (lambda done, total: advance(done / total))
            found = made.tightness(jobs=jobs, progress=step, **setting)
    from oco.reproduce import presentation

    parts = presentation.ratio_table(found)
    if as_json:
        output.print_document(presentation.ratios(found))
    else:
        output.print_rich(*parts, width=WIDE)
    problems = export(parts, files)
    draw(figure, lambda plots: plots.tightness(found))
    problems += [f"{e.algorithm} on {e.stream}: {e.message}" for e in found.entries if e.message]
    output.errors(problems)
    if problems:
        context.exit(output.FAILED)


@reproduce.command("spectra", cls=Sectioned)
@option(
    WHAT,
    "--alg",
    kind=Named("oco.optimizers:OPTIMIZERS"),
    unit="NAME",
    default="shampoo",
    help="What trains the network: sgd, adam, shampoo or s-shampoo.",
)
@option(WHAT, "--lr", kind=float, default=3e-4, help="Learning rate, above 0.")
@option(WHAT, "--steps", kind=int, default=1500, help="Of 64 images each, at least 1.")
@option(WHAT, "--seed", kind=int, default=0, help="Of initial parameters and batches, at least 0.")
@option(
    WHAT,
    "--layer",
    kind=int,
    show_default="the middle one",
    help="Which weight matrix to follow, from 1 to 3.",
)
@study_options(evaluations=30)
@click.pass_context
def spectra(context, /, out, overwrite, plot, csv, latex, as_json, **setting) -> None:
    """Follow what the gradients of a network span while it learns handwritten digits.

    The factors L and R of a layer of the network 64-256-256-10, exactly and as sketches of size k
    see them, as 'oco spectra' has them of gradients in a file.  The exit code is 1 if the loss
    stopped being a number.
    """

    def make():
        from oco import reproduce as made

        with bar("steps", setting["steps"]) as advance:
            return made.spectra(progress=advance, **setting)

    outputs = {"plot": plot, "csv": csv, "latex": latex, "as_json": as_json}
    study_made(context, make, out=out, overwrite=overwrite, **outputs)


@reproduce.command("quality", cls=Sectioned)
@option(
    WHAT,
    "--task",
    kind=OneOf(TASKS),
    required=True,
    help="What to learn: digits, characters (narrow and wide), photographs without noise, words.",
)
@option(
    WHAT,
    "--grid",
    unit="FROM:TO:COUNT",
    show_default="six rates, 1e-3 to 0.32",
    help="Learning rates that every optimizer tries, evenly spaced in the logarithm.",
)
@option(WHAT, "--seeds", kind=int, default=5, help="How many to report, from 1 to 100.")
@option(WHAT, "--steps", kind=int, show_default="the task's own", help="Of each run, at least 1.")
@option(WHAT, "--rounds", kind=int, default=12, help="In which steps are timed, at least 1.")
@option(WHAT, "--peers", is_flag=True, help="SOAP, Muon and Adafactor, too; needs 'peers'.")
@option(OUTPUT, "--out", unit="DIR", help="Keep each run there; a second time goes on from them.")
@PLOT
@table_options
@JSON
@jobs_option
@click.pass_context
def quality(context, /, task, grid, plot, csv, latex, as_json, **setting) -> None:
    """Tune Adam, Shampoo and S-Shampoo with the same budget in PyTorch, and compare them.

    Each tries the same rates on two seeds; the rate with the least validation loss is then run on
    other seeds, of which mean ± standard error on the test set is shown, beside memory and the time
    of a step.  With --peers SOAP, Muon and Adafactor of other packages compete as well.  Needs the
    extra 'torch'; a full contest takes from ten minutes to some hours: with --out it can be
    interrupted, and the same command goes on.
    """
    with output.bad_input():
        figure = figure_path(plot)
        from oco.notations import Grid
        from oco.reproduce import quality as made

        if grid is not None:
            setting["rates"] = Grid.read("grid", grid).values
        files = table_files(csv=csv, latex=latex)
        with bar(task, 1) as advance:
            step = advance and (lambda done, total: advance(done / total))
            found = made.quality(task, progress=step, **setting)
    from oco.reproduce.quality import presentation

    parts = presentation.tables(found)
    if as_json:
        output.print_document(presentation.document(found))
    else:
        output.print_rich(*parts, width=WIDE)
    draw(figure, lambda plots: plots.quality(found))
    export_or_fail(context, parts, files)
