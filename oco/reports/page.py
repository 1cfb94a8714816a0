"""One self-contained HTML file: figures, tables, configuration, versions, what went wrong."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources

import jinja2

from oco import plots
from oco.options import OPTIONS
from oco.plots.groups import Panel, best_lines, comparable, panels
from oco.results import Result
from oco.results.comparison import label
from oco.results.experiment import given_options
from oco.results.formats import duration, number, size
from oco.sweeps import Outcome
from oco.texts import shown

__all__ = ["report"]

TEMPLATE = "report.html.j2"
# The most settings of a page, each with figures and a table; for more there is `oco.load_table`.
MOST_SETTINGS = 12


@dataclass(frozen=True)
class _Figure:
    """A figure as the template needs it: a name, a data URL and a caption."""

    name: str
    source: str
    caption: str


@dataclass(frozen=True)
class _Section:
    """One setting of a page: a row for each learner, and figures."""

    anchor: str
    title: str
    headings: list[str]
    rows: list[list[str]]
    figures: list[_Figure]


def report(outcomes: Sequence[Outcome], title: str) -> str:
    """Return the page for outcomes of a sweep, a comparison or a run.

    Parameters
    ----------
    outcomes : sequence of Outcome
        As of ``Store(directory).outcomes()``; those without a result are listed with their message.
    title : str
        Heading of the page.

    Returns
    -------
    str
        HTML that needs nothing else: styles and figures (SVG) are in it.

    Raises
    ------
    ValueError
        If there are more settings than a page can hold.

    Examples
    --------
    >>> import oco
    >>> result = oco.run("ogd", d=3, T=50)
    >>> page = report([Outcome(result.experiment, result)], "An example")
    >>> "<h1>An example</h1>" in page, "http" in page.replace("http://www.w3.org", "")
    (True, False)
    """
    outcomes = sorted(outcomes, key=_place)
    results = [outcome.result for outcome in outcomes if outcome.result is not None]
    found = panels(results, most=MOST_SETTINGS) if results else []
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = environment.from_string(
        resources.files("oco.reports").joinpath(TEMPLATE).read_text(encoding="utf-8")
    )
    complete = [outcome for outcome in outcomes if not outcome.fault]
    page = template.render(
        title=title,
        total=len(outcomes),
        complete=len(complete),
        violated=sum(r.violated for r in results),
        faults=[(_name(o), _given(o), o.fault) for o in outcomes if o.fault],
        sections=[_section(i, panel) for i, panel in enumerate(found)],
        shared=_shared(outcomes),
        runs=[_run(outcome) for outcome in outcomes],
        versions=_versions(results),
        notes=sorted({note for result in results for note in result.summary.notes}),
    )
    return shown(page)


def _section(index: int, panel: Panel) -> _Section:
    lines = best_lines(panel.results)
    rungs = list(dict.fromkeys(b.name for r in panel.results for b in r.summary.bounds))
    headings = ["learner", "seeds", "rates tried", "η", "average loss", "regret (upper end)"]
    headings += [f"{name}: margin" for name in rungs]
    headings += ["escaped mass ρ", "time a round", "memory"]
    rows = []
    for line in lines:
        summaries = [result.summary for result in line.results]
        margins = [_worst_margin(summaries, name) for name in rungs]
        rows.append(
            [
                line.label,
                str(len(summaries)),
                str(line.tried),
                number(summaries[0].lr, 4),
                number(_median(s.average_loss for s in summaries), 6),
                number(_median(s.regret.hi for s in summaries if s.regret is not None), 5),
                *margins,
                number(_median(s.escaped_mass for s in summaries), 4),
                duration(_median(s.seconds_per_round for s in summaries)),
                size(_median(s.state_bytes for s in summaries)),
            ]
        )
    return _Section(f"setting-{index + 1}", panel.title, headings, rows, _figures(panel))


def _worst_margin(summaries, name: str) -> str:
    """Return the smallest margin over the seeds; say if the bound was violated or left open."""
    bounds = [b for s in summaries for b in s.bounds if b.name == name]
    if not bounds:
        return ""
    margins = [bound.margin for bound in bounds if bound.margin is not None]
    text = number(min(margins), 4) if margins else "–"
    if any(bound.holds is False for bound in bounds):
        return f"VIOLATED {text}"
    return f"open {text}" if any(bound.holds is None for bound in bounds) else text


def _figures(panel: Panel) -> list[_Figure]:
    """Return the figures that have something to show."""
    results = panel.results
    with_regret = [r for r in results if comparable(r)]
    sizes = {r.summary.k for r in with_regret if r.summary.k is not None}
    rates = {(label(r.summary), r.summary.lr) for r in results}
    wanted: list[tuple[str, Callable, Sequence[Result]]] = []
    if with_regret:
        wanted.append(("Regret over the rounds", plots.learners, with_regret))
    if len(sizes) > 1:
        wanted.append(("Regret over the sketch size", plots.rank, with_regret))
    if any(r.summary.bounds for r in with_regret):
        wanted.append(("Bounds and their margins", plots.ladder, with_regret))
    if any(r.spectrum is not None for r in with_regret):
        wanted.append(("Spectrum of the gradients", plots.spectrum, with_regret))
    if len(rates) > len({name for name, _ in rates}):
        wanted.append(("Average loss over the learning rate", plots.rates_of_results, results))
    return [_embedded(name, draw(chosen)) for name, draw, chosen in wanted]


def _embedded(name: str, figure) -> _Figure:
    words = " ".join(figure.get_supxlabel().split())
    # The caption goes into the page as text, which a phone can wrap and a screen reader can read.
    figure.supxlabel("")
    buffer = io.BytesIO()
    plots.save(figure, buffer, format="svg")
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return _Figure(name, f"data:image/svg+xml;base64,{encoded}", words)


def _name(outcome: Outcome) -> str:
    return outcome.experiment.algorithm


def _given(outcome: Outcome) -> str:
    """Return the options of an experiment that differ from their defaults."""
    given = given_options(outcome.experiment)
    del given["algorithm"]
    return ", ".join(f"{name} = {value}" for name, value in given.items())


def _shared(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Return the options that are the same in all experiments, and the values of the others."""
    rows = []
    for name in OPTIONS:
        values = sorted((getattr(o.experiment, name) for o in outcomes), key=_order)
        rows.append((name, ", ".join(dict.fromkeys(map(str, values)))))
    return rows


