"""How concentrated the covariances of gradients are over time, and what a sketch sees of them."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from oco.plots import drawing
from oco.spectra import SpectralStudy
from oco.spectra.presentation import describe

__all__ = ["spectra"]

# Okabe and Ito's blue and vermilion; each with a marker of its own, which a grey print needs.
FACTORS = {
    "C": {"color": "#0072B2", "marker": "o"},
    "L": {"color": "#0072B2", "marker": "o"},
    "R": {"color": "#D55E00", "marker": "s"},
}
EXACT, SKETCHED = "-", (0, (4, 1.5))
# Eigenvalues below this, relative to the largest, are rounding and not drawn.
NOISE = 1e-13
# Axes that start at zero end at this many times the highest line.
HEADROOM = 1.35


def spectra(study: SpectralStudy) -> Figure:
    """Draw concentration over the steps, and the last spectrum, exact and as the sketch has it.

    Parameters
    ----------
    study : SpectralStudy
        With at least one checkpoint.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the gradients ended before the first checkpoint.

    Examples
    --------
    >>> from oco.spectra import follow
    >>> study = follow(np.random.default_rng(0).standard_normal((20, 6, 9)), k=4)
    >>> [axes.get_ylabel() for axes in spectra(study).axes][:3]
    ['tr C/λ_max (directions)', 'mass in the top 25 % (%)', 'overlap (no unit)']
    """
    if not len(study.step):
        raise ValueError("study: nothing to draw; the gradients ended before the first checkpoint")
    figure, axes = drawing.canvas(2, 3, height=11.6)
    _dimensions(axes[0], study)
    _masses(axes[1], study)
    _overlaps(axes[2], study)
    _escapes(axes[3], study)
    if len(study.factors) == 1:
        axes.pop().remove()
    for place, name in zip(axes[4:], study.factors, strict=True):
        _spectrum(place, study, name)
    drawing.heading(figure, _title(study))
    drawing.caption(figure, _caption(study))
    return figure


def _line(axes, study: SpectralStudy, name: str, values, label: str, dashes=EXACT) -> None:
    """Draw one quantity of one factor; markers filled if it is exact, hollow if sketched."""
    look = {**FACTORS[name], "linestyle": dashes, "lw": 1.6, "markersize": 4.5}
    if dashes != EXACT:
        look["mfc"] = "none"
    axes.plot(study.step, values, label=label, **look)


def _pairs(axes, study: SpectralStudy, quantity) -> None:
    """Draw a quantity of both factors, exact and as the sketch sees it."""
    for name, factor in study.factors.items():
        _line(axes, study, name, quantity(factor, False), f"{name}, exact")
        _line(axes, study, name, quantity(factor, True), f"{name}, the sketch's view", SKETCHED)
    drawing.legend(axes)


def _dimensions(axes, study: SpectralStudy) -> None:
    drawing.clean(axes, xlabel="steps", ylabel="tr C/λ_max (directions)")
    _pairs(axes, study, lambda factor, sketched: factor.intrinsic_dimensions(sketched))
    _from_zero(axes)


def _masses(axes, study: SpectralStudy) -> None:
    drawing.clean(axes, xlabel="steps", ylabel="mass in the top 25 % (%)", ylim=(0, 103))
    _pairs(axes, study, lambda factor, sketched: 100 * factor.top_masses(sketched))


def _overlaps(axes, study: SpectralStudy) -> None:
    drawing.clean(axes, xlabel="steps", ylabel="overlap (no unit)", ylim=(0, 1.05))
    for name, factor in study.factors.items():
        _line(axes, study, name, factor.overlap, f"{name} with step {study.reference}")
        _line(axes, study, name, factor.agreement, f"{name}, sketch with exact", SKETCHED)
    axes.plot(study.step, study.alignment, color="black", marker="x", lw=1.2, markersize=4.5,
              linestyle=(0, (1, 1)), label="cosine of the steps")  # fmt: skip
    drawing.legend(axes)


def _escapes(axes, study: SpectralStudy) -> None:
    drawing.clean(axes, xlabel="steps", ylabel="escaped mass over λ_max (%)")
    for name, factor in study.factors.items():
        largest = factor.largest / 100
        _line(axes, study, name, factor.escape_limit / largest, f"{name}, at most Ω_k")
        _line(axes, study, name, factor.escaped_mass / largest, f"{name}, τ", SKETCHED)
    _from_zero(axes)
    drawing.legend(axes)


def _from_zero(axes) -> None:
    """Show zero, and leave room for the legend above the lines."""
    axes.set_ylim(0, HEADROOM * max(np.nanmax(line.get_ydata()) for line in axes.get_lines()))


def _spectrum(axes, study: SpectralStudy, name: str) -> None:
    factor, look = study.factors[name], FACTORS[name]
    drawing.clean(
        axes, xscale="log", yscale="log", xlabel=f"index i of the eigenvalue of {name}",
        ylabel="eigenvalue (squared gradient)",
    )  # fmt: skip
    exact, sketched = factor.eigenvalues[-1], factor.sketched[-1]
    exact = np.where(exact > NOISE * exact[0], exact, np.nan)
    axes.plot(np.arange(1, factor.dim + 1), exact, color=look["color"], lw=1.8, label="exact")
    kept = sketched[sketched > 0]
    index = np.arange(1, len(kept) + 1)
    tau = factor.escaped_mass[-1]
    axes.plot(index, kept + tau, look["marker"], color=look["color"], mfc="none", markersize=5,
              label="sketch: λ̄_i + τ")  # fmt: skip
    axes.plot(index, kept, "+", color="0.35", markersize=6, label="sketch: λ̄_i")
    if tau > 0:
        axes.axhline(tau, color="0.35", lw=1, linestyle=(0, (1, 2)), label="τ, all the others")
    drawing.legend(axes)
    drawing.title(axes, f"{name} after step {study.step[-1]:,}")


def _title(study: SpectralStudy) -> str:
    return f"{describe(study)}, sketch of size k = {study.k}"


def _caption(study: SpectralStudy) -> str:
    vector = len(study.shape) == 1
    sums = "C ← β C + g gᵀ" if vector else "C ← β C + M Mᵀ for M = G (C = L) or Gᵀ (C = R)"
    exact = "full-matrix AdaGrad's" if vector else "Shampoo's"
    return (
        f"{sums}. That few directions hold the mass is "
        "refuted by an intrinsic dimension near the number of directions, or by a top-25 % mass "
        "near 25 %; that they turn slowly, by an overlap that falls at once; that a sketch of size "
        f"{study.k} follows them, by an agreement with the exact directions, or a cosine between "
        f"its step and {exact}, far below 1. The theory of the sketch is refuted by τ above Ω_k, "
        "or by λ̄_i above or λ̄_i + τ below the exact eigenvalue."
    )
