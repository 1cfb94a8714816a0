"""Second-moment memory of optimizers over the sketch size."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from oco.memory import Ledger
from oco.memory import ledger as count
from oco.plots import drawing
from oco.results.formats import size

__all__ = ["memory"]

# Sketch sizes at which the curve is computed.
POINTS = 60


def memory(ledger: Ledger) -> Figure:
    """Draw S-Shampoo's second-moment memory over the sketch size, beside the other optimizers'.

    Parameters
    ----------
    ledger : Ledger
        From `oco.memory.ledger`; its sketch sizes are marked on the curve.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = memory(count([(64, 32)], k=[8]))
    >>> figure.axes[0].get_xlabel(), len(figure.axes[0].lines)
    ('sketch size k', 7)
    """
    figure, (axes,) = drawing.canvas()
    drawing.clean(
        axes, xscale="log", yscale="log", xlabel="sketch size k",
        ylabel="second-moment memory (bytes)",
    )  # fmt: skip
    chosen = [(entry.k, entry) for entry in ledger.entries if entry.k is not None]
    longest = max(max(parameter.shape, default=1) for parameter in ledger.parameters)
    longest = max([min(longest, ledger.max_axis or longest), 2, *(k for k, _ in chosen)])
    grid = np.unique(np.geomspace(2, longest, POINTS).round().astype(int)).tolist()
    curve = count(
        ledger.parameters, grid, number_bytes=ledger.number_bytes, max_axis=ledger.max_axis
    )
    names = [entry.optimizer for entry in ledger.entries]
    for entry in ledger.entries:
        held = entry.state.second_moment
        # Nothing has no place on an axis of powers of ten.
        if entry.k is None and held:
            look = {**drawing.style(entry.optimizer, names), "marker": ""}
            axes.plot(
                [grid[0], grid[-1]], [held, held], label=f"{entry.label}: {size(held)}", **look
            )
    look = drawing.style("s-shampoo", names)
    sketched = [entry.state.second_moment for entry in curve.entries if entry.k is not None]
    axes.plot(grid, sketched, label="s-shampoo", **{**look, "marker": "", "lw": 2.2})
    for k, entry in chosen:
        held = entry.state.second_moment
        axes.plot(k, held, label="_chosen", **{**look, "linestyle": "", "markersize": 8})
        axes.annotate(
            f"k = {k}: {size(held)}", (k, held), xytext=(8, -12),
            textcoords="offset points", fontsize=drawing.SMALL,
        )  # fmt: skip
    drawing.sizes(axes)
    drawing.legend(axes)
    drawing.title(
        axes,
        f"{len(ledger.parameters):,} tensors, {ledger.numbers:,} parameters, "
        f"{ledger.number_bytes} bytes a number",
    )
    drawing.caption(
        figure,
        "Counted from the shapes: statistics of the squared gradients, without roots kept besides, "
        "grafting or momentum. Refuted if the statistics that an optimizer really keeps for these "
        "shapes are of another size.",
    )
    return figure
