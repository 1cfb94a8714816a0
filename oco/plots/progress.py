"""Averages over the rounds: of losses, of wrong signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from oco.plots import drawing

__all__ = ["progress"]


def progress(panels: Sequence[tuple[str, str, Mapping[str, tuple]]], title: str) -> Figure:
    """Draw what each learner's rounds came to on average, up to round t: a panel a measure.

    Parameters
    ----------
    panels : sequence of (str, str, mapping)
        A heading; what is averaged, as the axis says it; and from a learner's name to (t, average
        up to t), arrays of shape (c,).
    title : str
        The setting.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = progress([("a", "loss", {"ogd": ([1, 10, 100], [0.7, 0.5, 0.4])})], "an example")
    >>> figure.axes[0].get_ylabel()
    'loss, average up to round t'
    """
    figure, axes = drawing.grid_of(len(panels))
    for place, (heading, measure, curves) in zip(axes, panels, strict=True):
        _draw(place, measure, curves)
        drawing.title(place, heading)
    drawing.legend(axes[0], ncols=2)
    drawing.heading(figure, title)
    drawing.caption(
        figure,
        "That one learner is better than another is refuted where their lines change order before "
        "the last round. One pass in the given order; no band, for nothing here is random.",
    )
    return figure


def _draw(axes, measure: str, curves: Mapping[str, tuple]) -> None:
    label = f"{measure}, average up to round t"
    drawing.clean(axes, xscale="log", xlabel="rounds t", ylabel=label)
    for name, (t, values) in curves.items():
        look = drawing.style(name, list(curves))
        drawing.band(axes, t, np.asarray(values), label=name, look=look)
    # The axis leaves out what is above the values halfway: the first averages are of few rounds.
    late = [np.asarray(values)[len(values) // 2 :] for _, values in curves.values()]
    low, high = min(map(np.min, late)), max(half[0] for half in late)
    spread = max(float(high - low), 1e-12)
    axes.set_ylim(low - 0.15 * spread, high + 0.5 * spread)
