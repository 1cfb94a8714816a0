"""What a tuning came to, as a table to read."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from oco.results.formats import duration, number
from oco.sweeps.tuning import Curve, Rate

__all__ = ["tuning_table"]


def tuning_table(curve: Curve) -> tuple[Text, Table, Text]:
    """Return title, table and conclusion of a tuning, for a rich console to print."""
    experiment = curve.rates[0].experiment
    with_delta = len({rate.experiment.delta for rate in curve.rates}) > 1
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    columns = ["η", *(["δ"] if with_delta else []), "average loss"]
    columns += ["regret", "to"] if curve.by == "regret" else []
    for title in (*columns, "time"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", no_wrap=False)
    for rate in curve.rates:
        best = rate is curve.best
        table.add_row(*_row(rate, curve, with_delta, best), style="bold" if best else None)
    where = experiment.data or f"the {experiment.stream} stream"
    title = Text(f"{experiment.algorithm} on {where}: {len(curve.rates)} rates by {curve.by}")
    return title, table, _conclusion(curve)


def _row(rate: Rate, curve: Curve, with_delta: bool, best: bool) -> list:
    cells = [number(rate.experiment.lr, 4)]
    if with_delta:
        cells.append(number(rate.experiment.delta, 4))
    cells.append(number(rate.average_loss, 9))
    if curve.by == "regret":
        ends = rate.regret
        cells += [number(ends.lo), number(ends.hi)] if ends else ["–", "–"]
    cells.append(duration(rate.seconds) if rate.finished else "–")
    if rate.verdict:
        return [*cells, Text(f"{rate.verdict.upper()}: {rate.message}", "red")]
    return [*cells, "best" if best else ""]


def _conclusion(curve: Curve) -> Text:
    best = curve.best
    if best is None:
        return Text("no rate came to an end", "bold red")
    lost = sum(bool(rate.verdict) for rate in curve.rates)
    delta = "" if best.experiment.delta is None else f", δ = {best.experiment.delta:.4g}"
    text = f"best: η = {best.experiment.lr:.4g}{delta}, average loss {best.average_loss:.9g}"
    return Text(text + (f"; {lost} of {len(curve.rates)} rates failed or diverged" if lost else ""))
