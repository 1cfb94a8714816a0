"""What all figures share: one look, legible in grey and to colour-blind readers, as vectors."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter

from oco.results.storage import replace_file
from oco.texts import shown

__all__ = [
    "Canvas",
    "band",
    "canvas",
    "caption",
    "clean",
    "grid_of",
    "guide",
    "heading",
    "legend",
    "over_seeds",
    "save",
    "sizes",
    "style",
    "title",
]

#: Properties of a line, as matplotlib takes them.
Look = dict[str, Any]

# Okabe and Ito's colours, which colour-blind readers can tell apart; each with a marker and dashes
# of its own, which a grey print needs.  A learner looks the same in every figure.
LEARNERS: dict[str, Look] = {
    "ogd": {"color": "#E69F00", "linestyle": (0, (1, 1)), "marker": "P"},
    "adagrad-norm": {"color": "#56B4E9", "linestyle": (0, (3, 1, 1, 1)), "marker": "X"},
    "adagrad": {"color": "#D55E00", "linestyle": "--", "marker": "s"},
    "full-adagrad": {"color": "black", "linestyle": "-", "marker": "o"},
    "s-adagrad": {"color": "#0072B2", "linestyle": "-", "marker": "^"},
    "ada-fd": {"color": "#CC79A7", "linestyle": "-.", "marker": "v"},
    "ftsl": {"color": "#117733", "linestyle": (0, (8, 2)), "marker": "D"},
    "s-ons": {"color": "#882255", "linestyle": (0, (5, 2)), "marker": "h"},
    "rfd-son": {"color": "#AA4499", "linestyle": (0, (2, 1)), "marker": "*"},
    "fd-son": {"color": "#88CCEE", "linestyle": (0, (4, 2, 1, 2)), "marker": "d"},
    "shampoo": {"color": "#661100", "linestyle": (0, (6, 2)), "marker": ">"},
    "s-shampoo": {"color": "#332288", "linestyle": "-", "marker": "<"},
    "one-sided-shampoo": {"color": "#882255", "linestyle": (0, (3, 2)), "marker": "4"},
    "s-one-sided": {"color": "#44AA99", "linestyle": "-", "marker": "3"},
    "adam": {"color": "#999933", "linestyle": (0, (4, 1, 1, 1)), "marker": "p"},
    "adamw": {"color": "#E69F00", "linestyle": (0, (1, 2)), "marker": "P"},
    "soap": {"color": "#D55E00", "linestyle": "--", "marker": "s"},
    "muon": {"color": "#009E73", "linestyle": (0, (5, 1)), "marker": "D"},
    "adafactor": {"color": "0.45", "linestyle": (0, (5, 1, 1, 1, 1, 1)), "marker": "*"},
}
OTHERS: tuple[Look, ...] = (
    {"color": "#009E73", "linestyle": (0, (5, 1)), "marker": "D"},
    {"color": "0.45", "linestyle": (0, (5, 1, 1, 1, 1, 1)), "marker": "*"},
    {"color": "#B8A500", "linestyle": (0, (2, 2)), "marker": "h"},
)
# A learner's sketch sizes, from the smallest to the largest, go from a tint of its colour (this
# much of it white) to a shade (this much black), each with a marker and dashes of its own.
TINT, SHADE = 0.6, 0.35
VARIANTS: tuple[Look, ...] = (
    {},
    {"marker": "d", "linestyle": (0, (4, 1))},
    {"marker": "H", "linestyle": (0, (2, 1))},
    {"marker": "8", "linestyle": (0, (1, 1))},
    {"marker": "*", "linestyle": (0, (6, 1, 1, 1))},
    {"marker": "D", "linestyle": (0, (3, 2, 1, 2))},
)
# Inches.  Figures are read 800 pixels wide: at these widths a point is more than a pixel.
NARROW, WIDE = 7.2, 8.6
# Points: of captions, legends and titles.
SMALL, MEDIUM = 8, 9
# Width of a character of text, relative to its size in points; a little more than is typical.
CHARACTER = 0.54
POINTS = 72
# The space between a legend and the data below it, as a fraction of the axes.
SPACE = 0.02
# The quantiles between which the band over seeds lies; with few of them, their range or nearly so.
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


def canvas(columns: int = 1, rows: int = 1, *, height: float = 5.2) -> tuple[Figure, list[Axes]]:
    """Return a figure without any global state, and its axes in a list."""
    width = NARROW if columns == 1 else WIDE
    figure = Canvas(figsize=(width, height), dpi=150, layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def grid_of(count: int) -> tuple[Figure, list[Axes]]:
    """Return a figure and the axes for `count` panels, in one column or two."""
    columns = min(2, count)
    rows = -(-count // columns)
    figure, axes = canvas(columns, rows, height=1.2 + 4.2 * rows)
    for unused in axes[count:]:
        unused.set_visible(False)
    return figure, axes[:count]


def clean(axes, *, grid: str = "both", **settings) -> None:
    """Take away what is not data, and set labels and scales."""
    axes.set(**settings)
    axes.grid(which="major", axis=grid, color="0.9")
    axes.set_axisbelow(True)
    for spine in ("top", "right"):
        axes.spines[spine].set_visible(False)


def sizes(axes) -> None:
    """Write sketch sizes as whole numbers, on an axis that is logarithmic."""
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(NullLocator())


def title(axes, text: str) -> None:
    """Write above the axes what they show, in lines that do not reach into their neighbour's."""
    share = axes.get_subplotspec()
    columns = share.get_gridspec().ncols / len(share.colspan)
    width = _characters(0.98 * axes.figure.get_figwidth() / columns, MEDIUM)
    lines = [line for part in text.split("\n") for line in textwrap.wrap(part, width)]
    axes.set_title("\n".join(lines), fontsize=MEDIUM, loc="left")


