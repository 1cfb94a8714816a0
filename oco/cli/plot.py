"""``oco plot``: a figure of saved runs."""

from __future__ import annotations

import click

from oco import scalars
from oco.cli import output
from oco.cli.completion import FILE, OneOf
from oco.cli.figures import draw, figure_path
from oco.cli.options import OUTPUT, Sectioned, option
from oco.options import OPTIONS, WHAT

__all__ = ["choose", "plot"]

KINDS = ("regret", "rank", "spectrum", "bounds", "loss", "rate")
# \b keeps the line breaks.
EXAMPLES = """\b
Kinds:
  regret    regret over the rounds, with certificates and a √t guide
  rank      regret over the sketch size; the bound's trace and tail terms
  spectrum  eigenvalues of the gradients' covariance, with Ω_k and ρ
  bounds    each bound's margin over the regret
  loss      average loss over the learning rate
  rate      regret over the learning rate
"""


@click.command(cls=Sectioned, epilog=EXAMPLES, short_help="Draw a figure of saved runs.")
@click.argument("runs", metavar="RUNS", type=FILE)
@option(WHAT, "--kind", kind=OneOf(KINDS), default="regret", help="What to draw.")
@option(
    WHAT,
    "--where",
    unit="OPTION=VALUE",
    multiple=True,
    help="Only the runs with this option, as stream=drift or k=20; may be given again.",
)
@option(
    OUTPUT,
    "--out",
    "-o",
    unit="FILE",
    required=True,
    help="Where to: a .svg, .pdf or .png file.",
)
def plot(runs, kind, where, out) -> None:
    """Draw the results that 'oco run', 'oco compare' or 'oco sweep' saved in RUNS.

    Medians and quantile bands over the seeds; learners at the best of their rates; runs that failed
    are not in the figure, and are counted.
    """
    with output.bad_input():
        figure = figure_path(out)
        from oco.sweeps import Store

        outcomes = choose(Store(runs).outcomes(), where)
        results = [outcome.result for outcome in outcomes if outcome.result is not None]
        draw(figure, lambda plots: plots.KINDS[kind](results))
    faults = sum(bool(outcome.fault) for outcome in outcomes)
    if faults:
        output.loud(f"{faults} of {len(outcomes)} runs have problems; 'oco report' lists them")


def choose(outcomes, conditions: tuple[str, ...]) -> list:
    """Return the outcomes whose experiment has the options ``NAME=VALUE``.

    Raises
    ------
    ValueError
        If a condition cannot be read, or nothing meets all of them.
    """
    chosen = list(outcomes)
    for condition in conditions:
        name, equals, value = condition.partition("=")
        if not equals:
            raise ValueError(f"where: expected OPTION=VALUE, got {condition!r}")
        scalars.choice("where", name, OPTIONS)
        chosen = [run for run in chosen if _matches(run, name, value)]
    if not chosen:
        raise ValueError(f"where: no run has {' and '.join(conditions)}")
    return chosen


def _matches(outcome, name: str, value: str) -> bool:
    """Compare an option as it was resolved, where the run got that far, or as it was given."""
    summary = outcome.result.summary if outcome.result is not None else None
    found = getattr(summary, name, None)
    if found is None:
        found = getattr(outcome.experiment, name)
    if isinstance(found, float | int) and not isinstance(found, bool):
        try:
            return float(value) == found
        except ValueError:
            return False
    return str(found).lower() == value.lower()
