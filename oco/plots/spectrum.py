"""The spectrum of the gradients' covariance, with the mass that a sketch may lose and did lose."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure

from oco import checks
from oco.plots import drawing
from oco.plots.groups import Line, best_lines, panels
from oco.results import Result

__all__ = ["spectrum"]

# Eigenvalues below this, relative to the largest, are rounding and not drawn.
NOISE = 1e-13


def spectrum(results: Iterable[Result]) -> Figure:
    """Draw the eigenvalues of G_T; for each learner that sketches, Ω_k and ρ at its k.

    Parameters
    ----------
    results : iterable of Result
        With spectra: d at most 1000, of learners that sketch or claim a bound in the spectrum.  A
        panel for each setting.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If no result has a spectrum.

    Examples
    --------
    >>> import oco
    >>> figure = spectrum([oco.run("s-adagrad", d=20, k=5, T=100)])
    >>> [line.get_label() for line in figure.axes[0].get_lines()]
    ['λ_i(G_T), s-adagrad k=5', 'Ω_k of s-adagrad', 'ρ of s-adagrad']
    """
    found = panels(result for result in results if result.spectrum is not None)
    figure, axes = drawing.grid_of(len(found))
    seeds = 1
    for panel, place in zip(found, axes, strict=True):
        lines = best_lines(panel.results)
        _draw(place, lines)
        drawing.title(place, panel.title)
        seeds = max([seeds, *(len(line.results) for line in lines)])
    drawing.caption(figure, _caption(seeds))
    return figure


def _draw(axes, lines: list[Line]) -> None:
    drawing.clean(
        axes, xscale="log", yscale="log", xlabel="index i of the eigenvalue, or sketch size k",
        ylabel="eigenvalue or mass (squared gradient)",
    )  # fmt: skip
    names = [line.algorithm for line in lines]
    # Gradients depend on the learner: each has one spectrum, that of its run with the largest k.
    last = {line.algorithm: line for line in lines}
    for line in last.values():
        look = {**drawing.style(line.algorithm, names), "marker": ""}
        values = _spectra(line)
        index = np.arange(1, values.shape[1] + 1)
        drawing.band(axes, index, values, label=f"λ_i(G_T), {line.label}", look=look)
    # The sketches of a matrix learner are of other matrices than G_T.
    sketched = [line for line in lines if line.results[0].summary.omega is not None]
    for algorithm in dict.fromkeys(line.algorithm for line in sketched):
        own = [line for line in sketched if line.algorithm == algorithm]
        look = drawing.style(algorithm, names)
        ks = [line.results[0].summary.k for line in own]
        limits = {**look, "linestyle": "--", "lw": 1.2, "mfc": "none", "markersize": 8}
        axes.plot(ks, _medians(own, "omega"), label=f"Ω_k of {algorithm}", **limits)
        lost = {**look, "linestyle": "none", "markersize": 6}
        axes.plot(ks, _medians(own, "escaped_mass"), label=f"ρ of {algorithm}", **lost)
    drawing.legend(axes)


def _spectra(line: Line) -> np.ndarray:
    """Return the spectra of the seeds, with rounding noise left out."""
    spectra = [checks.known("spectrum", result.spectrum) for result in line.results]
    length = min(map(len, spectra))
    values = np.array([spectrum[:length] for spectrum in spectra])
    return np.where(values > NOISE * values.max(), values, np.nan)


def _medians(lines: list[Line], name: str) -> np.ndarray:
    """Return the median of a mass over the seeds of each line; NaN, not drawn, where it is 0."""
    values = np.array(
        [np.median([getattr(result.summary, name) for result in line.results]) for line in lines]
    )
    return np.where(values > 0, values, np.nan)


def _caption(seeds: int) -> str:
    text = (
        "G_T is the sum of g gᵀ over all rounds. The theory of the sketch is refuted by a filled "
        "marker (ρ, the mass that escaped a sketch of size k) above the open one at the same k "
        "(Ω_k, the most that may escape, from the spectrum of the same run). 0 is not drawn."
    )
    return text + drawing.over_seeds(seeds)
