"""What all figures share: one look, legible in grey and to colour-blind readers, as vectors."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

from oco.results.storage import replace_file
from oco.texts import shown

__all__ = ["Canvas", "band", "canvas", "caption", "clean", "guide", "save", "style"]

# Okabe and Ito's colours, which colour-blind readers can tell apart; each with a marker and dashes
# of its own, which a grey print needs.  A learner looks the same in every figure.
LEARNERS = {
    "ogd": {"color": "#E69F00", "linestyle": (0, (1, 1)), "marker": "P"},
    "adagrad-norm": {"color": "#56B4E9", "linestyle": (0, (3, 1, 1, 1)), "marker": "X"},
    "adagrad": {"color": "#D55E00", "linestyle": "--", "marker": "s"},
    "full-adagrad": {"color": "black", "linestyle": "-", "marker": "o"},
    "s-adagrad": {"color": "#0072B2", "linestyle": "-", "marker": "^"},
    "ada-fd": {"color": "#CC79A7", "linestyle": "-.", "marker": "v"},
    "shampoo": {"color": "#661100", "linestyle": (0, (6, 2)), "marker": ">"},
    "s-shampoo": {"color": "#332288", "linestyle": "-", "marker": "<"},
    "adam": {"color": "#999933", "linestyle": (0, (4, 1, 1, 1)), "marker": "p"},
}
OTHERS = (
    {"color": "#009E73", "linestyle": (0, (5, 1)), "marker": "D"},
    {"color": "0.45", "linestyle": (0, (5, 1, 1, 1, 1, 1)), "marker": "*"},
    {"color": "#B8A500", "linestyle": (0, (2, 2)), "marker": "h"},
)
# A learner's second, third, ... sketch size keeps its colour and marker.
DASHES = (None, (0, (4, 1)), (0, (2, 1)), (0, (1, 1)), (0, (6, 1, 1, 1)), (0, (3, 2, 1, 2)))
# Characters of the caption in an inch of the figure's width.
CAPTION_DENSITY = 18.5
# The band over seeds; with few of them, their whole range or nearly so.
LOW, HIGH = 0.1, 0.9


class Canvas(Figure):
    """A figure whose words are shown as they are: names of files and learners are no formulas.

    The labels of ticks, which matplotlib writes as powers of ten, stay formulas.
    """

    def draw(self, renderer) -> None:
        """Draw it."""
        for text in self._words():
            text.set_parse_math(False)
            text.set_text(shown(text.get_text()))
        super().draw(renderer)

    def _words(self) -> Iterator[Text]:
        parts: list[Artist] = [self]
        while parts:
            part = parts.pop()
            if isinstance(part, Text):
                yield part
            elif isinstance(part, Axis):
                yield part.label
            elif isinstance(part, Legend):
                yield from (part.get_title(), *part.get_texts())
            else:
                parts += part.get_children()


def canvas(columns: int = 1, rows: int = 1, *, width: float = 7.2, height: float = 5.2):
    """Return a figure without any global state, and its axes in a list."""
    figure = Canvas(figsize=(width, height), dpi=150, layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def clean(axes, *, grid: str = "both", **settings) -> None:
    """Take away what is not data, and set labels and scales."""
    axes.set(**settings)
    axes.grid(which="major", axis=grid, color="0.9")
    axes.set_axisbelow(True)
    for spine in ("top", "right"):
        axes.spines[spine].set_visible(False)


def caption(figure: Figure, text: str) -> None:
    """Write what the figure shows, and what would refute it, below it."""
    width = int(figure.get_figwidth() * CAPTION_DENSITY)
    figure.supxlabel(textwrap.fill(text, width), x=0.01, ha="left", fontsize="x-small")


def style(algorithm: str, algorithms: Sequence[str], variant: int = 0) -> dict:
    """Return colour, dashes and marker of a learner.

    Parameters
    ----------
    algorithm : str
        Its name.
    algorithms : sequence of str
        All in the figure: those that are not built in share a few looks.
    variant : int
        Which of its sketch sizes.
    """
    if algorithm in LEARNERS:
        look = LEARNERS[algorithm]
    else:
        others = [name for name in dict.fromkeys(algorithms) if name not in LEARNERS]
        look = OTHERS[others.index(algorithm) % len(OTHERS)]
    dashes = DASHES[variant % len(DASHES)]
    return {**look, **({} if dashes is None else {"linestyle": dashes})}


def band(
    axes, x, values: np.ndarray, *, label: str, look: dict, logarithmic: bool = False, **line
) -> np.ndarray:
    """Draw the median of `values` over its first axis, and the band of quantiles around it.

    Parameters
    ----------
    axes : matplotlib Axes
    x : array_like of shape (n,)
    values : ndarray of shape (seeds, n)
        NaN where there is nothing to draw.
    label : str
        In the legend.
    look : dict
        From `style`.
    logarithmic : bool
        Leave out of median and band what is not positive.
    **line
        Other properties of the line.

    Returns
    -------
    ndarray of shape (n,)
        The median.
    """
    values = np.atleast_2d(np.asarray(values, dtype=float))
    low, middle, high = np.quantile(values, [LOW, 0.5, HIGH], axis=0)
    if logarithmic:
        low = np.where(low > 0, low, np.where(middle > 0, middle, np.nan))
        middle, high = (np.where(edge > 0, edge, np.nan) for edge in (middle, high))
    drawn = axes.plot(x, middle, label=label, **{"lw": 1.6, "markersize": 4.5, **look, **line})
    if len(values) > 1:
        axes.fill_between(x, low, high, color=drawn[0].get_color(), alpha=0.18, lw=0)
    return middle


def guide(axes, t: np.ndarray, height: float, label: str = "slope of √t") -> None:
    """Draw √t, of the given height at the last of `t`."""
    dots = (0, (1, 2))
    axes.plot(t, height * np.sqrt(t / t[-1]), color="0.55", lw=1, linestyle=dots, label=label)


def save(figure: Figure, path, **settings) -> None:
    """Write a figure, all of it or nothing; the same figure gives the same file.

    Parameters
    ----------
    figure : matplotlib Figure
    path : str, path-like or binary file
        Whose suffix says what it is to be, unless `settings` has a ``format``.
    **settings
        Others of ``Figure.savefig``.
    """
    if not hasattr(path, "write"):
        kind = settings.pop("format", None) or Path(path).suffix.lower().removeprefix(".")
        buffer = io.BytesIO()
        save(figure, buffer, format=kind, **settings)
        replace_file(Path(path), buffer.getvalue())
        return
    key = {"pdf": "CreationDate", "svg": "Date"}.get(settings.get("format"))
    with matplotlib.rc_context({"svg.hashsalt": "oco", "pdf.fonttype": 42}):
        figure.savefig(path, metadata={} if key is None else {key: None}, **settings)
