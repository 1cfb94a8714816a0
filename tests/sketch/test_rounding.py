"""What rounding may move in long streams made for it: no more than the sketch allows for."""

from fractions import Fraction

import numpy as np
import pytest

from oco.linalg.engine import ENGINE
from oco.ranks import advise
from oco.sketch import FrequentDirections, escaped_mass_limit
from oco.sketch.kernels import accumulate

EPS = np.finfo(float).eps
# Of the allowance, which is one for all streams of that length, these streams use far less.
SHARE = 0.25
LONG = 40_000
# Uncompiled, a round takes five to ten times as long.
BLOCKS = 10_000 if ENGINE == "numba" else 2_000


def exact(rows, weights):
    """Return Σ w g gᵀ, summed in extended precision where the machine has it."""
    rows = np.asarray(rows, dtype=np.longdouble)
    return (rows.T * np.asarray(weights, dtype=np.longdouble)) @ rows


def require_guarantees(sketch, covariance, share=SHARE):
    """P1 and P3 to a share of the allowance, which itself is small; P1 to P5 as they are checked.

    The differences are formed before they are rounded, so that tr G's own rounding is not seen.
    """
    r, tau, k = sketch.rounding, sketch.escaped_mass, sketch.k
    dense = covariance.astype(float)
    missed = np.linalg.eigvalsh((covariance - sketch.covariance().dense()).astype(float))
    assert -missed[0] <= share * r and missed[-1] - tau <= share * r
    assert tau <= escaped_mass_limit(np.linalg.eigvalsh(dense), k) + share * k * r
    assert all(guarantee.holds for guarantee in sketch.guarantees(dense))
    assert r <= 2e-10 * np.trace(dense)


