"""Regret against sketch size, and the two parts of the bound: trace term and tail term."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, ScalarFormatter

from oco import checks
from oco.plots import drawing
from oco.plots.groups import Line, Panel, best_lines, panels, regret_of
from oco.results import Result

__all__ = ["rank"]

TRACE, TAIL = "trace term", "tail term"


def rank(results: Iterable[Result]) -> Figure:
    """Draw the final regret over the sketch size k, beside the bound's trace and tail terms.

    Parameters
    ----------
    results : iterable of Result
        Of one setting: learners that sketch, with several k, and others as reference lines; a band
        over the seeds.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are several settings, or no learner that sketches.

    Examples
    --------
    >>> import oco
    >>> runs = [oco.run("s-adagrad", d=10, k=k, T=100) for k in (3, 5)]
    >>> figure = rank([*runs, oco.run("ogd", d=10, T=100)])
    >>> figure.axes[0].get_xlabel()
    'sketch size k'
    """
    (panel,) = panels(results, most=1)
    lines = best_lines(panel.results)
    sketched = [line for line in lines if line.results[0].summary.k is not None]
    if not sketched:
        raise ValueError("results: no learner that sketches, so there is no rank to draw over")
    figure, (left, right) = drawing.canvas(2, height=5.2)
    _draw_regret(left, sketched, [line for line in lines if line not in sketched])
    _draw_parts(right, sketched)
    drawing.title(left, panel.title)
    drawing.title(right, "s-adagrad's bound (median over seeds)")
    drawing.caption(figure, _caption(panel))
    return figure


def _draw_regret(axes, sketched: list[Line], references: list[Line]) -> None:
    every = [regret_of(result) for line in [*sketched, *references] for result in line.results]
    # A learner may beat every fixed point, and a regret below 0 has no logarithm.
    scale = "log" if min(every) > 0 else "linear"
    drawing.clean(axes, xscale="log", yscale=scale, xlabel="sketch size k")
    axes.set_ylabel("regret after T rounds (loss)")
    names = [line.algorithm for line in [*sketched, *references]]
    sizes = sorted({_size(line) for line in sketched})
    for algorithm in dict.fromkeys(line.algorithm for line in sketched):
        own = [line for line in sketched if line.algorithm == algorithm]
        seeds = min(len(line.results) for line in own)
        regret = np.array([[regret_of(result) for result in line.results[:seeds]] for line in own])
        drawing.band(
            axes,
            [_size(line) for line in own],
            regret.T,
            label=algorithm,
            look=drawing.style(algorithm, names),
            lw=2,
        )
    ends = np.array([sizes[0] / 1.1, sizes[-1] * 1.1])
    for line in references:
        look = {**drawing.style(line.algorithm, names), "marker": ""}
        regret = np.array([[regret_of(result)] * 2 for result in line.results])
        drawing.band(axes, ends, regret, label=line.label, look=look)
    _ticks(axes, sizes)
    drawing.legend(axes)


def _draw_parts(axes, sketched: list[Line]) -> None:
    """Stack the two terms of the `sketch` rung, with Theorem 3 above them."""
    drawing.clean(axes, grid="y", xlabel="sketch size k", ylabel="bound on the regret (loss)")
    lines = [line for line in sketched if _parts(line.results[0]) is not None]
    if not lines:
        axes.text(
            0.5, 0.5, "the spectrum of G_T was not computed", ha="center", transform=axes.transAxes
        )
        return
    parts = np.array([np.median([_parts(r) for r in line.results], axis=0) for line in lines])
    places = np.arange(len(lines))
    trace, tail, theorem = parts.T
    axes.bar(places, trace, 0.62, color="0.35", label=f"{TRACE}: full-matrix AdaGrad's bound")
    axes.bar(
        places, tail, 0.62, bottom=trace, color="#9CC9E8", hatch="///", edgecolor="0.25",
        label=f"{TAIL}: the escaped mass ρ",
    )  # fmt: skip
    axes.plot(
        places, theorem, color="#D55E00", marker="^", linestyle="--", lw=1.2,
        label="with Ω_k for ρ: Theorem 3",
    )  # fmt: skip
    axes.set_xticks(places, [str(_size(line)) for line in lines])
    drawing.legend(axes)


def _size(line: Line) -> int:
    return checks.known("k", line.results[0].summary.k)


def _parts(result: Result) -> tuple[float, float, float] | None:
    """Return trace term and tail term of the sketch bound, and Theorem 3's value."""
    summary = result.summary
    bounds = {bound.name: bound.value for bound in summary.bounds}
    sketch, theorem, full = (
        bounds.get("sketch"),
        bounds.get("theorem-3"),
        summary.full_adagrad_bound,
    )
    if sketch is None or theorem is None or full is None:
        return None
    diameter, lr = checks.known("diameter", summary.diameter), checks.known("lr", summary.lr)
    trace = (diameter**2 / (2 * lr) + lr) * full / (2**0.5 * diameter)
    return trace, sketch - trace, theorem


def _ticks(axes, sizes: list[int]) -> None:
    axes.set_xticks(sizes)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(NullLocator())


def _caption(panel: Panel) -> str:
    seeds = len({result.summary.seed for result in panel.results})
    text = (
        "Left: that a sketch of size k is enough is refuted where its regret stays above that of "
        "full-matrix AdaGrad beyond the bands. Right: the theorem is refuted if any regret on the "
        "left is above its bar, or a bar above Theorem 3."
    )
    return text + drawing.over_seeds(seeds)
