"""Trainings as tables to read."""

from __future__ import annotations

import math

import numpy as np
from rich.text import Text

from oco.results.formats import duration, number, size
from oco.results.layout import Column, Sheet, line, words
from oco.training.settings import Training
from oco.training.tasks import task_of
from oco.training.trainings import Group, Trainings

__all__ = ["curve_table", "shown", "training_title", "trainings_table"]

# Rows of a table of curves; more does not help the eye.
ROWS = 11


def training_title(training: Training) -> str:
    """Return the task, and how long and on what it is trained."""
    task = task_of(training.task)
    return f"{task.name}: {task.description}; {training.steps:,} steps of {training.batch} examples"


def curve_table(group: Group) -> Sheet:
    """Return loss and accuracy over the steps, means over the seeds, for a console to print."""
    table = Sheet(
        Column("step"), "training loss", "validation loss", "training accuracy",
        "validation accuracy",
    )  # fmt: skip
    curves = [outcome.curves for outcome in group.outcomes]
    count = min(len(curve.step) for curve in curves)
    for i in shown(count):
        loss, validation, accuracy, validated = (
            np.mean([getattr(curve, name)[i] for curve in curves])
            for name in ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")
        )
        table.add(
            f"{curves[0].step[i]:,}", number(loss, 4), number(validation, 4),
            f"{100 * accuracy:.2f} %", f"{100 * validated:.2f} %",
        )  # fmt: skip
    return table


def trainings_table(trainings: Trainings) -> list[Sheet | Text]:
    """Return a row for each optimizer and rate, and notes, for a console to print."""
    best = [group.training for group in trainings.best] if trainings.tuned else []
    groups = trainings.groups
    verdicts = [_verdict(group, group.training in best) for group in groups]
    remarks = [words()] if any(verdicts) else []
    table = Sheet(
        "optimizer", Column("η", joined=True), "training loss", "validation loss",
        "validation accuracy", "second moments", "a step", *remarks,
    )  # fmt: skip
    for group, verdict in zip(groups, verdicts, strict=True):
        style = "bold" if group.training in best else ""
        table.add(*_row(group), *([verdict] if remarks else []), style=style)
    return [table, *_conclusion(trainings)]


def _row(group: Group) -> list[str]:
    last = group.outcomes[-1].summary
    return [
        group.training.label,
        number(group.training.lr, 4),
        _spread(group, "train_loss"),
        _spread(group, "validation_loss"),
        _spread(group, "validation_accuracy", percent=True),
        size(last.second_moment_bytes),
        duration(group.mean("seconds_per_step")),
    ]


def _spread(group: Group, name: str, percent: bool = False) -> str:
    """Return mean ± standard deviation over the seeds, to the deviation's second digit."""
    mean, deviation = group.mean(name), group.deviation(name)
    if mean is None or not group.complete:
        return "–"
    scale, unit = (100, " %") if percent else (1, "")
    if not deviation:
        return f"{scale * mean:.4g}{unit}" + (f" ± 0{unit}" if deviation == 0 else "")
    digits = max(0, 1 - math.floor(math.log10(scale * deviation)))
    return f"{scale * mean:.{digits}f} ± {scale * deviation:.{digits}f}{unit}"


def _verdict(group: Group, chosen: bool) -> str | Text:
    faults = [outcome for outcome in group.outcomes if not outcome.complete]
    if faults:
        first = faults[0].summary
        others = f", {len(faults)} of {len(group.outcomes)} seeds" if len(faults) > 1 else ""
        where = first.message.partition(":")[0]
        return Text(f"{first.status.upper()}, {where}{others}", "red")
    skipped = sum(outcome.summary.skipped for outcome in group.outcomes)
    words = ["best"] if chosen else []
    words += [f"{skipped} gradients skipped: not finite"] if skipped else []
    return "; ".join(words)


def _conclusion(trainings: Trainings) -> list[Text]:
    lines = []
    seeds = max(len(group.outcomes) for group in trainings.groups)
    if seeds > 1:
        lines.append(f"mean ± standard deviation over {seeds} seeds")
    if trainings.tuned:
        lines.append("best: the least validation loss after the last step, in hindsight")
    if not trainings.best:
        lines.append("nothing came to an end")
    return [line(f"· {text}") for text in lines]


def shown(count: int) -> list[int]:
    """Return which of `count` checkpoints a table shows: evenly spaced, the last among them."""
    return np.unique(np.linspace(0, count - 1, ROWS).round().astype(int)).tolist() if count else []
