"""What a tuning came to, as a table to read."""

from __future__ import annotations

from rich.text import Text

from oco.results.formats import duration, number
from oco.results.layout import Column, Sheet, line, words
from oco.sweeps.tuning import Trial, Tuning

__all__ = ["tuning_table"]


def tuning_table(tuning: Tuning) -> tuple[Text, Sheet, Text]:
    """Return title, table and conclusion of a tuning, for a rich console to print."""
    experiment = tuning.trials[0].experiment
    with_delta = len({trial.experiment.delta for trial in tuning.trials}) > 1
    columns: list[str | Column] = [Column("δ", joined=True)] if with_delta else []
    columns.append("average loss")
    columns += ["regret", Column("to", joined=True)] if tuning.by == "regret" else []
    table = Sheet(Column("η"), *columns, "time", words())
    for trial in tuning.trials:
        best = trial is tuning.best
        table.add(*_row(trial, tuning, with_delta, best), style="bold" if best else "")
    where = experiment.data or f"the {experiment.stream} stream"
    title = line(f"{experiment.algorithm} on {where}: {len(tuning.trials)} rates by {tuning.by}")
    return title, table, _conclusion(tuning)


def _row(trial: Trial, tuning: Tuning, with_delta: bool, best: bool) -> list:
    cells = [number(trial.experiment.lr, 4)]
    if with_delta:
        cells.append(number(trial.experiment.delta, 4))
    cells.append(number(trial.average_loss, 9))
    if tuning.by == "regret":
        ends = trial.regret
        cells += [number(ends.lo), number(ends.hi)] if ends else ["–", "–"]
    cells.append(duration(trial.seconds) if trial.finished else "–")
    if trial.verdict:
        return [*cells, Text(f"{trial.verdict.upper()}: {trial.message}", "red")]
    return [*cells, "best" if best else ""]


def _conclusion(tuning: Tuning) -> Text:
    best = tuning.best
    if best is None:
        return Text("no rate came to an end", "bold red")
    lost = sum(bool(trial.verdict) for trial in tuning.trials)
    delta = "" if best.experiment.delta is None else f", δ = {best.experiment.delta:.4g}"
    text = f"best: η = {best.experiment.lr:.4g}{delta}, average loss {best.average_loss:.9g}"
    return line(
        text + (f"; {lost} of {len(tuning.trials)} rates failed or diverged" if lost else "")
    )
