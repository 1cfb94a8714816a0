"""What a tuning came to, as a table to read."""

from __future__ import annotations

from rich.text import Text

from oco.results.formats import duration, number
from oco.results.layout import Column, Sheet, line, words
from oco.sweeps.tuning import Curve, Rate

__all__ = ["tuning_table"]


def tuning_table(curve: Curve) -> tuple[Text, Sheet, Text]:
    """Return title, table and conclusion of a tuning, for a rich console to print."""
    experiment = curve.rates[0].experiment
    with_delta = len({rate.experiment.delta for rate in curve.rates}) > 1
    columns: list[str | Column] = [Column("δ", joined=True)] if with_delta else []
    columns.append("average loss")
    columns += ["regret", Column("to", joined=True)] if curve.by == "regret" else []
    table = Sheet(Column("η"), *columns, "time", words())
    for rate in curve.rates:
        best = rate is curve.best
        table.add(*_row(rate, curve, with_delta, best), style="bold" if best else "")
    where = experiment.data or f"the {experiment.stream} stream"
    title = line(f"{experiment.algorithm} on {where}: {len(curve.rates)} rates by {curve.by}")
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
    return line(text + (f"; {lost} of {len(curve.rates)} rates failed or diverged" if lost else ""))
