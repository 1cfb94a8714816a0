"""From a name or an import string to the thing itself, called with the options that it takes."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping

from oco import checks

__all__ = ["Options", "described", "resolve"]

# Options that the thing itself calls otherwise than the user does.
KNOWN_AS = {"path": "data"}


def resolve(kind: str, name: str, registry: Mapping):
    """Return the entry of `registry` called `name`, or what ``package.module:attribute`` names.

    Parameters
    ----------
    kind : str
        The option that the errors name.
    name : str
        A key of the registry or an import string.
    registry : mapping

    Raises
    ------
    ValueError
        If there is no such thing; the closest name is given.

    Examples
    --------
    >>> resolve("stream", "fractions:Fraction", {})
    <class 'fractions.Fraction'>
    >>> resolve("stream", "fractions:Fractoin", {})
    Traceback (most recent call last):
    ...
    ValueError: stream: the module 'fractions' has no 'Fractoin'; did you mean 'Fraction'?
    """
    if name in registry:
        return registry[name]
    if ":" not in name:
        checks.choice(kind, name, registry)
    module_name, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in [*module_name.split("."), *attribute.split(".")]):
        raise ValueError(f"{kind}: expected a name or 'package.module:attribute', got {name!r}")
    found = _module(kind, module_name)
    for part in attribute.split("."):
        if not hasattr(found, part):
            near = checks.closest(part, [word for word in vars(found) if word[0] != "_"])
            raise ValueError(f"{kind}: the module {module_name!r} has no {attribute!r}{near}")
        found = getattr(found, part)
    return found


def described(value) -> str:
    """Return the import string of an object, or of its class; a text stands for itself.

    Examples
    --------
    >>> from fractions import Fraction
    >>> described(Fraction), described(Fraction(1, 2)), described("ogd")
    ('fractions:Fraction', 'fractions:Fraction', 'ogd')
    """
    if isinstance(value, str):
        return value
    home = value if hasattr(value, "__qualname__") else type(value)
    return f"{home.__module__}:{home.__qualname__}"


class Options:
    """The options of a run, offered to the things that it is made of.

    Parameters
    ----------
    values : mapping
        By name; None where an option was not given.

    Attributes
    ----------
    taken : set of str
        Names that some factory took.

    Examples
    --------
    >>> options = Options({"d": 3, "k": None, "lr": 0.1})
    >>> options.call("algorithm", lambda d, k=7: (d, k))
    (3, 7)
    >>> sorted(options.unused())
    ['lr']
    """

    def __init__(self, values: Mapping) -> None:
        self.values = dict(values)
        self.taken: set[str] = set()

    def call(self, kind: str, factory: Callable):
        """Call `factory` with exactly the options that its signature names and that were given.

        Raises
        ------
        ValueError
            If it needs an option that was not given or does not exist.
        """
        if not callable(factory):
            raise ValueError(f"{kind}: expected something to call, got {factory!r}")
        try:
            parameters = inspect.signature(factory).parameters.values()
        except ValueError as error:
            raise ValueError(f"{kind}: {error}") from None
        arguments = {}
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            name = parameter.name
            self.taken.add(name)
            if self.values.get(name) is not None:
                arguments[name] = self.values[name]
            elif parameter.default is parameter.empty:
                self._refuse(kind, factory, name)
        return factory(**arguments)

    def unused(self) -> set[str]:
        """Return the names of the options that were given and that nothing took."""
        return {name for name, value in self.values.items() if value is not None} - self.taken

    def _refuse(self, kind: str, factory: Callable, name: str) -> None:
        who = getattr(factory, "name", None) or getattr(factory, "__name__", repr(factory))
        who = f"the {kind} {who}"
        if name not in self.values:
            raise ValueError(
                f"{kind}: {who} needs an argument {name!r}, which is no option "
                f"(options: {', '.join(self.values)})"
            )
        raise ValueError(f"{KNOWN_AS.get(name, name)}: not given, and {who} needs it")


def _module(kind: str, name: str):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise ValueError(
                f"{kind}: there is no module {error.name!r}, installed or in this directory"
            ) from None
        fault: Exception = error
    except Exception as error:
        fault = error
    raise ValueError(
        f"{kind}: importing {name!r} failed: {type(fault).__name__}: {fault}"
    ) from fault
