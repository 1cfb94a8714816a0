"""What a sketch says of the gradients that it has seen: Ω_k, captured mass, tr G^{1/2}."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oco.ranks import advise
from oco.sketch import FrequentDirections, escaped_mass_limit, escaped_mass_limit_range
from oco.sketch.scatter import ScatterSketch
from oco.verification.cases import Case
from oco.verification.definitions import escape_limit
from oco.verification.observations import ROUNDING, Observation, Subject, check

__all__ = ["estimates"]

# An eigenvalue of 0 may come out as 1e-14, and its root as 1e-7; with some room.
ROOTS = 1e-6
# Rounding of the dense covariance and its eigenvalues, for each row and dimension.
DENSE = 4 * float(np.finfo(np.float64).eps)


@check(
    "estimates",
    omega="Ω_k is its formula, and lies in the range that a sketch gives for it, for every k",
    advice="captured mass, tr G^½ and the ratio of bounds lie in the ranges that `oco rank` gives",
    bracket="tr G^½, λ_1 and Ω_k lie where a sketch and the exact trace put them, row by row or in "
    "blocks",
    rounding="P1 and P2 hold to what the sketch says that rounding may have added, which is little",
    report="the guarantees that a sketch reports of itself are those of the dense definition",
)
def estimates(case: Case, subject: Subject) -> Iterator[Observation]:
    """Sketch all rows without decay and compare with the exact spectrum, in scaled units."""
    if not subject.offers("total_mass") or case.floor > ROUNDING:
        return
    rows = case.scaled()
    sketch = subject.sketch(case.d, case.k, 1.0)
    for row in rows:
        sketch.append(row)
    covariance = rows.T @ rows
    spectrum = np.maximum(np.linalg.eigvalsh(covariance)[::-1], 0.0)
    total = float(spectrum.sum())
    if not total:
        return
    values, tau = sketch.eigenvalues, float(sketch.escaped_mass)
    for k in range(1, case.k + 1):
        exact, where = escape_limit(spectrum, k), f"Ω_{k}"
        off = abs(escaped_mass_limit(spectrum, k) - exact)
        yield Observation("omega", where, off, 0.0, total)
        low, high = escaped_mass_limit_range(values, tau, sketch.total_mass, k)
        yield Observation("omega", f"{where}, lower end", low, exact, total)
        yield Observation("omega", f"{where}, upper end", exact, high, total)
    if isinstance(sketch, FrequentDirections):
        yield from _advised(case, sketch, spectrum, total)
        yield from _bracketed(case, sketch.bracket(), spectrum, total, "row by row")
        blocks = ScatterSketch(case.d, case.k, center=False, block=1 + case.k, deflated=1)
        blocks.extend(rows)
        yield from _bracketed(case, blocks.spectrum().bracket(), spectrum, total, "in blocks")
        yield from _rounded(case, sketch, covariance, total)
        yield from _reported(sketch, covariance, total)


def _advised(case: Case, sketch, spectrum, total) -> Iterator[Observation]:
    found = advise(sketch)
    roots = float(np.sqrt(spectrum).sum())
    scale = case.d * np.sqrt(total)
    yield Observation("advice", "tr G^½, lower end", found.root_trace_lo, roots, scale, ROOTS)
    yield Observation("advice", "tr G^½, upper end", roots, found.root_trace_hi, scale, ROOTS)
    for choice in found.choices:
        k = choice.k
        captured = float(spectrum[: k - 1].sum()) / total
        omega = escape_limit(spectrum, k)
        # Its tolerance is wide, for Ω that is rounding is reported as 0.
        ratio = 1 + case.d * np.sqrt(omega) / (2 * roots)
        for what, low, exact, high, tolerance in (
            ("captured", choice.captured_lo, captured, choice.captured_hi, ROUNDING),
            ("Ω", choice.omega_lo / total, omega / total, choice.omega_hi / total, ROUNDING),
            ("ratio", choice.ratio_lo, ratio, choice.ratio_hi, case.d * ROOTS),
        ):
            yield Observation("advice", f"k = {k}, {what}, lower end", low, exact, 1.0, tolerance)
            yield Observation("advice", f"k = {k}, {what}, upper end", exact, high, 1.0, tolerance)


def _bracketed(case: Case, bracket, spectrum, total, where: str) -> Iterator[Observation]:
    """Hold the ends against the exact spectrum, which has a rounding of its own."""
    roots = float(np.sqrt(spectrum).sum())
    own = DENSE * case.d * (1 + case.T / case.d)
    ends = [("tr G^½", bracket.root_trace(), roots, case.d * np.sqrt(total), ROOTS)]
    ends.append(("λ_1", bracket.largest(), float(spectrum[0]), total, own))
    for k in range(1, case.k + 1):
        exact = escape_limit(spectrum, k)
        ends.append((f"Ω_{k}", bracket.escaped_mass_limit(k), exact, total, case.d * own))
    for what, (low, high), exact, scale, tolerance in ends:
        yield Observation("bracket", f"{where}, {what}, lower end", low, exact, scale, tolerance)
        yield Observation("bracket", f"{where}, {what}, upper end", exact, high, scale, tolerance)
    # Where the sketch has lost nothing, the ends meet but for rounding.
    if not bracket.escaped_mass and bracket.total_mass:
        width = bracket.root_trace()[1] - roots
        room = np.sqrt(case.d * (case.k + 2) * 3 * bracket.rounding)
        yield Observation("bracket", f"{where}, width", width, room, case.d * np.sqrt(total), ROOTS)


def _rounded(case: Case, sketch, covariance, total) -> Iterator[Observation]:
    missed = np.linalg.eigvalsh(covariance - sketch.covariance().dense())
    said, own = float(sketch.rounding), DENSE * case.d * (1 + case.T / case.d) * total
    yield Observation("rounding", "Ḡ ⪯ G + rI", -float(missed[0]), said + own, total, 0.0)
    over = float(missed[-1]) - float(sketch.escaped_mass)
    yield Observation("rounding", "G ⪯ Ḡ + (τ + r)I", over, said + own, total, 0.0)
    yield Observation("rounding", "size", said, (1 + case.T / 100) * ROUNDING * total, total, 0.0)


def _reported(sketch, covariance, total) -> Iterator[Observation]:
    """Hold the sketch's own report against a sketch that is told less than the truth."""
    for promise in sketch.guarantees(covariance):
        held = float(promise.value - promise.limit)
        yield Observation("report", promise.name, held, 0.0, total, 1e3 * ROUNDING)
        yield Observation("report", promise.name, float(not promise.holds), tolerance=0.0)
    # Twice the covariance is underestimated by its trace; half of it overestimated.
    if sketch.rank:
        for factor in (2.0, 0.25):
            told = sketch.guarantees(factor * covariance)
            lost = np.linalg.eigvalsh(factor * covariance - sketch.covariance().dense())
            broken = float(lost[-1]) > sketch.escaped_mass + ROUNDING * total
            broken |= float(lost[0]) < -ROUNDING * total
            off = float(broken and all(promise.holds for promise in told[:2]))
            yield Observation("report", f"{factor:g} times the covariance", off, tolerance=0.0)
