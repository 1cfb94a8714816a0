"""Several runs side by side: a line for each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.text import Text

from oco.results.experiment import heading
from oco.results.formats import duration, number, size
from oco.results.layout import Column, Sheet
from oco.results.result import Result
from oco.results.summary import Bound, Summary
from oco.results.tables import dimension, domain, note

__all__ = ["comparison", "label", "overview", "setting"]


def label(summary: Summary) -> str:
    """Return what tells a learner from others on the same stream.

    Examples
    --------
    >>> import oco
    >>> label(oco.run("s-adagrad", d=5, k=3, T=10).summary)
    's-adagrad k=3'
    """
    return summary.algorithm + ("" if summary.k is None else f" k={summary.k}")


def setting(result: Result) -> str:
    """Return the stream, loss, domain and sizes that learners are compared on, in one line.

    Examples
    --------
    >>> import oco
    >>> setting(oco.run("ogd", d=5, T=10))
    'stochastic stream, logistic loss, ball of radius 1; d = 5, T = 10, seed 0'
    """
    experiment, summary = result.experiment, result.summary
    where = experiment.data or f"{summary.stream} stream"
    parts = [where, *heading(experiment), f"{summary.loss} loss", domain(experiment)]
    return f"{', '.join(parts)}; {dimension(summary)}, T = {summary.T:,}, seed {summary.seed}"


def comparison(results: Sequence[Result]) -> Group:
    """Return tables of runs on the same stream, for a rich console to print.

    Parameters
    ----------
    results : sequence of Result

    Returns
    -------
    rich.console.Group
        Average loss, the regret's interval, escaped mass, time a round and the learner's memory;
        then, for each bound, how far the regret stays below it, and whether it was violated.
    """
    end = Column("to", joined=True)
    k = max((s.dynamic.switches for s in (r.summary for r in results) if s.dynamic), default=0)
    dynamic: list[str | Column] = [f"with {k} switches", end] if k else []
    runs = Sheet("learner", "η", "average loss", "regret", end, *dynamic, "ρ", "a round", "memory")
    for result in results:
        runs.add(*_row(result.summary, bool(k)))
    rungs = list(dict.fromkeys(b.name for result in results for b in result.summary.bounds))
    if not rungs:
        return Group(runs)
    margins = Sheet("bound less regret", *rungs)
    for result in results:
        bounds = {bound.name: bound for bound in result.summary.bounds}
        margins.add(label(result.summary), *(_margin(bounds.get(name)) for name in rungs))
    return Group(runs, "", margins)


def overview(results: Sequence[Result]) -> tuple:
    """Return what learners were compared on, the tables, and what a reader should know."""
    if not results:
        return ("nothing was compared",)
    notes = dict.fromkeys(text for result in results for text in result.summary.notes)
    return setting(results[0]), "", comparison(results), *map(note, notes)


def _row(summary: Summary, with_dynamic: bool) -> list[str | Text]:
    regret = summary.regret
    best = summary.dynamic
    dynamic = [number(best.regret.lo, 5), number(best.regret.hi, 5)] if best else ["–", "–"]
    ends: list[str | Text]
    if summary.status == "complete":
        ends = [number(regret.lo, 5), number(regret.hi, 5)] if regret else ["–", "–"]
    else:
        ends = [Text(summary.status.upper(), "bold red"), "–"]
    return [
        label(summary),
        number(summary.lr, 3),
        number(summary.average_loss, 5),
        *ends,
        *(dynamic if with_dynamic else []),
        number(summary.escaped_mass, 4),
        duration(summary.seconds_per_round),
        size(summary.state_bytes),
    ]


def _margin(bound: Bound | None) -> str | Text:
    if bound is None:
        return ""
    if bound.holds is False:
        return Text(f"VIOLATED {number(bound.margin, 4)}", "bold red")
    if bound.holds is None:
        return Text(f"open {number(bound.margin, 4)}", "yellow")
    return number(bound.margin, 4)
