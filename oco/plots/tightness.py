"""How close certificates are to the regret that occurs."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from oco.plots import drawing
from oco.reproduce import Tightness

__all__ = ["tightness"]

# Each stream's colour, of Okabe and Ito's, and marker; beyond these they start again.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "black", "0.45")
MARKERS = ("^", "v", "s", "D", "o", "P", "<", ">", "X", "*", "p", "h")
# Ratios from here on stand at the edge: how far beyond says nothing more.
EDGE = 1e3


def tightness(found: Tightness) -> Figure:
    """Draw certificate ÷ regret of each learner, a mark for each stream; the tightest on top.

    Parameters
    ----------
    found : Tightness
        From `oco.reproduce.tightness`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from oco.reproduce import tightness as reproduce
    >>> figure = tightness(reproduce(d=6, T=60, k=3, shape="3x2", jobs=1))
    >>> [line.get_label() for line in figure.axes[0].get_lines()][:2]
    ['certificate = regret', 'stochastic']
    """
    least = {name: _least(found, name) for name in found.algorithms}
    # What has no ratio at all is left to the table.
    names = sorted((name for name in least if np.isfinite(least[name])), key=least.__getitem__)
    height = {name: len(names) - i for i, name in enumerate(names)}
    figure, (axes,) = drawing.canvas(height=2.2 + 0.27 * len(names))
    drawing.clean(axes, xscale="log", xlabel="certificate ÷ regret", ylabel="learner")
    axes.axvline(1, color="0.3", lw=1, label="certificate = regret")
    for i, stream in enumerate(found.streams):
        ratios = _ratios(found, stream)
        drawn = [name for name in names if name in ratios]
        axes.plot(
            [min(ratios[name], EDGE) for name in drawn], [height[name] for name in drawn],
            linestyle="", color=COLORS[i % len(COLORS)], marker=MARKERS[i % len(MARKERS)],
            markersize=5.5, alpha=0.85, clip_on=False, label=stream,
        )  # fmt: skip
    axes.set_yticks(list(height.values()), list(height))
    axes.set(xlim=(0.9, EDGE), ylim=(0.4, len(names) + 0.6))
    drawing.legend(axes)
    drawing.title(
        axes,
        f"certificates on {len(found.streams)} streams after T = {found.T:,} rounds, ball of "
        f"radius 1\nd = {found.d}, matrices {found.shape}, k = {found.k}, spectrum "
        f"{found.spectrum}, seed {found.seed}",
    )
    drawing.caption(
        figure,
        "Refuted as certificates by a mark left of 1. That a certificate is tight is shown by one "
        "mark close to 1: it covers the worst losses, and a benign stream has a regret far below. "
        f"Ratios from {EDGE:,.0f} on stand at the right edge; where the regret is not positive "
        "there is no mark. Hedge plays on the simplex. Learners from the least ratio to the "
        "largest.",
    )
    return figure


def _ratios(found: Tightness, stream: str) -> dict[str, float]:
    entries = (entry for entry in found.entries if entry.stream == stream)
    return {entry.algorithm: entry.ratio.hi for entry in entries if entry.ratio is not None}


def _least(found: Tightness, algorithm: str) -> float:
    return min(_ratios(found, stream).get(algorithm, np.inf) for stream in found.streams)
