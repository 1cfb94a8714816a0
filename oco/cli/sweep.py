"""``oco sweep``: the experiments of a study, resumable, on one machine or on many."""

from __future__ import annotations

import click

from oco.cli import output
from oco.cli.completion import FILE
from oco.cli.options import OUTPUT, Sectioned, jobs_option, option
from oco.cli.progress import bar
from oco.options import WHAT

__all__ = ["sweep"]

# \b keeps the line breaks.
EXAMPLES = """\b
A study:
  title = "Regret against rank"
  [experiment]
  stream = "drift"
  d = 200
  T = 5000
  [grid]
  algorithm = ["ogd", "adagrad", "full-adagrad", "s-adagrad"]
  k = [5, 10, 20, 40]
  seed = { count = 5 }
"""
# Failures listed in full; a broken cluster may have thousands of one kind.
LISTED = 20


@click.command(
    cls=Sectioned, epilog=EXAMPLES, short_help="Run a study of many experiments; resumable."
)
@click.argument("study", metavar="STUDY.toml", type=FILE)
@option(OUTPUT, "--out", unit="DIR", required=True, help="Where each experiment's result is kept.")
@jobs_option
@option(
    WHAT,
    "--dask",
    unit="ADDRESS",
    help="Compute on the workers of the Dask scheduler at this address; this machine writes.",
)
@option(
    WHAT,
    "--dry-run",
    is_flag=True,
    help="Check the study and say what would run; nothing of your own that it names is called.",
)
@click.pass_context
def sweep(context, /, study, out, jobs, dask, dry_run) -> None:
    """Run the experiments of a study that are not in DIR yet.

    The study is checked whole before anything runs.  One that names things of your own as
    module:name is code: their modules are imported, even by --dry-run.  A sweep that was stopped,
    or killed, goes on where it was; one experiment that fails does not stop the others.  The exit
    code is 1 if any failed or violated a bound.
    """
    with output.bad_input():
        from oco.sweeps import read_study
        from oco.sweeps.local import resolve_jobs

        plan = read_study(study, rehearse=not dry_run)
        jobs = resolve_jobs(jobs)
    if dry_run:
        _print_plan(plan, out)
        return
    with output.bad_input(), bar("experiments", len(plan.experiments)) as advance:
        from oco.sweeps import Store
        from oco.sweeps import sweep as run_sweep

        Store(out).save_title(plan.title)
        step = advance and (lambda state: advance(state.skipped + state.computed))
        state = run_sweep(plan.experiments, out, jobs=jobs, dask=dask, progress=step)
    _conclude(context, plan, state, out)


def _print_plan(plan, out: str) -> None:
    from oco.sweeps import Store

    store = Store(out)
    done = sum(store.saved(experiment) is not None for experiment in plan.experiments)
    output.say(f"{plan.title}: {len(plan.experiments)} experiments, {done} of them done in {out}")


def _conclude(context, plan, state, out: str) -> None:
    output.say(
        f"{plan.title}: {state.total} experiments, {state.skipped} done before, "
        f"{state.computed} computed now, {len(state.faults)} with problems; in {out}"
    )
    for outcome in state.faults[:LISTED]:
        output.loud(f"{_describe(outcome.experiment)}: {outcome.fault}")
    if len(state.faults) > LISTED:
        output.loud(f"and {len(state.faults) - LISTED} more; 'oco report {out}' lists them all")
    if state.interrupted:
        output.loud(f"interrupted: {state.missing} experiments are left; run it again to go on")
        context.exit(output.INTERRUPTED)
    if state.faults:
        context.exit(output.FAILED)


def _describe(experiment) -> str:
    """Return the options of an experiment that differ from the defaults."""
    from oco.results.experiment import given_options

    given = given_options(experiment)
    algorithm = given.pop("algorithm")
    return f"{algorithm} ({', '.join(f'{name}={value}' for name, value in given.items())})"
