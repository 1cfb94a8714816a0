"""How optimizers that were tuned alike train a network, and what they take for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from oco.plots import drawing

if TYPE_CHECKING:
    # It needs PyTorch, which a figure of a contest that was held does not.
    from oco.reproduce.quality import Contest

__all__ = ["quality"]

# Test losses are drawn in powers of ten where the worst is more than this many times the best.
FAR = 3
# Beyond this ratio of its ends an axis has no room for three numbers a decade.
CROWDED = 200


def quality(found: Contest) -> Figure:
    """Draw the training losses, the test losses, and these over memory and over time.

    Parameters
    ----------
    found : Contest
        From `oco.reproduce.quality.quality`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from oco.reproduce.quality import quality as contest
    >>> held = contest("digits-mlp", rates=[1e-2], seeds=2, steps=3, rounds=1, jobs=1)
    >>> figure = quality(held)
    >>> [len(axes.get_lines()) for axes in figure.axes]
    [5, 5, 6, 6]
    """
    figure, (curves, seeds, memory, time) = drawing.canvas(2, 2, height=8.4)
    looks = _looks([placed.name for placed in found.placements])
    losses = {
        placed.name: np.array([run.test for run in placed.runs]) for placed in found.placements
    }
    for placed in found.placements:
        trained = [run.curve for run in placed.runs if run.curve]
        if trained:
            ends = found.steps * np.arange(1, len(trained[0]) + 1) / len(trained[0])
            look = {**looks[placed.name], "marker": ""}
            drawing.band(curves, ends, np.array(trained), label=placed.name, look=look)
    drawing.clean(curves, xlabel="step", ylabel="training loss", yscale="log")
    drawing.title(curves, "training")
    ended = np.concatenate([values[np.isfinite(values)] for values in losses.values()])
    # Where one is far behind, the others would be one mark.
    scale = "log" if ended.size and ended.max() > FAR * ended.min() else "linear"
    # Worst at the bottom, and below it whoever diverged.
    names = sorted(losses, key=lambda name: -losses[name].mean())
    for height, name in enumerate(names):
        shown = losses[name][np.isfinite(losses[name])]
        seeds.plot(
            shown, np.full(len(shown), height), alpha=0.8,
            **{**looks[name], "linestyle": "", "label": name},
        )  # fmt: skip
    seeds.set_yticks(range(len(names)), names)
    drawing.clean(seeds, xscale=scale, xlabel="test loss, a mark for each seed")
    drawing.title(seeds, "test")
    state = [placed.cost.state_bytes / found.parameter_bytes for placed in found.placements]
    _tradeoff(memory, found, losses, looks, state)
    drawing.clean(
        memory,
        xscale="log",
        yscale=scale,
        xlabel="whole state ÷ parameters",
        ylabel="mean test loss",
    )
    drawing.title(memory, "quality against memory")
    _tradeoff(time, found, losses, looks, [p.cost.optimizer_ratio for p in found.placements])
    rival = found.placements[0].name
    drawing.clean(
        time,
        xscale="log",
        yscale=scale,
        xlabel=f"optimizer's step ÷ {rival}'s",
        ylabel="mean test loss",
    )
    drawing.title(time, "quality against time")
    for axis in (
        curves.yaxis,
        seeds.xaxis,
        *(a for b in (memory, time) for a in (b.xaxis, b.yaxis)),
    ):
        _plain(axis)
    drawing.heading(figure, f"{found.task}: {found.parameters:,} parameters, {found.steps} steps")
    drawing.caption(
        figure,
        "Colours and marks are named in the upper right panel. Below, the grey line joins those "
        "that no other beats in both respects; bars are standard errors. That an optimizer is the "
        "better one is refuted by marks of its seeds on both sides of the other's; that it takes "
        "less, by a mark further right." + drawing.over_seeds(found.seeds),
    )
    return figure


def _plain(axis) -> None:
    """Write the numbers of an axis of powers of ten as they are, and few of them."""
    if axis.get_scale() == "log":
        low, high = axis.get_view_interval()
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < CROWDED * low else (1,)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())


def _looks(names: list[str]) -> dict[str, drawing.Look]:
    """Return each optimizer's look; what follows a comma is a variant of the same one."""
    algorithms = [name.lower().split(",")[0] for name in names]
    return {
        name: drawing.style(algorithm, algorithms, algorithms[:i].count(algorithm) or None)
        for i, (name, algorithm) in enumerate(zip(names, algorithms, strict=True))
    }


def _tradeoff(axes, found: Contest, losses, looks, spent: list[float]) -> None:
    """Draw mean losses over what was spent, and the front of those that none beats in both."""
    points = []
    for placed, x in zip(found.placements, spent, strict=True):
        values = losses[placed.name]
        if not np.isfinite(values).all():
            continue
        points.append((x, values.mean()))
        error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
        look = {**looks[placed.name], "linestyle": ""}
        axes.plot(x, values.mean(), **look, markersize=8)
        axes.vlines(x, values.mean() - error, values.mean() + error, color=look["color"], lw=1.2)
    front: list[tuple[float, float]] = []
    for x, y in sorted(points):
        if not front or y < front[-1][1]:
            front.append((x, y))
    axes.plot([x for x, _ in front], [y for _, y in front], color="0.6", lw=1, zorder=0)
