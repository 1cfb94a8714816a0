"""Who takes which option of a run; options that nothing takes are refused, not passed over."""

from __future__ import annotations

import inspect
from collections import ChainMap
from collections.abc import Iterable, Mapping
from typing import Any

from oco import checks
from oco.algorithms import ALGORITHMS
from oco.algorithms.experts import experts
from oco.domains import DOMAINS
from oco.experiment.lookup import EXPERTS, KNOWN_AS, resolve
from oco.losses import LOSSES, STREAMS
from oco.options import OPTIONS
from oco.results.experiment import default_stream

__all__ = ["HARMLESS", "REGISTRIES", "options_of", "refuse_untaken", "taken"]

# An option that may be given where nothing is random: it then says nothing false.
HARMLESS = {"seed"}
REGISTRIES: dict[str, Mapping[str, Any]] = {
    "learner": ChainMap(ALGORITHMS, {f"{EXPERTS}NAME": experts(ALGORITHMS["ogd"])}),
    "loss": LOSSES,
    "stream": STREAMS,
    "domain": DOMAINS,
}


def options_of(thing) -> set[str]:
    """Return the options that a factory's signature names; none for what is no factory.

    Examples
    --------
    >>> from oco.domains import Box
    >>> sorted(options_of(Box))
    ['lower', 'upper']
    """
    if not callable(thing):
        return set()
    return {KNOWN_AS.get(name, name) for name in inspect.signature(thing).parameters}


def taken(given: Mapping, objects: Mapping | None = None) -> set[str]:
    """Return the options that the learner, loss, stream or domain takes.

    Parameters
    ----------
    given : mapping
        Options of an experiment that were given; `algorithm` is one of them.
    objects : mapping, optional
        The things themselves that are not given by name.

    Raises
    ------
    ValueError
        If a name is unknown.
    """
    objects = objects or {}
    stream = _stream(given)
    name = given.get("loss")
    loss = objects.get("loss")
    if loss is None and name is not None and name not in LOSSES:
        loss = resolve("loss", name, LOSSES)
    things = [
        loss,
        objects.get("algorithm") or resolve("algorithm", given["algorithm"], ALGORITHMS),
        objects.get("stream") or resolve("stream", stream, STREAMS),
        objects.get("domain") or DOMAINS[checks.choice("domain", _domain(given), DOMAINS)],
    ]
    common = {name for name, option in OPTIONS.items() if "run" in option.takers}
    names = common.union(*map(options_of, things))
    return names | {"data"} if stream == "data" else names


def refuse_untaken(given: Mapping, takes: Iterable[str]) -> None:
    """Refuse options that were given, other than their defaults, and that nothing takes.

    Raises
    ------
    ValueError
        With the first of them, and who takes it.

    Examples
    --------
    >>> refuse_untaken({"algorithm": "ogd", "k": 5}, {"algorithm", "lr"})
    Traceback (most recent call last):
    ...
    ValueError: k: not taken by the learner ogd, the stream stochastic or the domain ball; ...
    """
    takes = set(takes) | HARMLESS
    for name, value in given.items():
        if value is None or name in takes:
            continue
        here = f"the learner {given['algorithm']}, the stream {_stream(given)} or the domain "
        others = [
            f"{kind} {', '.join(found)}"
            for kind, registry in REGISTRIES.items()
            if (found := [known for known, thing in registry.items() if name in options_of(thing)])
        ]
        raise ValueError(
            f"{name}: not taken by {here}{_domain(given)}; taken by {'; '.join(others)}"
        )


def _stream(given: Mapping) -> str:
    return given.get("stream") or default_stream(
        given.get("loss"), given.get("data"), given.get("shape")
    )


def _domain(given: Mapping) -> str:
    return given.get("domain") or OPTIONS["domain"].default
