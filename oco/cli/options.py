"""The options of ``oco run``, in the sections of its help page."""

from __future__ import annotations

import click

__all__ = ["Sectioned", "experiment_options", "output_options"]

WHAT, LOSSES, CHECKS, OUTPUT = "What to run", "The losses", "What to check", "Output"


class SectionedOption(click.Option):
    """An option that knows its section of the help page."""

    def __init__(self, *names, section: str, **settings) -> None:
        super().__init__(*names, **settings)
        self.section = section


class Sectioned(click.Command):
    """A command whose help page lists the options by section."""

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each section's options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(context):
            record = parameter.get_help_record(context)
            if record is not None:
                title = getattr(parameter, "section", "Other")
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


def _option(section: str, *names: str, kind=str, unit: str | None = None, **settings):
    flag = settings.get("is_flag") or "/" in names[0]
    if not flag:
        settings |= {"type": kind, "metavar": unit}
    return click.option(*names, cls=SectionedOption, section=section, **settings)


_EXPERIMENT = (
    _option(
        WHAT,
        "--alg",
        "algorithm",
        unit="NAME",
        required=True,
        help="The learner: a name from 'oco list algs', or package.module:factory.",
    ),
    _option(WHAT, "--d", kind=int, help="Dimension, at least 1; with --data, from the file."),
    _option(
        WHAT,
        "--k",
        kind=int,
        show_default="20, or d+1 if less",
        help="Sketch size of a learner that sketches, from 2 to d+1.",
    ),
    _option(
        WHAT, "--T", "T", kind=int, help="Rounds, at least 1; with --data, all rows by default."
    ),
    _option(
        WHAT,
        "--lr",
        kind=float,
        show_default="what minimises the bound; needs a bounded domain",
        help="Step size η > 0.",
    ),
    _option(
        WHAT,
        "--delta",
        kind=float,
        show_default="1",
        help="δ > 0 of ada-fd, in the units of the gradients.",
    ),
    _option(WHAT, "--domain", unit="NAME", default="ball", help="ball, box or unconstrained."),
    _option(
        WHAT,
        "--radius",
        kind=float,
        default=1.0,
        help="Of the ball, > 0; also the length of the solution planted in stochastic streams.",
    ),
    _option(WHAT, "--lower", kind=float, default=-1.0, help="Lower end of the box's sides."),
    _option(WHAT, "--upper", kind=float, default=1.0, help="Upper end of the box's sides."),
    _option(WHAT, "--seed", kind=int, default=0, help="Of all that is random, at least 0."),
    _option(
        LOSSES,
        "--stream",
        unit="NAME",
        show_default="stochastic",
        help="Where the rounds come from: a name from 'oco list streams', or "
        "package.module:stream.",
    ),
    _option(
        LOSSES,
        "--data",
        unit="FILE",
        help="Take the rounds from a file: svmlight text, .npz with arrays X and y, or .npy with "
        "the labels in the last column.",
    ),
    _option(
        LOSSES,
        "--loss",
        unit="NAME",
        show_default="the stream's own",
        help="What a wrong prediction costs: a name from 'oco list losses', or "
        "package.module:loss.",
    ),
    _option(
        LOSSES,
        "--spectrum",
        unit="TEXT",
        show_default="power:1",
        help="Of the features' covariance: power:α, exp:q, lowrank:r[:noise] or flat.",
    ),
    _option(
        LOSSES,
        "--noise",
        kind=float,
        show_default="0.1",
        help="Chance that a class label is wrong, 0 to 0.5; or width of a real label's error.",
    ),
    _option(
        LOSSES,
        "--turns",
        kind=float,
        show_default="0.25",
        help="Full turns of the drift stream's leading subspace over the run.",
    ),
    _option(
        LOSSES,
        "--r",
        kind=int,
        show_default="20, or d if less",
        help="Number of directions of the orthonormal stream.",
    ),
    _option(
        LOSSES,
        "--bias/--no-bias",
        default=True,
        help="Whether to append a feature that is always 1 to those of a file.",
    ),
    _option(
        LOSSES,
        "--features",
        kind=int,
        show_default="the largest seen",
        help="Number of features in a file whose last ones may never occur.",
    ),
    _option(
        CHECKS,
        "--checkpoints",
        kind=int,
        default=8,
        help="How often the bounds are checked in each tenfold of rounds.",
    ),
    _option(
        CHECKS,
        "--prefix-regret",
        is_flag=True,
        help="Also find the best fixed point of the rounds up to each checkpoint; slow.",
    ),
    _option(
        CHECKS,
        "--gap",
        kind=float,
        default=1e-3,
        help="Certify the best fixed point to this fraction of the regret.",
    ),
)

_OUTPUT = (
    _option(
        OUTPUT, "--plot", unit="FILE", help="Draw regret and bounds: a .png, .pdf or .svg file."
    ),
    _option(
        OUTPUT,
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON object and nothing else on standard output.",
    ),
)


def experiment_options(command):
    """Add every option of `oco.Experiment`."""
    return _decorated(command, _EXPERIMENT)


def output_options(command):
    """Add the options that say how a result is shown."""
    return _decorated(command, _OUTPUT)


def _decorated(command, options):
    for option in reversed(options):
        command = option(command)
    return command
