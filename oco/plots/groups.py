"""Results sorted for a figure: by setting, then by learner, then by seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oco import checks
from oco.results import Result
from oco.results.comparison import label
from oco.results.experiment import heading, setting
from oco.results.tables import dimension, domain

__all__ = ["Line", "Panel", "best_lines", "comparable", "panels", "regret_of", "setting_title"]

# Panels that a page can hold; more is no figure but a table.
MOST_PANELS = 6


@dataclass(frozen=True)
class Line:
    """One learner with one sketch size and rate, on several seeds.

    Attributes
    ----------
    label : str
        Name, and sketch size where there is one.
    algorithm : str
        Name.
    variant : int
        Which of the learner's sketch sizes, counted from 0.
    results : tuple of Result
        A seed each.
    tried : int
        Among how many rates (and δ) this was the best.
    """

    label: str
    algorithm: str
    variant: int
    results: tuple[Result, ...]
    tried: int = 1

    def traces(self, pick) -> tuple[np.ndarray, np.ndarray]:
        """Return the checkpoints that all seeds share, and ``pick(result)`` of each at them."""
        t = self.results[0].trace.t
        for result in self.results[1:]:
            t = np.intersect1d(t, result.trace.t)
        rows = [pick(result)[np.isin(result.trace.t, t)] for result in self.results]
        return t, np.array(rows, dtype=float)


@dataclass(frozen=True)
class Panel:
    """The results on one stream with one loss and domain.

    Attributes
    ----------
    title : str
        The setting.
    results : tuple of Result
    """

    title: str
    results: tuple[Result, ...]


def panels(results: Iterable[Result], *, most: int = MOST_PANELS) -> list[Panel]:
    """Sort results by setting: everything but the learner's own options and the seed.

    Raises
    ------
    ValueError
        If there are none, or more settings than a figure can show.
    """
    found: dict[str, list[Result]] = {}
    for result in results:
        shared = setting(result.experiment) | {"seed": None}
        found.setdefault(repr(shared), []).append(result)
    if not found:
        raise ValueError("results: nothing to draw")
    if len(found) > most:
        raise ValueError(
            f"results: {len(found)} different settings, more than the {most} that a figure can "
            "show; choose among them with --where"
        )
    return [Panel(setting_title(group), tuple(group)) for group in found.values()]


def setting_title(results: Sequence[Result]) -> str:
    """Return what the results of a panel share, in two lines."""
    experiment, summary = results[0].experiment, results[0].summary
    source = Path(experiment.data).name if experiment.data else summary.stream
    where = ", ".join([source, *heading(experiment)])
    seeds = sorted({result.summary.seed for result in results})
    seed = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds"
    return (
        f"{where}, {summary.loss} loss, {domain(experiment)}\n"
        f"{dimension(summary)}, T = {summary.T:,}, {seed}"
    )


def comparable(result: Result) -> bool:
    """Return whether a run came to its end and has a regret to set beside that of others."""
    return result.summary.regret is not None and result.summary.status == "complete"


def best_lines(results: Iterable[Result]) -> list[Line]:
    """Return one line for each learner and sketch size, at the best of its rates.

    The best rate (and δ) is the one with the least median, over seeds, of the regret's upper end;
    only runs that are `comparable` count.
    """
    groups: dict[str, dict[tuple, list[Result]]] = {}
    for result in results:
        if comparable(result):
            rates = groups.setdefault(label(result.summary), {})
            options = (result.experiment.lr, result.experiment.delta)
            rates.setdefault(options, []).append(result)
    lines: list[Line] = []
    variants: dict[str, int] = {}
    for name, rates in sorted(groups.items(), key=_order):
        best = min(rates.values(), key=_median_regret)
        algorithm = best[0].summary.algorithm
        variants[algorithm] = variants.get(algorithm, -1) + 1
        ordered = tuple(sorted(best, key=lambda result: result.summary.seed))
        lines.append(Line(name, algorithm, variants[algorithm], ordered, len(rates)))
    return lines


def _order(item) -> tuple:
    summary = next(iter(item[1].values()))[0].summary
    return summary.algorithm, summary.k or 0


def regret_of(result: Result) -> float:
    """Return the upper end of the regret of a run that has one."""
    return checks.known("regret", result.summary.regret).hi


def _median_regret(results: list[Result]) -> float:
    return float(np.median([regret_of(result) for result in results]))
