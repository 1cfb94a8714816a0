"""The ladder of bounds as a dot plot: how far above the regret each stays."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure

from oco.plots import drawing
from oco.plots.groups import Line, best_lines, comparable, panels, regret_of
from oco.plots.regret import OTHER, STYLES
from oco.results import Result

__all__ = ["ladder"]

# Height of a row, in inches.
ROW = 0.24


def ladder(results: Iterable[Result]) -> Figure:
    """Draw, for each learner, its certified regret and each bound, with the margin as a multiple.

    Parameters
    ----------
    results : iterable of Result
        A panel for each setting, a row for each bound of each learner at its best rate.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If no result has bounds, or there are too many settings.

    Examples
    --------
    >>> import oco
    >>> figure = ladder([oco.run("s-adagrad", d=20, k=5, T=100)])
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['s-adagrad k=5: certificate', 'trace', 'sketch', 'theorem-3']
    """
    found = panels(r for r in results if r.summary.bounds and comparable(r))
    groups = [best_lines(panel.results) for panel in found]
    counts = [sum(len(line.results[0].summary.bounds) for line in lines) for lines in groups]
    height = 1.4 + sum(0.7 + ROW * count for count in counts)
    figure = drawing.Canvas(figsize=(drawing.WIDE, height), dpi=150, layout="constrained")
    axes = figure.subplots(len(found), 1, squeeze=False, height_ratios=counts)[:, 0]
    for panel, lines, place in zip(found, groups, axes, strict=True):
        _draw(place, lines)
        drawing.title(place, panel.title)
    seeds = max(len(line.results) for lines in groups for line in lines)
    drawing.caption(figure, _caption(seeds))
    return figure


def _draw(axes, lines: list[Line]) -> None:
    drawing.clean(axes, grid="x", xscale="log", xlabel="regret and bounds after T rounds (loss)")
    labels: list[str] = []
    legend: set[str] = set()
    for line in lines:
        first = len(labels)
        regret = float(np.median([regret_of(result) for result in line.results]))
        for i, bound in enumerate(line.results[0].summary.bounds):
            labels.append(f"{line.label}: {bound.name}" if i == 0 else bound.name)
            _draw_bound(axes, len(labels) - 1, line, i, regret, legend)
        if regret > 0:
            axes.plot(
                [regret, regret], [first - 0.4, len(labels) - 0.6], color="black", lw=3,
                solid_capstyle="butt", label="regret" if "regret" not in legend else "_regret",
            )  # fmt: skip
            legend.add("regret")
    axes.set_yticks(range(len(labels)), labels, fontsize=drawing.SMALL)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.margins(x=0.12)
    beside = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    axes.legend(frameon=False, fontsize=drawing.SMALL, **beside)


def _draw_bound(axes, row: int, line: Line, i: int, regret: float, legend: set[str]) -> None:
    bounds = [result.summary.bounds[i] for result in line.results]
    name, values = bounds[0].name, [bound.value for bound in bounds if bound.value is not None]
    if len(values) < len(bounds) or not np.all(np.isfinite(values)):
        place = axes.get_yaxis_transform()
        axes.text(0.99, row, "not computed", fontsize=drawing.SMALL, ha="right", transform=place)
        return
    violated = any(bound.holds is False for bound in bounds)
    value, style = float(np.median(values)), STYLES.get(name, OTHER)
    if regret > 0:
        axes.plot([regret, value], [row, row], color="0.7", lw=1, label="_margin")
    low, high = np.quantile(values, [drawing.LOW, drawing.HIGH])
    axes.plot([low, high], [row, row], color=style["color"], lw=4, alpha=0.35, label="_band")
    axes.plot(
        value, row, linestyle="none", color="red" if violated else style["color"],
        marker="X" if violated else style["marker"], markersize=9 if violated else 6,
        label=f"_{name}" if name in legend else name,
    )  # fmt: skip
    legend.add(name)
    factor = f"{value / regret:.3g}×" if regret > 0 else "regret ≤ 0"
    axes.annotate(
        f"{factor} VIOLATED" if violated else factor, (value, row), xytext=(8, 0),
        textcoords="offset points", va="center", fontsize=drawing.SMALL,
        color="red" if violated else "0.25",
    )  # fmt: skip


def _caption(seeds: int) -> str:
    text = (
        "Black: the certified regret (upper end). A proven bound is refuted by a dot left of it at "
        "any checkpoint, which is marked. Beside each dot: bound over regret."
    )
    return text + drawing.over_seeds(seeds)
