"""From a name or an import string to the thing itself, called with the options that it takes."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from oco import checks, marks
from oco.algorithms.experts import experts

__all__ = ["EXPERTS", "PARTS", "Options", "described", "resolve"]

# Options that name what a run is made of.
PARTS = ("algorithm", "loss", "stream", "domain")
# Parameters that stand for an option of another name.
KNOWN_AS = {"path": "data"}
# Options whose things bear a mark of another name.
MARKED_AS = {"algorithm": "learner"}
# A prefix of a learner's name: copies of it at several rates.
EXPERTS = "experts:"


def resolve(kind: str, name: str, registry: Mapping):
    """Return the entry of `registry` called `name`, or what ``package.module:attribute`` names.

    Parameters
    ----------
    kind : {"algorithm", "loss", "stream", "sketch"}
        The option, which the errors name.
    name : str
        A key of the registry or an import string.
    registry : mapping

    Returns
    -------
    object
        Of the registry; of a learner's name behind ``experts:`` the factory of copies of it, see
        `oco.algorithms.experts`; or marked as of its kind: see `oco.marks`.  Its module has been
        imported; it has not been called.

    Raises
    ------
    ValueError
        If there is no such thing, with the closest name, or if it is nothing of that kind.

    Examples
    --------
    >>> resolve("stream", "oco.losses:Drift", {})
    <class 'oco.losses.synthetic.Drift'>
    >>> resolve("stream", "oco.losses:Drif", {})
    Traceback (most recent call last):
    ...
    ValueError: stream: the module 'oco.losses' has no 'Drif'; did you mean 'Drift'?
    >>> resolve("stream", "shutil:rmtree", {})
    Traceback (most recent call last):
    ...
    ValueError: stream: 'shutil:rmtree' is not marked as a stream, so it is not called; ...
    """
    if name in registry:
        return registry[name]
    if kind == "algorithm" and name.startswith(EXPERTS):
        return experts(resolve(kind, name.removeprefix(EXPERTS), registry))
    if ":" not in name:
        checks.choice(kind, name, registry)
    module_name, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in [*module_name.split("."), *attribute.split(".")]):
        raise ValueError(f"{kind}: expected a name or 'package.module:attribute', got {name!r}")
    with _looking_here():
        found = _attribute(kind, module_name, attribute)
    mark = MARKED_AS.get(kind, kind)
    if not (_listed(found, registry) or marks.bears(mark, found)):
        raise ValueError(
            f"{kind}: {name!r} is not marked as a {mark}, so it is not called; "
            f"one of your own has {marks.KINDS[mark]} above it"
        )
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

    Examples
    --------
    >>> options = Options({"d": 3, "k": None, "lr": 0.1})
    >>> options.call("algorithm", lambda d, k=7: (d, k))
    (3, 7)
    """

    def __init__(self, values: Mapping) -> None:
        self.values = dict(values)

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
            if self.values.get(name) is not None:
                arguments[name] = self.values[name]
            elif parameter.default is parameter.empty:
                self._refuse(kind, factory, name)
        try:
            return factory(**arguments)
        except (ValueError, TypeError, OSError, ImportError, MemoryError):
            raise
        except Exception as error:
            raise ValueError(
                f"{kind}: {_name(factory)} raised {type(error).__name__}: {error}"
            ) from error

    def _refuse(self, kind: str, factory: Callable, name: str) -> None:
        who = f"the {kind} {_name(factory)}"
        if name not in self.values:
            raise ValueError(
                f"{kind}: {who} needs an argument {name!r}, which is no option "
                f"(options: {', '.join(self.values)})"
            )
        raise ValueError(f"{KNOWN_AS.get(name, name)}: not given, and {who} needs it")


@contextmanager
def _looking_here() -> Iterator[None]:
    """Find modules in the current directory too, after all that are installed."""
    try:
        here = os.getcwd()
    except FileNotFoundError:
        # It was deleted: nothing can be found there.
        yield
        return
    sys.path.append(here)
    try:
        yield
    finally:
        # What was imported may have changed the path as well: the last one is ours.
        for i in reversed(range(len(sys.path))):
            if sys.path[i] == here:
                del sys.path[i]
                break


def _attribute(kind: str, module_name: str, attribute: str):
    found = _module(kind, module_name)
    for part in attribute.split("."):
        if not hasattr(found, part):
            near = checks.closest(part, [word for word in dir(found) if word[0] != "_"])
            raise ValueError(f"{kind}: the module {module_name!r} has no {attribute!r}{near}")
        found = getattr(found, part)
    return found


def _listed(thing, registry: Mapping) -> bool:
    return any(thing is entry for entry in registry.values())


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


def _name(factory: Callable) -> str:
    return str(getattr(factory, "name", None) or getattr(factory, "__name__", repr(factory)))
