"""``oco list``: what there is to run."""

from __future__ import annotations

import inspect

import click

__all__ = ["listing"]

KINDS = ("algs", "losses", "streams", "domains")
# What a run hands to a factory without the user's doing.
PROVIDED = {"d", "T", "seed", "domain", "loss"}


@click.command("list")
@click.argument("kind", type=click.Choice(KINDS), metavar="|".join(KINDS))
def listing(kind: str) -> None:
    """List the learners, losses, streams or domains.

    A learner, loss or stream of your own is named as package.module:factory.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    titles, rows = {"algs": _algs, "losses": _losses, "streams": _streams, "domains": _domains}[
        kind
    ]()
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for i, title in enumerate(titles):
        table.add_column(title, style="bold" if i == 0 else None, no_wrap=i == 0)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _algs():
    from oco.algorithms import ALGORITHMS

    return ("name", "what it is", "options"), [
        (name, _first_line(factory), _options(factory)) for name, factory in ALGORITHMS.items()
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


def _first_line(thing) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def _options(factory) -> str:
    """Return the command line's options among the parameters of `factory`."""
    from dataclasses import fields

    from oco.experiment.lookup import KNOWN_AS
    from oco.results import Experiment

    options = {field.name for field in fields(Experiment)} - PROVIDED
    names = [KNOWN_AS.get(name, name) for name in inspect.signature(factory).parameters]
    return " ".join(f"--{name}" for name in names if name in options)