def _place(outcome: Outcome) -> tuple:
    """Return where an experiment stands among others: by its options, one after the other."""
    experiment = outcome.experiment
    return tuple(_order(getattr(experiment, name)) for name in OPTIONS)


def _order(value) -> tuple:
    """Return where a value of an option stands among others: nothing, numbers, then the rest."""
    if value is None:
        return (0, 0, "")
    return (1, value, "") if isinstance(value, int | float) else (2, 0, str(value))


def _run(outcome: Outcome) -> list[str]:
    result = outcome.result
    if result is None:
        return [_name(outcome), _given(outcome), "error", "–", "–", "–"]
    summary = result.summary
    regret = summary.regret
    return [
        label(summary),
        _given(outcome),
        "VIOLATED" if result.violated else summary.status,
        number(summary.average_loss, 6),
        "–" if regret is None else f"{number(regret.lo, 5)} to {number(regret.hi, 5)}",
        number(summary.certificate, 5),
    ]


def _versions(results: list[Result]) -> list[tuple[str, str]]:
    names = dict.fromkeys(name for result in results for name in result.versions)
    rows = [
        (name, ", ".join(sorted({r.versions[name] for r in results if name in r.versions})))
        for name in names
    ]
    engines = sorted({result.summary.engine for result in results})
    return [*rows, ("engine", ", ".join(engines))] if results else rows


def _median(values) -> float | None:
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    middle = len(known) // 2
    return known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2
