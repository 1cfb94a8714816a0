"""The figures of commands: the option that asks for one, its path, checked early, and the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from oco.cli.options import OUTPUT, Decorator, option
from oco.cli.progress import working

__all__ = ["draw", "figure_path", "plot_option"]

SUFFIXES = (".pdf", ".png", ".svg")


def plot_option(what: str) -> Decorator:
    """Return a decorator that adds ``--plot FILE``; `what` is drawn there."""
    return option(OUTPUT, "--plot", unit="FILE", help=f"Draw {what}: a .png, .pdf or .svg file.")


def figure_path(path: str | None) -> Path | None:
    """Return the path of a figure that can be written; None where none is asked for.

    Raises
    ------
    ValueError
        If its suffix is none of a figure's, or its directory cannot be written to.
    """
    if path is None:
        return None
    from oco.results.storage import require_writable

    figure = Path(path)
    if figure.suffix.lower() not in SUFFIXES:
        raise ValueError(f"plot: expected a name that ends in {', '.join(SUFFIXES)}, got {path!r}")
    if figure.is_dir():
        raise ValueError(f"plot: {path!r} is a directory")
    require_writable(figure.parent, "plot")
    return figure


def draw(path: Path | None, make: Callable[[Any], Any]) -> None:
    """Save the figure that `make` makes of `oco.plots`, which is loaded only if there is a path."""
    if path is None:
        return
    from oco import plots

    with working("drawing"):
        plots.save(make(plots), path)
