"""Values that a shell can complete; any other text, an import string say, stays allowed."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from oco import scalars

__all__ = ["DIRECTORY", "FILE", "Named", "OneOf", "Place"]


class Place(click.ParamType):
    """A path, which the shell completes itself."""

    def __init__(self, name: str) -> None:
        self.name = name

    def shell_complete(
        self, context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Tell the shell that it knows better."""
        return [CompletionItem(incomplete, type=self.name)]


FILE, DIRECTORY = Place("file"), Place("dir")


class OneOf(click.Choice):
    """One of a few names; the error knows the closest."""

    def convert(self, value, parameter, context):
        """Return the name that is given."""
        try:
            return scalars.choice(parameter.name, value, self.choices)
        except ValueError as error:
            raise click.UsageError(str(error), context) from None


class Named(click.ParamType):
    """A text that may be one of the names in a registry, ``"package.module:NAMES"``.

    The registry is loaded when the shell asks for it.
    """

    name = "text"

    def __init__(self, home: str) -> None:
        self.home = home

    def names(self) -> Iterable[str]:
        """Return the names; with a colon where something of the user's own is to follow."""
        module, _, attribute = self.home.partition(":")
        registry = getattr(importlib.import_module(module), attribute)
        for name, thing in registry.items():
            yield name + ":" * (":" in getattr(thing, "written", ""))

    def shell_complete(
        self, context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin so."""
        return [CompletionItem(name) for name in self.names() if name.startswith(incomplete)]
