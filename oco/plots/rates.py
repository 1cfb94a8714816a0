"""Average loss against the learning rate, with what diverged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from oco import checks
from oco.plots import drawing
from oco.plots.groups import panels
from oco.results import Result, Summary
from oco.results.comparison import label
from oco.results.tables import domain
from oco.sweeps import Tuning

__all__ = ["rates", "rates_of_results", "regret_of_results"]

# The axis reaches from the least loss to this many times the way up to the loss of not moving:
# what lies above is off the scale, and marked.
HEADROOM = 1.6
Pick = Callable[[Summary], float | None]
LOSS, REGRET = "average loss a round (loss)", "regret after T rounds (loss)"


def rates(tunings: Sequence[Tuning], names: Sequence[str] | None = None) -> Figure:
    """Draw the average loss at each rate that was tried; rates that failed are marked at the top.

    Parameters
    ----------
    tunings : sequence of Tuning
        From `oco.tune`, on one stream.  With several values of δ, each rate at its best δ.
    names : sequence of str, optional
        What to call them; the learners' names by default.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import oco
    >>> figure = rates([oco.tune("ogd", [0.1, 1.0], d=5, T=50)])
    >>> figure.axes[0].get_xlabel()
    'learning rate η'
    """
    names = names or [tuning.trials[0].experiment.algorithm for tuning in tunings]
    series = [(name, _points(tuning)) for name, tuning in zip(names, tunings, strict=True)]
    figure, (axes,) = drawing.canvas()
    first = tunings[0].trials[0].experiment
    start = tunings[0].start
    _draw(axes, series, list(names), start)
    where = Path(first.data).name if first.data else f"{first.stream} stream"
    drawing.title(axes, f"learning rates on {where}, {domain(first)}")
    drawing.caption(figure, _caption(1))
    return figure


def regret_of_results(results: Iterable[Result]) -> Figure:
    """Draw the regret's upper end at each rate of a sweep: a panel a setting, a line a learner.

    Parameters
    ----------
    results : iterable of Result
        Failed ones too.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is nothing to draw.
    """
    return _panels(
        results, lambda summary: None if summary.regret is None else summary.regret.hi, REGRET
    )


def rates_of_results(results: Iterable[Result]) -> Figure:
    """Draw the average loss at each rate of a sweep: a panel a setting, a line a learner.

    Parameters
    ----------
    results : iterable of Result
        Failed ones too.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is nothing to draw.
    """
    return _panels(results, lambda summary: summary.average_loss, LOSS)


def _panels(results: Iterable[Result], pick: Pick, what: str) -> Figure:
    found = panels(results)
    figure, axes = drawing.grid_of(len(found))
    seeds = 1
    for panel, place in zip(found, axes, strict=True):
        groups: dict[str, list[Result]] = {}
        for result in sorted(panel.results, key=lambda r: (r.summary.algorithm, r.summary.k or 0)):
            groups.setdefault(label(result.summary), []).append(result)
        series = [(name, _points_of_results(group, pick)) for name, group in groups.items()]
        seeds = max(seeds, *(points[1].shape[0] for _, points in series))
        algorithms = [group[0].summary.algorithm for group in groups.values()]
        _draw(place, series, algorithms, np.nan, what)
        drawing.title(place, panel.title)
    drawing.caption(figure, _caption(seeds))
    return figure


def _points(tuning: Tuning) -> tuple[np.ndarray, np.ndarray]:
    """Return the rates, and the least loss at each over δ; NaN where none came to an end."""
    best: dict[float, float] = {}
    for trial in tuning.trials:
        loss = trial.average_loss if trial.finished else None
        lr = checks.known("lr", trial.experiment.lr)
        best[lr] = np.fmin(best.get(lr, np.nan), np.nan if loss is None else loss)
    lrs = np.array(sorted(best))
    return lrs, np.array([[best[lr] for lr in lrs]])


def _points_of_results(results: list[Result], pick: Pick) -> tuple[np.ndarray, np.ndarray]:
    lrs = sorted({result.summary.lr for result in results if result.summary.lr is not None})
    seeds = sorted({result.summary.seed for result in results})
    losses = np.full((len(seeds), len(lrs)), np.nan)
    for result in results:
        summary = result.summary
        lr, picked = summary.lr, pick(summary)
        if lr is not None and picked is not None and summary.status == "complete":
            place = seeds.index(summary.seed), lrs.index(lr)
            losses[place] = np.fmin(losses[place], picked)
    return np.array(lrs), losses


def _draw(axes, series, algorithms: list[str], start: float, what: str = LOSS) -> None:
    drawing.clean(axes, xscale="log", xlabel="learning rate η", ylabel=what)
    finite = np.concatenate([points[1].ravel() for _, points in series])
    finite = finite[np.isfinite(finite)]
    if what == REGRET and len(finite) and finite.min() > 0:
        axes.set_yscale("log")
    elif len(finite):
        low = finite.min()
        reference = start if np.isfinite(start) else np.median(finite)
        top = low + HEADROOM * max(reference - low, 1e-12 + 0.05 * abs(low))
        pad = 0.05 * (top - low)
        axes.set_ylim(low - pad, top)
    variants: dict[str, int] = {}
    for (name, (lrs, losses)), algorithm in zip(series, algorithms, strict=True):
        variants[algorithm] = variants.get(algorithm, -1) + 1
        look = drawing.style(algorithm, algorithms, variants[algorithm])
        middle = drawing.band(axes, lrs, losses, label=name, look=look)
        if np.isfinite(middle).any():
            best = int(np.nanargmin(middle))
            axes.plot(
                lrs[best], middle[best], marker="o", markersize=11, mfc="none",
                color=look["color"], linestyle="none", label=f"_best of {name}",
            )  # fmt: skip
        _mark_failures(axes, lrs, losses, name, look)
    if np.isfinite(start):
        axes.axhline(start, color="0.4", lw=1, linestyle=(0, (4, 3)), label="never moving")
    drawing.legend(axes)


def _mark_failures(axes, lrs, losses, name: str, look: dict) -> None:
    """Mark at the top the rates at which a run failed, or whose loss is off the scale."""
    with np.errstate(invalid="ignore"):
        off = ~np.isfinite(losses).all(axis=0) | (np.nanmax(losses, axis=0, initial=-np.inf)
                                                  > axes.get_ylim()[1])  # fmt: skip
    if off.any():
        axes.plot(
            lrs[off], np.full(off.sum(), 1.0), "x", color=look["color"], markersize=6,
            transform=axes.get_xaxis_transform(), clip_on=False, label=f"_off the scale: {name}",
        )  # fmt: skip


def _caption(seeds: int) -> str:
    text = (
        "A ring marks the best rate. A × at the top marks a rate whose run failed, diverged, or "
        "lies above the figure. That a learner does well here is refuted by a valley too narrow "
        "to find without hindsight, or at the end of the grid; that it does better than another, "
        "by a ring that is not lower."
    )
    return text + drawing.over_seeds(seeds)
