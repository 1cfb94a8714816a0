"""What each sketch size would cost and promise."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from oco.plots import drawing
from oco.ranks import Advice, LayerAdvice

__all__ = ["advice"]


def advice(found: Advice | LayerAdvice) -> Figure:
    """Draw, over k, the predicted ratio of the bounds and the captured mass, as brackets.

    Parameters
    ----------
    found : Advice or LayerAdvice
        From `oco.ranks.advise`; that of layers is drawn as its own `plot` draws it.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from oco.ranks import advise
    >>> from oco.sketch import FrequentDirections
    >>> sketch = FrequentDirections(d=8, k=5)
    >>> sketch.extend(np.eye(8))
    >>> figure = advice(advise(sketch))
    >>> [axes.get_xlabel() for axes in figure.axes]
    ['sketch size k', 'sketch size k']
    """
    if isinstance(found, LayerAdvice):
        return found.plot()
    figure, (left, right) = drawing.canvas(2, height=4.6)
    k = np.array([choice.k for choice in found.choices])
    _bracket(left, found, "ratio", k, "#0072B2", "S-AdaGrad's bound over full AdaGrad's")
    drawing.clean(
        left, xscale="log", yscale="log", xlabel="sketch size k",
        ylabel="ratio of the bounds (no unit)",
    )  # fmt: skip
    best = found.recommended
    if found.error is None:
        asked, wanted, label = left, found.target, f"target {found.target:g}"
    else:
        asked, wanted, label = right, 1 - found.error, f"error {found.error:g}"
    asked.axhline(wanted, color="#D55E00", linestyle="--", lw=1.2, label=label)
    if best is not None:
        asked.plot(
            best.k, best.ratio_hi if asked is left else best.captured_lo, "o", markersize=11,
            mfc="none", color="black", label=f"recommended: k = {best.k}",
        )  # fmt: skip
    _bracket(right, found, "captured", k, "#009E73", "mass in the top k − 1 directions")
    drawing.clean(
        right, xscale="log", xlabel="sketch size k", ylabel="fraction of tr G (no unit)",
        ylim=(0, 1.05),
    )  # fmt: skip
    for axes in (left, right):
        drawing.sizes(axes)
        drawing.legend(axes)
    drawing.heading(
        figure, f"{found.rows:,} gradients, d = {found.d:,}, one sketch of size {found.size}"
    )
    drawing.caption(
        figure,
        "Lines and dashes are proven upper and lower ends. Refuted if the ratio or the mass "
        "computed from the full spectrum of G lies outside its bracket at any k.",
    )
    return figure


def _bracket(axes, found: Advice, name: str, k: np.ndarray, color: str, label: str) -> None:
    low, high = (
        np.array([getattr(choice, f"{name}_{end}") for choice in found.choices])
        for end in ("lo", "hi")
    )
    axes.plot(k, high, color=color, lw=1.8, label=f"{label}: at most")
    axes.plot(k, low, color=color, lw=1.4, linestyle=(0, (3, 2)), label="at least")
    axes.fill_between(k, low, high, color=color, alpha=0.15, lw=0)
