"""The regret of several learners over time, with their certificates."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure

from oco.plots import drawing
from oco.plots.groups import Line, Panel, best_lines, panels
from oco.results import Result

__all__ = ["learners"]


def learners(results: Iterable[Result]) -> Figure:
    """Draw each learner's regret and certificate over the rounds, on logarithmic axes.

    Parameters
    ----------
    results : iterable of Result
        Of any learners, seeds and settings: a panel for each setting, a line for each learner and
        sketch size at the best of its rates, a band over the seeds.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If no result has a regret, or there are too many settings.

    Examples
    --------
    >>> import oco
    >>> figure = learners(oco.compare(["ogd", "s-adagrad"], d=10, k=4, T=100))
    >>> [line.get_label() for line in figure.axes[0].get_lines()][:2]
    ['ogd', '_certificate of ogd']
    """
    found = panels(result for result in results if result.summary.regret is not None)
    figure, axes = drawing.grid_of(len(found))
    seeds = tried = 1
    for panel, place in zip(found, axes, strict=True):
        lines = _draw(place, panel)
        seeds = max([seeds, *(len(line.results) for line in lines)])
        tried = max([tried, *(line.tried for line in lines)])
    drawing.caption(figure, _caption(seeds, tried))
    return figure


def _draw(axes, panel: Panel) -> list[Line]:
    drawing.clean(
        axes, xscale="log", yscale="log", xlabel="rounds t", ylabel="regret after t rounds (loss)"
    )
    lines = best_lines(panel.results)
    names = [line.algorithm for line in lines]
    heights = []
    for line in lines:
        look = drawing.style(line.algorithm, names, line.variant)
        t, regret = line.traces(lambda result: result.trace.regret)
        middle = drawing.band(axes, t, regret, label=line.label, look=look, logarithmic=True)
        heights.append(middle[-1])
        if all(result.trace.certificate is not None for result in line.results):
            t, bound = line.traces(lambda result: result.trace.certificate)
            thin = {**look, "marker": "", "lw": 0.8, "alpha": 0.8}
            drawing.band(axes, t, bound, label=f"_certificate of {line.label}", look=thin)
    positive = [height for height in heights if np.isfinite(height)]
    if positive:
        drawing.guide(axes, t, float(np.median(positive)))
    axes.plot([], [], color="0.3", lw=0.8, label="thin: certificate")
    drawing.legend(axes)
    drawing.title(axes, panel.title)
    return lines


def _caption(seeds: int, tried: int) -> str:
    text = (
        "Refuted if a learner's regret (thick) rises above its own certificate (thin, same colour) "
        "at any t; that one learner is better than another, where their lines change order. The "
        "regret is against the best fixed point of all rounds; where it is not "
        "positive it is not drawn."
    )
    text += drawing.over_seeds(seeds)
    if tried > 1:
        text += f" Each learner at the best of its rates in hindsight (up to {tried} tried)."
    return text
