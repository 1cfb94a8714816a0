"""The sizes that the axes of layers need, as bars."""

from __future__ import annotations

from matplotlib.figure import Figure

from oco.ranks.layers import LayerAdvice

__all__ = ["drawn"]


def drawn(advice: LayerAdvice) -> Figure:
    """Draw for every axis its length, the recommended k and the intrinsic dimension."""
    axes = advice.axes
    figure = Figure(figsize=(8, 1.2 + 0.28 * len(axes)), layout="constrained")
    panel = figure.add_subplot()
    places = range(len(axes))
    panel.barh(places, [one.dim for one in axes], color="0.85", label="length of the axis")
    share = f"{100 * advice.target:g} % of the mass"
    for enough, color, label in (
        (True, "C0", f"k for {share}"),
        (False, "C3", "more than that"),
    ):
        bars = {
            place: one.k or advice.size
            for place, one in zip(places, axes, strict=True)
            if (one.k is not None) == enough
        }
        if bars:
            panel.barh(list(bars), list(bars.values()), height=0.5, color=color, label=label)
    panel.plot(
        [one.dimension_hi for one in axes], places, "k.", label="intrinsic dimension, at most"
    )
    panel.set_yticks(places, [f"{one.layer}, axis {one.axis}" for one in axes])
    panel.invert_yaxis()
    panel.set(xscale="log", xlim=(1, None))
    panel.set_xlabel("directions")
    panel.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize="small")
    return figure
