"""What a shell offers for a value; any other text, an import string say, stays allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

__all__ = ["complete"]

# Options whose value is a file or a directory, by the unit that their help page shows.
PATHS = {"FILE": "file", "FILE.html": "file", "FILE.json": "file", "DIR": "dir"}


def complete(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return what may stand for a parameter's value, given its beginning."""
    place = PATHS.get(parameter.metavar or "", "file")
    if isinstance(parameter.type, click.Choice):
        return parameter.type.shell_complete(context, parameter, incomplete)
    if isinstance(parameter, click.Argument) or parameter.metavar in PATHS:
        return [CompletionItem(incomplete, type=place)]
    values = _VALUES.get(parameter.name or "")
    if values is None:
        return []
    return [CompletionItem(value) for value in values(context) if value.startswith(incomplete)]


def _algorithms(context: click.Context) -> Iterable[str]:
    from oco.algorithms import ALGORITHMS

    return ALGORITHMS


def _losses(context: click.Context) -> Iterable[str]:
    from oco.losses import LOSSES

    return LOSSES


def _streams(context: click.Context) -> Iterable[str]:
    from oco.losses import STREAMS

    return STREAMS


def _domains(context: click.Context) -> Iterable[str]:
    from oco.domains import DOMAINS

    return DOMAINS


def _spectra(context: click.Context) -> Iterable[str]:
    from oco.losses.spectra import SPECTRA

    # A colon where numbers follow, which are the user's.
    return [written.partition(":")[0] + ":" * (":" in written) for written, _ in SPECTRA.values()]


def _kinds(context: click.Context) -> Iterable[str]:
    from oco.cli.plot import KINDS

    return KINDS


def _optimizers(context: click.Context) -> Iterable[str]:
    from oco.optimizers import OPTIMIZERS

    return OPTIMIZERS


def _properties(context: click.Context) -> Iterable[str]:
    from oco.verification import PROPERTIES

    return PROPERTIES


# By the name of the parameter.
_VALUES: dict[str, Callable[[click.Context], Iterable[str]]] = {
    "algorithm": _algorithms,
    "algorithms": _algorithms,
    "alg": _optimizers,
    "loss": _losses,
    "stream": _streams,
    "domain": _domains,
    "spectrum": _spectra,
    "kind": _kinds,
    "by": lambda context: ("loss", "regret"),
    "only": _properties,
}
