"""A spectral study to read: what a sketch of size k keeps of the gradients, and what it loses."""

from __future__ import annotations

import numpy as np

from oco.results.formats import number, size
from oco.results.layout import Column, Sheet
from oco.shampoo import EPSILON
from oco.sketch import FrequentDirections
from oco.spectra.measures import directions_for
from oco.spectra.study import FactorSpectra, SpectralStudy

__all__ = ["conclusion", "describe", "document", "factors_table", "measures", "steps_table"]

# Rows of the table over the steps: no more than fit on a screen.
ROWS = 11
# What the axes of a gradient are: those of a weight matrix, as most frameworks have it.
AXES = {"C": "over the entries", "L": "over the outputs", "R": "over the inputs"}

# A table states how many directions hold these shares of the mass.
MASSES = (0.9, 0.95, 0.99)


def describe(study: SpectralStudy) -> str:
    """Return what was followed, in a line or two."""
    shape = " × ".join(map(str, study.shape))
    axes = ", ".join(f"{name} {AXES[name]}" for name in study.factors)
    return f"{study.origin}, {shape}: {axes}, decay {study.decay:g}"


def measures(factor: FactorSpectra) -> dict[str, np.ndarray]:
    """Return what a study measures of a factor at each checkpoint: arrays of shape (c,)."""
    return {
        "intrinsic_dimension": factor.intrinsic_dimensions(),
        "sketched_intrinsic_dimension": factor.intrinsic_dimensions(sketched=True),
        "top_mass": factor.top_masses(),
        "sketched_top_mass": factor.top_masses(sketched=True),
        "overlap": factor.overlap,
        "agreement": factor.agreement,
        "captured": factor.captured,
        "possible": factor.possible,
        "escaped_mass": factor.escaped_mass,
        "escape_limit": factor.escape_limit,
        "largest": factor.largest,
    }


def steps_table(study: SpectralStudy) -> Sheet:
    """Return the factors over the steps, exact and as the sketch has them.

    Columns: intrinsic dimension, top-25 % mass, overlap of the leading directions with those at the
    reference step, fraction of the mass in the sketch's directions, τ/λ_max; and the cosine between
    S-Shampoo's step, from the sketches, and Shampoo's, from the exact factors.
    """
    titles = ("dimension", "top 25 %", "overlap", "kept", "τ/λ_max")
    names = (f"{name} {title}" for name in study.factors for title in titles)
    table = Sheet(Column("step"), *names, "cosine")
    columns = [
        column
        for factor in study.factors.values()
        for column in (
            [number(value, 3) for value in factor.intrinsic_dimensions()],
            [_percent(value) for value in factor.top_masses()],
            [_fraction(value) for value in factor.overlap],
            [_percent(value) for value in factor.captured],
            [number(value, 2) for value in factor.escaped_mass / factor.largest],
        )
    ]
    for i in _shown(len(study.step)):
        cells = (column[i] for column in columns)
        table.add(f"{study.step[i]:,}", *cells, _fraction(study.alignment[i]))
    return table


def factors_table(study: SpectralStudy) -> Sheet:
    """Return the factors at the last checkpoint: what is there, what the sketch makes of it."""
    table = Sheet(f"after step {study.step[-1]:,}", *study.factors)
    held = " / ".join(f"{100 * mass:g}" for mass in MASSES)
    most = f"  the most that {study.k - 1} directions can hold"
    turning = f"leading directions: overlap with step {study.reference}"
    for title, cell in (
        ("mass in the sketch's directions", lambda f: _percent(f.captured[-1])),
        (most, lambda f: _percent(f.possible[-1])),
        ("τ over λ_max: counted in every direction", lambda f: _ratio(f.escaped_mass, f.largest)),
        ("  Ω_k over λ_max: the most that it can be", lambda f: _ratio(f.escape_limit, f.largest)),
        ("intrinsic dimension", lambda f: number(f.intrinsic_dimensions()[-1], 3)),
        ("  as the sketch has it", lambda f: number(f.intrinsic_dimensions(sketched=True)[-1], 3)),
        ("mass in the top 25 % of directions", lambda f: _percent(f.top_masses()[-1])),
        ("  as the sketch has it", lambda f: _percent(f.top_masses(sketched=True)[-1])),
        (turning, lambda f: _fraction(f.overlap[-1])),
        ("  of the sketch's with these", lambda f: _fraction(f.agreement[-1])),
        (f"directions that hold {held} % of the mass", _directions),
        ("memory of the factor", lambda f: size(8 * f.dim**2)),
        ("  of the sketch", lambda f: size(_sketch_bytes(f, study.k))),
    ):
        table.add(title, *(cell(factor) for factor in study.factors.values()))
    return table


def conclusion(study: SpectralStudy) -> str:
    """Return in a sentence what the last checkpoint says about the sketch size.

    Examples
    --------
    >>> from oco.spectra import follow
    >>> print(conclusion(follow(np.random.default_rng(0).standard_normal((20, 6, 9)), k=5)))
    at k = 5 the sketch keeps ... % of the mass of L (6 × 6) and ... % of R (9 × 9); its step
    and exact Shampoo's (ε = 1e-06) have a cosine of ...
    """
    kept = " and ".join(
        f"{_percent(factor.captured[-1])} of {'' if name == 'R' else 'the mass of '}{name} "
        f"({factor.dim} × {factor.dim})"
        for name, factor in study.factors.items()
    )
    exact = "exact Shampoo's" if len(study.shape) > 1 else "full-matrix AdaGrad's"
    return (
        f"at k = {study.k} the sketch keeps {kept}; its step and {exact} (ε = {EPSILON:g}) "
        f"have a cosine of {_fraction(study.alignment[-1])}"
    )


def document(study: SpectralStudy) -> dict:
    """Return the study and what it measures at every checkpoint as JSON data."""
    factors = {
        name: {key: _plain(values) for key, values in measures(factor).items()}
        for name, factor in study.factors.items()
    }
    steps = {"step": study.step.tolist(), "alignment": _plain(study.alignment)}
    return {**study.document(), **steps, **factors}


def _plain(values: np.ndarray) -> list[float | None]:
    """Return numbers, with None for what was not measured."""
    return [None if np.isnan(value) else value for value in values.tolist()]


def _shown(count: int) -> list[int]:
    """Return which of `count` checkpoints the table shows: evenly spaced, the last among them."""
    return np.unique(np.linspace(0, count - 1, ROWS).round().astype(int)).tolist() if count else []


def _directions(factor: FactorSpectra) -> str:
    return " / ".join(str(directions_for(factor.eigenvalues[-1], mass)) for mass in MASSES)


def _sketch_bytes(factor: FactorSpectra, k: int) -> int:
    return FrequentDirections(factor.dim, min(k, factor.dim + 1)).state_bytes


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _fraction(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"


def _ratio(values: np.ndarray, scale: np.ndarray) -> str:
    return number(values[-1] / scale[-1], 2)
