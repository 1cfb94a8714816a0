"""Certificates that grow like √T, and certificates that grow faster."""

from __future__ import annotations

import matplotlib
from matplotlib.figure import Figure

from oco.plots import drawing
from oco.reproduce import Separation

__all__ = ["separation"]

# One for each cap on δ, from the tightest to none.
DASHES = ((0, (1, 1)), (0, (3, 1, 1, 1)), "-.", "--", "-")
MARKERS = ("v", "<", ">", "P", "X")


def separation(found: Separation) -> Figure:
    """Draw the certificates of S-AdaGrad and Ada-FD over the rounds, with fitted exponents.

    Parameters
    ----------
    found : Separation
        From `oco.reproduce.separation`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from oco.reproduce import separation as reproduce
    >>> figure = separation(reproduce(d=30, T=200, jobs=1))
    >>> len(figure.axes[0].get_lines())
    7
    """
    figure, (axes,) = drawing.canvas()
    drawing.clean(
        axes, xscale="log", yscale="log", xlabel="rounds t",
        ylabel="certificate at the best η in hindsight (loss)",
    )  # fmt: skip
    shades = matplotlib.colormaps["plasma"]
    for i, growth in enumerate(found.capped):
        look: drawing.Look = {
            "color": shades(0.8 * i / len(found.capped) + 0.1),
            "linestyle": DASHES[i],
        }
        axes.plot(
            found.t, growth.values, lw=1.5, marker=MARKERS[i], markersize=4, **look,
            label=f"{growth.name}: t^{growth.exponent:.2f}",
        )  # fmt: skip
    ours = found.sketched
    axes.plot(
        found.t, ours.values, lw=2.4, markersize=5, **drawing.style("s-adagrad", []),
        label=f"{ours.name}: t^{ours.exponent:.2f}",
    )  # fmt: skip
    drawing.guide(axes, found.t, ours.values[-1] / 2)
    drawing.legend(axes)
    drawing.title(
        axes,
        f"gradients uniform on r = {found.r} orthonormal vectors, k = {found.k}\n"
        f"d = {found.d}, T = {found.T:,}, seed {found.seed}",
    )
    drawing.caption(
        figure,
        "That Ada-FD's certificate grows faster than √t for any bounded δ is refuted by a fitted "
        "exponent of 0.5 for a capped δ; that S-AdaGrad's grows like √t, by an exponent clearly "
        "above 0.5. With δ unbounded Ada-FD is gradient descent, and grows like √t as well.",
    )
    return figure