def heading(figure: Figure, text: str) -> None:
    """Write above all axes of a figure what they show."""
    width = _characters(figure.get_figwidth(), MEDIUM)
    lines = [line for part in text.split("\n") for line in textwrap.wrap(part, width)]
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=MEDIUM)


def legend(axes, **settings) -> None:
    """Name what is drawn; `caption` makes room for it above the data."""
    axes.legend(frameon=False, fontsize=SMALL, loc="upper left", borderaxespad=0.7, **settings)


def caption(figure: Figure, text: str) -> None:
    """Finish a figure: what it shows, and what would refute it, below; legends above the data."""
    width = _characters(figure.get_figwidth(), SMALL)
    figure.supxlabel(textwrap.fill(text, width), x=0.01, ha="left", fontsize=SMALL)
    # Drawing it lays it out, and so tells how large the axes are.
    figure.draw_without_rendering()
    for axes in figure.axes:
        shown_in = axes.get_legend()
        if shown_in is not None and shown_in.get_bbox_to_anchor() == axes.bbox:
            _make_room(axes)


def _make_room(axes) -> None:
    """Raise the top of the axes until the legend stands above all that is drawn."""
    handles, labels = axes.get_legend_handles_labels()
    for columns in range(len(labels), 0, -1):
        legend(axes, handles=handles, labels=labels, ncols=columns)
        extent = axes.get_legend().get_window_extent().transformed(axes.transAxes.inverted())
        if extent.x1 <= 1:
            break
    share = 1 - extent.y0 + SPACE
    scale = axes.yaxis.get_transform()
    bottom, top = scale.transform(axes.get_ylim())
    (raised,) = scale.inverted().transform([bottom + (top - bottom) / (1 - share)])
    # What lay above the old top would now show behind the legend: it stays hidden.
    for artist in (*axes.lines, *axes.collections):
        if artist.get_clip_on():
            artist.set_clip_path(Rectangle((0, 0), 1, 1 - share, transform=axes.transAxes))
    axes.set_ylim(top=raised)


def _characters(inches: float, size: float) -> int:
    """Return how many characters of a size in points fit on a line."""
    return int(inches * POINTS / (CHARACTER * size))


def style(algorithm: str, algorithms: Sequence[str], variant: int | None = None) -> Look:
    """Return colour, dashes and marker of a learner.

    Parameters
    ----------
    algorithm : str
        Its name.
    algorithms : sequence of str
        All in the figure, once for each sketch size: those that are not built in share a few looks.
    variant : int, optional
        Which of its sketch sizes, in ascending order, where each is a line of its own.
    """
    if algorithm in LEARNERS:
        look = LEARNERS[algorithm]
    else:
        others = [name for name in dict.fromkeys(algorithms) if name not in LEARNERS]
        look = OTHERS[others.index(algorithm) % len(OTHERS)]
    count = list(algorithms).count(algorithm)
    if variant is None or count < 2:
        return look
    share = -TINT + (TINT + SHADE) * variant / (count - 1)
    own = VARIANTS[variant % len(VARIANTS)]
    return {**look, **own, "color": _toned(look["color"], share)}


def _toned(color: str, share: float) -> str:
    """Return a colour mixed with white where `share` is below 0, with black where it is above."""
    towards = 1.0 if share < 0 else 0.0
    rgb = np.array(to_rgb(color))
    red, green, blue = map(float, rgb + abs(share) * (towards - rgb))
    return to_hex((red, green, blue))


def band(
    axes, x, values: np.ndarray, *, label: str, look: Look, logarithmic: bool = False, **line
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


def over_seeds(count: int) -> str:
    """Return what a caption says of the bands over `count` seeds; nothing of a single seed."""
    return f" Median and 10 to 90 % band over {count} seeds." if count > 1 else ""


def guide(axes, t: np.ndarray, height: float) -> None:
    """Draw √t, of the given height at the last of `t`."""
    style = {"color": "0.55", "lw": 1, "linestyle": (0, (1, 2)), "label": "slope of √t"}
    axes.plot(t, height * np.sqrt(t / t[-1]), **style)


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
    name, words = _described(figure)
    metadata = {
        "svg": {"Date": None, "Title": name, "Description": words},
        "pdf": {"CreationDate": None, "Title": name, "Subject": words},
        "png": {"Title": name, "Description": words},
    }.get(settings.get("format", ""), {})
    drawn = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "oco", "pdf.fonttype": 42}):
        figure.savefig(drawn, metadata=metadata, **settings)
    # A screen reader reads out a title and a description, but no metadata.
    described = f"</title>\n <desc>{escape(words)}</desc>".encode()
    path.write(drawn.getvalue().replace(b"</title>", described, 1))


def _described(figure: Figure) -> tuple[str, str]:
    """Return a figure's titles and its caption, each in one line."""
    titles = [figure.get_suptitle()]
    titles += [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()]
    name = "; ".join(" ".join(text.split()) for text in titles if text)
    return shown(name), shown(" ".join(figure.get_supxlabel().split()))
