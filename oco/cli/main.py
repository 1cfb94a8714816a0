"""The ``oco`` command and its subcommands."""

from __future__ import annotations

import sys

import click

import oco
from oco.cli import output
from oco.cli.compare import compare
from oco.cli.compiling import announced
from oco.cli.listing import listing
from oco.cli.memory import memory
from oco.cli.plot import plot
from oco.cli.program import Program
from oco.cli.rank import rank
from oco.cli.report import report
from oco.cli.reproduce import reproduce
from oco.cli.run import run
from oco.cli.show import show
from oco.cli.spectra import spectra
from oco.cli.sweep import sweep
from oco.cli.tune import tune
from oco.cli.verify import verify

__all__ = ["main"]


# \b keeps the line breaks.
EXAMPLES = """\b
Examples:
  oco run --alg s-adagrad --d 1000 --k 20 --T 10000
  oco run --alg s-adagrad --data FILE --k 10 --lr 0.1 --domain unconstrained
  oco list algs
"""


def _version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        output.say(f"oco {oco.__version__}")
        context.exit()


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    cls=Program,
    epilog=EXAMPLES,
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Print the version and exit.",
)
@click.pass_context
def main(context: click.Context) -> None:
    """Online convex optimization with sketched adaptive regularization.

    Plays a learner against a stream of losses, finds the best fixed point in hindsight, and holds
    the regret against every bound that the learner's theory promises.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a Greek letter gets a question mark, not a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    context.with_resource(announced())


for command in (
    run,
    compare,
    sweep,
    tune,
    spectra,
    plot,
    report,
    rank,
    memory,
    reproduce,
    listing,
    show,
    verify,
):
    main.add_command(command)
