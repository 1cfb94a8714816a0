"""Average loss over the rounds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from oco.plots import drawing

__all__ = ["progress"]


def progress(curves: Mapping[str, tuple], title: str) -> Figure:
    """Draw each learner's average loss up to round t.

    Parameters
    ----------
    curves : mapping
        From a learner's name to (t, average loss): arrays of shape (c,).
    title : str
        The setting.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = progress({"ogd": ([1, 10, 100], [0.7, 0.5, 0.4])}, "an example")
    >>> figure.axes[0].get_ylabel()
    'average loss up to round t (loss)'
    """
    figure, (axes,) = drawing.canvas()
    drawing.clean(axes, xscale="log", xlabel="rounds t", ylabel="average loss up to round t (loss)")
    for name, (t, loss) in curves.items():
        drawing.band(axes, t, np.asarray(loss), label=name, look=drawing.style(name, list(curves)))
    # The axis leaves out what is above the losses halfway: the first averages are of few rounds.
    ends = np.array([np.asarray(loss)[-1] for _, loss in curves.values()])
    halves = np.array([np.asarray(loss)[len(loss) // 2] for _, loss in curves.values()])
    spread = max(float(halves.max() - ends.min()), 1e-12)
    axes.set_ylim(ends.min() - 0.15 * spread, halves.max() + 0.5 * spread)
    drawing.legend(axes)
    drawing.title(axes, title)
    drawing.caption(
        figure,
        "That one learner is better than another is refuted where their lines change order before "
        "the last round. One pass in the given order; no band, for nothing here is random.",
    )
    return figure
