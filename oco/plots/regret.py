"""Regret over time beneath the bounds that promise to stay above it."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from oco import checks
from oco.plots import drawing
from oco.results import Result
from oco.results.tables import dimension, domain

__all__ = ["regret"]

# Okabe and Ito's colours, which colour-blind readers can tell apart, each with its own dashes and
# marker, which a grey print needs.  A rung looks the same in every figure.
STYLES: dict[str, drawing.Look] = {
    "certificate": {"color": "#CC79A7", "linestyle": "-", "marker": "v"},
    "rounds": {"color": "#56B4E9", "linestyle": (0, (1, 1)), "marker": "P"},
    "trace": {"color": "#D55E00", "linestyle": "--", "marker": "s"},
    "sketch": {"color": "#009E73", "linestyle": "-.", "marker": "D"},
    "theorem-3": {"color": "#0072B2", "linestyle": (0, (5, 1, 1, 1, 1, 1)), "marker": "^"},
    "shampoo-trace": {"color": "#E69F00", "linestyle": (0, (6, 2)), "marker": "<"},
    "shampoo-theorem": {"color": "#0072B2", "linestyle": (0, (3, 1, 1, 1)), "marker": ">"},
}
OTHER: drawing.Look = {"color": "0.4", "linestyle": "-", "marker": "x"}


def regret(result: Result) -> Figure:
    """Draw the regret, its bounds and a √t guide over the rounds, on logarithmic axes.

    Parameters
    ----------
    result : Result
        Of at least one round.

    Returns
    -------
    matplotlib.figure.Figure
        Its caption says what would refute the claim.

    Raises
    ------
    ValueError
        If no round was played or there is no regret to draw.

    Examples
    --------
    >>> import oco
    >>> figure = regret(oco.run("s-adagrad", d=20, k=5, T=100))
    >>> figure.axes[0].get_xlabel()
    'rounds t'
    """
    if result.summary.regret is None:
        raise ValueError(
            f"result: no regret to draw; the run ended as {result.summary.status!r} "
            f"({result.summary.message})"
        )
    trace = result.trace
    figure, (axes,) = drawing.canvas()
    drawing.clean(
        axes, xscale="log", yscale="log", xlabel="rounds t", ylabel="regret after t rounds (loss)"
    )
    for name, values in _highest_first(trace.bounds):
        style = STYLES.get(name, OTHER)
        axes.plot(trace.t, values, label=f"bound: {name}", markersize=3.5, lw=1.3, **style)
    above = np.where(trace.regret > 0, trace.regret, np.nan)
    axes.plot(trace.t, above, color="black", lw=2.4, marker="o", markersize=4, label="regret")
    _draw_guide(axes, trace.t, above)
    _draw_violations(axes, result)
    drawing.legend(axes)
    drawing.title(axes, _title(result))
    drawing.caption(figure, _caption(result))
    return figure


def _highest_first(bounds: dict[str, np.ndarray]) -> list[tuple[str, np.ndarray]]:
    """Return the bounds in the order in which a reader meets them from the top of the figure."""
    computed = [(name, values) for name, values in bounds.items() if np.isfinite(values[-1])]
    return sorted(computed, key=lambda item: -item[1][-1])


def _draw_guide(axes, t: np.ndarray, above: np.ndarray) -> None:
    """Draw √t through the last positive regret."""
    drawn = np.flatnonzero(np.isfinite(above))
    if len(drawn):
        last = drawn[-1]
        drawing.guide(axes, t, above[last] * np.sqrt(t[-1] / t[last]))


def _draw_violations(axes, result: Result) -> None:
    for name in result.summary.violated:
        bad = result.trace.holds[name] < 0
        axes.plot(
            result.trace.t[bad],
            result.trace.regret[bad],
            "X",
            color="red",
            markersize=10,
            label=f"VIOLATED: {name}",
        )


def _title(result: Result) -> str:
    experiment, summary = result.experiment, result.summary
    sizes = dimension(summary) + ("" if summary.k is None else f", k = {summary.k}")
    where = experiment.data or summary.stream
    return (
        f"{summary.algorithm}, {summary.loss} loss, {where}, {domain(experiment)}\n"
        f"{sizes}, T = {summary.T:,}, seed {summary.seed}"
    )


def _caption(result: Result) -> str:
    summary, trace = result.summary, result.trace
    best = checks.known("comparator", summary.comparator)
    text = (
        "Refuted if the black line rises above any bound at any t. The regret is against the best "
        f"fixed point of all {summary.rounds:,} rounds, which no point beats by more than "
        f"{best.gap:.3g}"
    )
    if best.radius is not None:
        text += f" in the ball of radius {best.radius:.3g}; D was measured"
    hidden = int(np.sum(~(trace.regret > 0)))
    if hidden:
        text += f". At {hidden} of {len(trace.t)} checkpoints it is not positive and not drawn"
    return text + "."
