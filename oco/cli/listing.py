"""``oco list``: what there is to run."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

import click

from oco.cli import output
from oco.cli.options import Sectioned
from oco.cli.tables import export_or_fail, table_files, table_options
from oco.options import OPTIONS

__all__ = ["listing"]

KINDS = ("algs", "losses", "streams", "domains", "optimizers")
# What users call a kind too.
ALIASES = {"learners": "algs", "algorithms": "algs"}
SENTENCES = ("what it is", "labels", "options")
# What a run hands to a factory without the user's doing.
PROVIDED = {"d", "T", "seed", "domain", "loss"}


@click.command(
    "list", cls=Sectioned, short_help="Say what there is to run: learners, losses, streams."
)
@click.argument(
    "kind",
    required=False,
    type=click.Choice([*KINDS, *ALIASES]),
    metavar=f"[learners|{'|'.join(KINDS)}]",
)
@table_options
@click.pass_context
def listing(context, /, kind, csv, latex) -> None:
    """List the learners, losses, streams or domains; or the optimizers in NumPy (oco.optimizers).

    Without a KIND, the names of all.  A learner, loss or stream of your own is named as
    package.module:factory.
    """
    with output.bad_input():
        files = table_files(csv=csv, latex=latex)
    parts = _everything() if kind is None else (_all_of(ALIASES.get(kind, kind)),)
    output.print_rich(*parts)
    export_or_fail(context, parts, files)


def _all_of(kind: str):
    """Return the table of what there is of one kind."""
    from oco.results.layout import Column, Sheet

    tables = (_algs, _losses, _streams, _domains, _optimizers)
    titles, rows = dict(zip(KINDS, tables, strict=True))[kind]()
    table = Sheet(*(Column(title, words=title in SENTENCES, left=True) for title in titles))
    for row in rows:
        table.add(*row)
    return table


def _everything() -> tuple:
    """Return the names of each kind, for a console to print."""
    from oco.domains import DOMAINS
    from oco.experiment.takers import REGISTRIES
    from oco.losses import LOSSES, STREAMS
    from oco.optimizers import OPTIMIZERS
    from oco.results.layout import Sheet, words

    table = Sheet("kind", words("names"), headed=False)
    known: tuple[Iterable[str], ...] = (REGISTRIES["learner"], LOSSES, STREAMS, DOMAINS, OPTIMIZERS)
    for kind, names in zip(("learners", *KINDS[1:]), known, strict=True):
        table.add(kind, ", ".join(names))
    return table, "", "oco list KIND says what each is, and which options it takes"


def _algs():
    from oco.experiment.takers import REGISTRIES

    return ("name", "what it is", "options"), [
        (name, _first_line(factory), _options(factory))
        for name, factory in REGISTRIES["learner"].items()
    ]


def _losses():
    from oco.losses import LOSSES

    return ("name", "what it is", "labels", "smooth"), [
        (name, _first_line(loss), loss.labels, "yes" if loss.smooth else "no")
        for name, loss in LOSSES.items()
    ]


def _streams():
    from oco.losses import STREAMS

    return ("name", "what it is", "loss", "options"), [
        (name, _first_line(stream), stream.default_loss, _options(stream))
        for name, stream in STREAMS.items()
    ]


def _domains():
    from oco.domains import DOMAINS

    return ("name", "what it is", "options"), [
        (name, _first_line(domain), _options(domain)) for name, domain in DOMAINS.items()
    ]


def _optimizers():
    from oco.optimizers import OPTIMIZERS

    return ("name", "what it is", "options"), [
        (name, _first_line(factory), " ".join(_keywords(factory)))
        for name, factory in OPTIMIZERS.items()
    ]


def _keywords(factory) -> list[str]:
    """Return a factory's keywords, as Python takes them."""
    parameters = inspect.signature(factory).parameters.values()
    return [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]


def _first_line(thing) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def _options(factory) -> str:
    """Return the command line's options among the parameters of `factory`."""
    from oco.experiment.lookup import KNOWN_AS

    names = [KNOWN_AS.get(name, name) for name in inspect.signature(factory).parameters]
    return " ".join(f"--{name}" for name in names if name in OPTIONS and name not in PROVIDED)
