"""Commands whose help page has sections, and that refuse an option given twice."""

from __future__ import annotations

from collections import Counter

import click

from oco.cli.output import DEBUG

__all__ = ["OUTPUT", "Sectioned", "SectionedOption"]

OUTPUT = "Output"


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


class Sectioned(click.Command):
    """A command whose help page lists the options by section, each of which is given once.

    Of an option given again click would take the last.  `several` says, for an option's name
    or for any other (``""``), which command takes more than one value.
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
