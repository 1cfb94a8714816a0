"""The contest as tables."""

from __future__ import annotations

import platform

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.quality.contest import RATES, REPORTED_SEEDS, TUNING_SEEDS, Placement
from benchmarks.quality.task import Task
from benchmarks.quality.timing import StepTime
from oco.results.formats import duration, number, size

__all__ = ["heading", "results", "tuning"]


def heading(task: Task) -> str:
    """Say what is compared, and with what."""
    numbers = sum(parameter.numel() for parameter in task.model().parameters())
    return (
        f"{task.name}: {task.title}\n"
        f"{numbers:,} parameters, {task.steps} steps; {len(RATES)} rates × {len(TUNING_SEEDS)} "
        f"seeds to choose by validation loss, {len(REPORTED_SEEDS)} other seeds to report\n"
        f"Python {platform.python_version()}, PyTorch {torch.__version__}, one thread a run"
    )


def tuning(placements: list[Placement]) -> Table:
    """Return the validation loss of every optimizer at every rate, the best one marked."""
    table = _table("validation loss", *(f"{rate:.1e}" for rate in RATES))
    for placed in placements:
        table.add_row(
            placed.contestant.name,
            *(
                _loss(loss) + ("*" if rate == placed.rate else " ")
                for rate, loss in zip(RATES, placed.tuning, strict=True)
            ),
        )
    return table


def results(
    task: Task,
    placements: list[Placement],
    memory: dict[str, tuple[int, int]],
    times: dict[str, StepTime],
) -> Table:
    """Return means and deviations over the seeds, memory and time; the first row is the rival."""
    table = _table(
        "optimizer", "rate", "test loss", "less Adam's", "wins", task.metric, "second moment",
        "+ graft", "optimizer step", "whole step", "÷ Adam's",
    )  # fmt: skip
    rival = np.array([run.test for run in placements[0].runs])
    for placed in placements:
        name = placed.contestant.name
        losses = np.array([run.test for run in placed.runs])
        statistics, graft = memory[name]
        time = times[name]
        table.add_row(
            name,
            f"{placed.rate:.1e}",
            _spread(losses),
            "–" if placed is placements[0] else _spread(losses - rival, sign="+"),
            "–" if placed is placements[0] else f"{(losses < rival).sum()}/{len(losses)}",
            _spread(np.array([run.metric for run in placed.runs]), digits=2),
            size(statistics),
            size(graft) if graft else "–",
            duration(time.optimizer),
            duration(time.whole),
            f"{time.ratio:.2f}",
        )
    return table


def _table(*titles: str) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column(titles[0], no_wrap=True)
    for title in titles[1:]:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _loss(loss: float) -> str:
    return number(loss, 4) if np.isfinite(loss) else "diverged"


def _spread(values: np.ndarray, digits: int = 4, sign: str = "") -> str:
    """Return mean ± standard deviation over the seeds; or how many diverged."""
    lost = (~np.isfinite(values)).sum()
    if lost:
        return f"{lost} of {len(values)} diverged"
    return f"{values.mean():{sign}.{digits}f} ± {values.std(ddof=1):.{digits}f}"
