"""The options of ``oco run``, in the sections of its help page."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import click

from oco.cli.completion import complete
from oco.cli.output import DEBUG

__all__ = [
    "WHOLE",
    "Once",
    "Sectioned",
    "experiment_options",
    "jobs_option",
    "option",
    "options_without",
    "output_options",
    "overwrite_option",
]

# More digits than any size has; the number is not made before they are counted.
DIGITS = 30
WHAT, LOSSES, CHECKS, OUTPUT = "What to run", "The losses", "What to check", "Output"


class Whole(click.ParamType):
    """An integer, also written as 1e4 or 10_000."""

    name = "integer"

    def convert(self, value, parameter, context) -> int:
        """Return the integer that a text stands for."""
        if isinstance(value, int):
            return value
        try:
            number = Decimal(value)
            if number.adjusted() < DIGITS and number == number.to_integral_value():
                return int(number)
        except ArithmeticError:
            pass
        self.fail(f"{value!r} is not a valid integer.", parameter, context)


WHOLE = Whole()


class SectionedOption(click.Option):
    """An option that knows its section of the help page."""

    def __init__(self, *names, section: str, **settings) -> None:
        super().__init__(*names, **settings)
        self.section = section


def _debug_option() -> click.Option:
    return SectionedOption(
        ["--debug"],
        section=OUTPUT,
        is_flag=True,
        expose_value=False,
        # Before what it is to explain.
        is_eager=True,
        callback=lambda context, parameter, value: context.meta.update({DEBUG: value}),
        help="Where something raised an error, print its traceback too.",
    )


class Once(click.Command):
    """A command that refuses an option given again, of which click would take the last.

    `several` says, for an option's name or for any other (``""``), which command takes more than
    one value.
    """

    def __init__(self, *arguments, several: dict[str, str] | None = None, **settings) -> None:
        super().__init__(*arguments, **settings)
        self.several = several or {}
        self.params.append(_debug_option())

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        """Parse, once it is known that nothing is given twice."""
        if not context.resilient_parsing:
            _, _, order = self.make_parser(context).parse_args(list(arguments))
            for parameter, times in Counter(order).items():
                self._require_once(context, parameter, times)
        return super().parse_args(context, arguments)

    def _require_once(self, context: click.Context, parameter: click.Parameter, times: int) -> None:
        # A flag that is given again says nothing new, unless there is another against it.
        harmless = getattr(parameter, "is_flag", False) and not parameter.secondary_opts
        if times == 1 or parameter.multiple or harmless or not isinstance(parameter, click.Option):
            return
        hint = self.several.get(parameter.name, self.several.get("", ""))
        raise click.UsageError(
            f"{parameter.opts[0]}: given {times} times" + (f"; {hint}" if hint else ""), context
        )


class Sectioned(Once):
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


def option(section: str, *names: str, kind=str, unit: str | None = None, **settings):
    """Return a decorator that adds an option to a section of the help page."""
    flag = settings.get("is_flag") or "/" in names[0]
    if not flag:
        settings |= {"type": WHOLE if kind is int else kind, "metavar": unit}
        settings["shell_complete"] = complete
    return click.option(*names, cls=SectionedOption, section=section, **settings)


_EXPERIMENT = (
    option(
        WHAT,
        "--alg",
        "algorithm",
        unit="NAME",
        required=True,
        help="The learner: a name from 'oco list algs', or package.module:factory.",
    ),
    option(WHAT, "--d", kind=int, help="Dimension, at least 1; with --data, from the file."),
    option(
        WHAT,
        "--shape",
        unit="MxN",
        help="Rows and columns of x, where it is a matrix; takes the place of --d.",
    ),
    option(
        WHAT,
        "--k",
        kind=int,
        show_default="20, or d+1 if less",
        help="Sketch size of a learner that sketches, from 2 to d+1; of a matrix, for each side.",
    ),
    option(
        WHAT,
        "--T",
        "T",
        kind=int,
        help="Rounds, at least 1, as 10000 or 1e4; with --data, all rows by default.",
    ),
    option(
        WHAT,
        "--lr",
        kind=float,
        show_default="what minimises the bound; needs a bounded domain",
        help="Step size η > 0.",
    ),
    option(
        WHAT,
        "--delta",
        kind=float,
        show_default="1",
        help="δ > 0 of ada-fd, in the units of the gradients.",
    ),
    option(WHAT, "--domain", unit="NAME", default="ball", help="ball, box or unconstrained."),
    option(
        WHAT,
        "--radius",
        kind=float,
        default=1.0,
        help="Of the ball, > 0; also the length of the solution planted in stochastic streams.",
    ),
    option(WHAT, "--lower", kind=float, default=-1.0, help="Lower end of the box's sides."),
    option(WHAT, "--upper", kind=float, default=1.0, help="Upper end of the box's sides."),
    option(WHAT, "--seed", kind=int, default=0, help="Of all that is random, at least 0."),
    option(
        LOSSES,
        "--stream",
        unit="NAME",
        show_default="stochastic; with --shape matrix-lowrank",
        help="Where the rounds come from: a name from 'oco list streams', or "
        "package.module:stream.",
    ),
    option(
        LOSSES,
        "--data",
        unit="FILE",
        help="Take the rounds from a file: svmlight text, .npz (arrays X and y, or sparse), .npy "
        "with the labels in the last column, .csv or .parquet, compressed or not; - for a pipe; "
        "sklearn:NAME for breast_cancer, diabetes, digits, iris or wine.",
    ),
    option(
        LOSSES,
        "--label",
        unit="COLUMN",
        show_default="the last of a .npy file",
        help="The column with the labels: its name, or its number from 1, -1 for the last.",
    ),
    option(
        LOSSES,
        "--labels",
        unit="FILE",
        help="Take the labels from a file of their own: .npy, or text with one a line.",
    ),
    option(
        LOSSES,
        "--loss",
        unit="NAME",
        show_default="the stream's own",
        help="What a wrong prediction costs: a name from 'oco list losses', or "
        "package.module:loss.",
    ),
    option(
        LOSSES,
        "--spectrum",
        unit="TEXT",
        show_default="power:1",
        help="Of the features' covariance: power:α, exp:q, lowrank:r[:noise] or flat.",
    ),
    option(
        LOSSES,
        "--noise",
        kind=float,
        show_default="0.1",
        help="Chance that a class label is wrong, 0 to 0.5; or width of a real label's error.",
    ),
    option(
        LOSSES,
        "--turns",
        kind=float,
        show_default="0.25",
        help="Full turns of the leading subspace of drift and matrix-rotating over the run.",
    ),
    option(
        LOSSES,
        "--r",
        kind=int,
        show_default="20, or d if less; 4 of a matrix",
        help="Number of directions of the orthonormal stream; rank of a matrix stream's gradients.",
    ),
    option(
        LOSSES,
        "--bias/--no-bias",
        default=True,
        help="Whether to append a feature that is always 1 to those of a file.",
    ),
    option(
        LOSSES,
        "--features",
        kind=int,
        show_default="the largest seen",
        help="Number of features in a file whose last ones may never occur.",
    ),
    option(
        LOSSES,
        "--positive",
        unit="VALUE",
        show_default="the larger of the two labels",
        help="The label of a file that is +1 for a binary loss, against all others.",
    ),
    option(
        CHECKS,
        "--checkpoints",
        kind=int,
        default=5,
        help="How often the bounds are checked in each tenfold of rounds.",
    ),
    option(
        CHECKS,
        "--prefix-regret",
        is_flag=True,
        help="Check every checkpoint in full, against the best fixed point of its rounds; slow. "
        "Else only the last is, and for linear losses all.",
    ),
    option(
        CHECKS,
        "--gap",
        kind=float,
        default=1e-3,
        help="Certify the best fixed point to this fraction of the regret.",
    ),
)

_OUTPUT = (
    option(
        OUTPUT, "--plot", unit="FILE", help="Draw regret and bounds: a .png, .pdf or .svg file."
    ),
    option(
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


def options_without(*names: str):
    """Return a decorator that adds the options of `oco.Experiment` but those called `names`."""

    def decorate(command):
        # A decorator tells what it adds only by adding it.
        def bare() -> None: ...

        for add in _EXPERIMENT:
            bare = add(bare)
        chosen = [parameter for parameter in bare.__click_params__ if parameter.name not in names]
        command.__click_params__ = [*getattr(command, "__click_params__", []), *chosen]
        return command

    return decorate


def output_options(command):
    """Add the options that say how a result is shown."""
    return _decorated(command, _OUTPUT)


def overwrite_option(command):
    """Add the leave to replace what is saved already."""
    return option(
        OUTPUT,
        "--overwrite",
        is_flag=True,
        help="Replace what --out names, if it is there already.",
    )(command)


def jobs_option(command):
    """Add the number of experiments to run at a time."""
    return option(
        OUTPUT,
        "--jobs",
        kind=int,
        show_default="as many as there are cores",
        help="How many experiments to run at a time on this machine.",
    )(command)


def _decorated(command, options):
    for add in reversed(options):
        command = add(command)
    return command