@pytest.mark.parametrize("a2", [EPS, 2 * EPS, 8 * EPS, 30 * EPS])
@pytest.mark.parametrize("d, k", [(2, 3), (4, 5), (4, 4)])
def test_small_rows_across_tied_directions(d, k, a2):
    """Each leaves an entry off the diagonal that is next to nothing, and always on one side."""
    start = np.eye(d)
    small = np.sqrt(a2) * np.vstack([start[: d // 2], np.ones((1, d)) / np.sqrt(d)])
    sketch = FrequentDirections(d, k)
    sketch.extend(start)
    for _ in range(LONG // len(small)):
        for row in small:
            sketch.append(row)
    weights = [1] * d + [LONG // len(small)] * len(small)
    truth = exact(np.vstack([start, small]), weights)
    require_guarantees(sketch, truth)
    # Deflation relative to the norm of the whole would lose 1.3e-11 of it.
    missed = np.linalg.eigvalsh((truth - sketch.covariance().dense()).astype(float))
    assert -missed[0] <= 4e-12 * d and sketch.total_mass == pytest.approx(
        float(np.trace(truth)), rel=1e-15
    )


@pytest.mark.parametrize("decay", [1.0, 0.999])
@pytest.mark.parametrize("kind", ["basis", "signs", "pairs"])
def test_rows_that_tie(kind, decay):
    rng, d, k = np.random.default_rng(3), 6, 6
    unit = {"basis": np.eye(d), "signs": rng.choice([-1.0, 1.0], (40, d))}
    unit["pairs"] = np.repeat(np.linalg.qr(rng.standard_normal((d, d)))[0], 2, axis=0)
    order = rng.integers(0, len(unit[kind]), LONG)
    sketch, weights = FrequentDirections(d, k, decay), np.zeros(len(unit[kind]), np.longdouble)
    for i in order:
        sketch.append(unit[kind][i])
        weights *= np.longdouble(decay)
        weights[i] += 1
    require_guarantees(sketch, exact(unit[kind], weights))


def test_rows_below_half_a_rounding_of_what_is_there():
    """Their sum is not: the trace has it, and the eigenvalue lacks no more than is allowed for."""
    sketch, row = FrequentDirections(3, 3), np.array([1e-8, 0.0, 0.0])
    sketch.append([1.0, 0.0, 0.0])
    for _ in range(LONG):
        sketch.append(row)
    truth = np.diag([1 + LONG * np.longdouble(1e-8) ** 2, 0, 0])
    require_guarantees(sketch, truth)
    assert sketch.total_mass == pytest.approx(float(truth[0, 0]), rel=1e-15)


def absorbed(sketch, rows, how):
    if how == "update":
        sketch.update(rows)
    else:
        other = FrequentDirections(sketch.d, sketch.k)
        other.extend(rows)
        sketch.merge(other)


@pytest.mark.parametrize("how", ["update", "merge"])
@pytest.mark.parametrize("unit", [1e-120, 1.0, 1e120])
def test_thousands_of_blocks_that_are_small_beside_the_sketch(how, unit):
    """1e-13 of the largest eigenvalue each, and 1e-9 together: P7, nothing is lost of it."""
    d, sketch, small = 5, FrequentDirections(5, 4), 3e-7 * np.eye(5)[1:3]
    count = BLOCKS if unit == 1 else BLOCKS // 20
    sketch.append(unit * np.eye(d)[0])
    for _ in range(count):
        absorbed(sketch, unit * small, how)
    truth = exact(np.vstack([np.eye(d)[:1], small]), [1, count, count])
    assert sketch.rank == 3 and sketch.escaped_mass == 0
    missed = (truth - sketch.covariance().dense() / unit**2).astype(float)
    assert np.abs(missed).max() <= 1e-12 * count / BLOCKS
    low, high = sketch.escaped_mass_limit_range()
    assert low == 0 and high <= 1e-15 * sketch.total_mass
    if unit == 1:
        require_guarantees(sketch, truth)
        choice = advise(sketch).choices[1]
        assert choice.k == 3 and choice.omega_lo <= count * 9e-14 <= choice.omega_hi


@pytest.mark.parametrize("d, n", [(6, 3), (40, 3), (6, 30)])
def test_a_block_of_a_steep_spectrum_keeps_its_smallest_directions(d, n):
    """Down to 1e-20 of the largest eigenvalue, where a Gram matrix has no digit left."""
    rng, scales = np.random.default_rng(d + n), 10.0 ** -np.arange(0.0, 12.0, 4.0)
    basis = np.linalg.qr(rng.standard_normal((d, 3)))[0].T
    left = np.linalg.qr(rng.standard_normal((n, 3)))[0]
    sketch = FrequentDirections(d, 5)
    sketch.update(left * scales @ basis)
    assert sketch.rank == 3 and sketch.escaped_mass == 0
    np.testing.assert_allclose(sketch.eigenvalues, scales**2, rtol=1e-6)
    np.testing.assert_allclose(np.abs(sketch.directions @ basis.T), np.eye(3), rtol=0, atol=1e-6)


def test_merging_thousands_of_sketches_in_a_tree():
    rng, d, k = np.random.default_rng(8), 8, 4
    basis = np.linalg.qr(rng.standard_normal((d, d)))[0] * 10.0 ** -np.arange(d)[:, None]
    order, held = rng.integers(0, d, 2048), []
    for i in order:
        sketch = FrequentDirections(d, k)
        sketch.append(basis[i])
        held.append(sketch)
    while len(held) > 1:
        for left, right in zip(held[::2], held[1::2], strict=True):
            left.merge(right)
        held = held[::2]
    assert held[0].rows == len(order)
    require_guarantees(held[0], exact(basis, np.bincount(order, minlength=d)))


@pytest.mark.parametrize("decay", [1.0, 0.9, 1 - 1e-6])
@pytest.mark.parametrize("unit", [1e-250, 1.0, 1e300])
def test_the_trace_is_summed_without_rounding(decay, unit):
    total, rest, truth, rng = 0.0, 0.0, Fraction(0), np.random.default_rng(2)
    for mass in (unit * 10.0 ** rng.uniform(-16, 0, 2000)).tolist():
        total, rest = accumulate(total, rest, decay, mass)
        truth = Fraction(decay) * truth + Fraction(mass)
        # What decays stays on a denominator of its own otherwise.
        truth = Fraction(round(truth * 2**1200), 2**1200)
    assert abs(Fraction(total) - truth) <= Fraction(EPS) / 2 * truth
    assert abs(Fraction(total) + Fraction(rest) - truth) <= Fraction(1, 2**90) * truth


@pytest.mark.parametrize("rank", [2, 5])
@pytest.mark.parametrize("absorb", ["rows", "blocks"])
def test_what_lies_outside_the_directions_is_bounded(rank, absorb):
    rng, d, T = np.random.default_rng(rank), 30, 3000
    rows = rng.standard_normal((T, rank)) @ rng.standard_normal((rank, d))
    sketch = FrequentDirections(d, 7)
    if absorb == "rows":
        sketch.extend(rows)
    else:
        for start in range(0, T, 10):
            sketch.update(rows[start : start + 10])
    outside = rows - (rows @ sketch.directions.T) @ sketch.directions
    assert sketch.escaped_mass == 0
    assert np.sum(outside**2) <= sketch.mass_outside <= 1e-18 * sketch.total_mass
    full = rng.standard_normal((T, d)) * 0.5 ** np.arange(d)
    sketch = FrequentDirections(d, 7)
    sketch.extend(full)
    outside = full - (full @ sketch.directions.T) @ sketch.directions
    assert np.sum(outside**2) <= sketch.mass_outside <= 10 * np.sum(outside**2)


@pytest.mark.parametrize("seed", range(40))
def test_the_directions_of_a_block_are_orthonormal_where_eigenvalues_are_close(seed):
    """LAPACK's eigenvectors of a part of the spectrum alone are so to 2e-13 only."""
    rng, d = np.random.default_rng(seed), 10
    sketch = FrequentDirections(d, 10)
    for scale in (1.0, 1e3):
        sketch.update(
            scale * 2.0 ** rng.integers(-12, 0, (19, 1)) * rng.choice([-1.0, 1.0], (19, d))
        )
        directions = sketch.directions
        np.testing.assert_allclose(
            directions @ directions.T, np.eye(sketch.rank), rtol=0, atol=4e-15
        )
