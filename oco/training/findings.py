"""A spectral study to read: what a sketch of size k keeps of the gradients, and what it loses."""

from __future__ import annotations

import numpy as np

from oco.algorithms.kronecker import EPSILON
from oco.results.formats import number, size
from oco.results.layout import Column, Sheet
from oco.sketch import FrequentDirections
from oco.training.presentation import shown
from oco.training.spectra import directions_for
from oco.training.study import FactorSpectra, SpectralStudy

__all__ = ["conclusion", "factors_table", "measures", "steps_table"]

# Of the mass: how many directions hold it is what a sketch size is chosen by.
MASSES = (0.9, 0.95, 0.99)


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
    """Return both factors over the steps, exact and as the sketch has them.

    Columns: intrinsic dimension, top-25 % mass, overlap of the leading directions with those at the
    reference step, fraction of the mass in the sketch's directions, τ/λ_max; and the cosine between
    S-Shampoo's step and Shampoo's.
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
    for i in shown(len(study.step)):
        cells = (column[i] for column in columns)
        table.add(f"{study.step[i]:,}", *cells, _fraction(study.alignment[i]))
    return table


def factors_table(study: SpectralStudy) -> Sheet:
    """Return L beside R at the last checkpoint: what is there, and what the sketch makes of it."""
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
    >>> from oco.training import Training, study_spectra
    >>> print(conclusion(study_spectra(Training("digits-softmax", "adam", steps=20), k=11)))
    at k = 11 the sketch keeps ... % of the mass of L (10 × 10) and ... % of R (64 × 64); its step
    and exact Shampoo's (ε = 1e-06) have a cosine of ...
    """
    kept = " and ".join(
        f"{_percent(factor.captured[-1])} of {'the mass of ' if name == 'L' else ''}{name} "
        f"({factor.dim} × {factor.dim})"
        for name, factor in study.factors.items()
    )
    return (
        f"at k = {study.k} the sketch keeps {kept}; its step and exact Shampoo's (ε = {EPSILON:g}) "
        f"have a cosine of {_fraction(study.alignment[-1])}"
    )


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
