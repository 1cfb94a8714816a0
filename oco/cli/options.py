"""The options of the commands: those of a run as `oco.options` has them, and of the output."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import click

from oco.cli.commands import OUTPUT, Sectioned, SectionedOption
from oco.cli.completion import DIRECTORY, FILE, Named
from oco.options import OPTIONS, Option

__all__ = [
    "JSON",
    "OUTPUT",
    "Sectioned",
    "experiment_options",
    "jobs_option",
    "option",
    "overwrite_option",
    "together",
]

# More digits than any size has; the number is not made before they are counted.
DIGITS = 30


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
# What a value is by the unit that stands for it.
PLACES = {"FILE": FILE, "FILE.html": FILE, "FILE.json": FILE, "DIR": DIRECTORY}
TYPES: dict[type, click.ParamType] = {str: click.STRING, int: WHOLE, float: click.FLOAT}
Decorator = Callable[[Any], Any]


def option(
    section: str,
    *names: str,
    kind: type | click.ParamType = str,
    unit: str | None = None,
    **settings: Any,
) -> Decorator:
    """Return a decorator that adds an option to a section of the help page."""
    if not (settings.get("is_flag") or "/" in names[0]):
        known = TYPES[kind] if isinstance(kind, type) else kind
        settings |= {"type": PLACES.get(unit or "", known), "metavar": unit}
    return click.option(*names, cls=SectionedOption, section=section, **settings)


def together(*options: Decorator) -> Decorator:
    """Return a decorator that adds several options, in their order."""

    def add_all(command: Any) -> Any:
        for add in reversed(options):
            command = add(command)
        return command

    return add_all


def experiment_options(command: str) -> Decorator:
    """Return a decorator that adds the options that a command takes of a run."""
    return together(*(_of_a_run(one) for one in OPTIONS.values() if command in one.commands))


def _of_a_run(one: Option) -> Decorator:
    flag = one.flag or f"--{one.name.replace('_', '-')}"
    settings: dict[str, Any] = {"help": one.help, "default": one.default}
    if one.kind.written is bool:
        if one.default:
            flag += f"/--no-{flag[2:]}"
        else:
            settings["is_flag"] = True
        return option(one.section, flag, one.name, **settings)
    if one.default is None:
        settings |= {"show_default": one.otherwise} if one.otherwise else {}
        del settings["default"]
    kind = Named(one.names) if one.names else one.kind.written
    return option(
        one.section, flag, one.name, kind=kind, unit=one.unit, required=one.required, **settings
    )


JSON = option(
    OUTPUT,
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object and nothing else on standard output.",
)
overwrite_option = option(
    OUTPUT, "--overwrite", is_flag=True, help="Replace what --out names, if it is there already."
)
jobs_option = option(
    OUTPUT,
    "--jobs",
    kind=int,
    show_default="as many as there are cores",
    help="How many experiments to run at a time on this machine.",
)
