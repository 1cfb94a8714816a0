"""Random streams of every kind, by rows, blocks, merges and copies, against P1 to P7."""

import copy

import numpy as np
import pytest

from oco.linalg.engine import ENGINE
from oco.sketch import FrequentDirections, escaped_mass_limit

# Uncompiled, a row takes five to ten times as long.
SEEDS, LONGEST = (240, 300) if ENGINE == "numba" else (120, 80)
# Of the reference: its eigenvalues, and the product that makes the sketch dense.
REFERENCE = 3e-15
# Of the allowance, which is for the worst.
SHARE = 0.5


def rotation(rng, d):
    return np.linalg.qr(rng.standard_normal((d, d)))[0]


def repeated(rng, T, few):
    return few[rng.integers(0, len(few), T)]


def tied_and_small(rng, T, d):
    rows = 10.0 ** rng.uniform(-9, 0) * repeated(rng, T, np.vstack([np.eye(d), rotation(rng, d)]))
    rows[:d] = np.eye(d)[:T]
    return rows


def normal(rng, T, d):
    return rng.standard_normal((T, d))


# Each is called with a generator, T, d and the sketch size k.
KINDS = {
    "normal": lambda rng, T, d, k: normal(rng, T, d),
    "graded spectrum": lambda rng, T, d, k: (
        normal(rng, T, d) * 10.0 ** -np.linspace(0, rng.uniform(0, 16), d) @ rotation(rng, d)
    ),
    "orthonormal": lambda rng, T, d, k: repeated(rng, T, rotation(rng, d)),
    "powers of two along axes": lambda rng, T, d, k: (
        np.eye(d)[np.arange(T) % d] * 2.0 ** rng.integers(-30, 30, (T, 1))
    ),
    "repeated": lambda rng, T, d, k: repeated(rng, T, normal(rng, max(1, d // 2), d)),
    "zeros between": lambda rng, T, d, k: normal(rng, T, d) * (rng.random((T, 1)) < 0.3),
    "signs of many lengths": lambda rng, T, d, k: (
        2.0 ** rng.integers(-20, 20, (T, 1)) * rng.choice([-1.0, 1.0], (T, d))
    ),
    "clusters": lambda rng, T, d, k: (
        repeated(rng, T, normal(rng, 3, d)) + 10.0 ** rng.uniform(-17, -3) * normal(rng, T, d)
    ),
    "low rank": lambda rng, T, d, k: (
        normal(rng, T, q := int(rng.integers(1, k))) @ normal(rng, q, d)
    ),
    "tied and small": lambda rng, T, d, k: tied_and_small(rng, T, d),
    "graded rows": lambda rng, T, d, k: normal(rng, T, d) * 10.0 ** rng.uniform(-8, 8, (T, 1)),
    "sparse": lambda rng, T, d, k: np.sign(normal(rng, T, d)) * (rng.random((T, d)) < 0.3),
}


class Twin:
    """A sketch, and beside it the covariance of its rows in extended precision."""

    def __init__(self, d, k, decay, unit):
        self.sketch, self.unit = FrequentDirections(d, k, decay), unit
        self.decay, self.exact = np.longdouble(decay), np.zeros((d, d), np.longdouble)

    def rows(self, rows):
        self.sketch.extend(self.unit * rows)
        for g in rows.astype(np.longdouble):
            self.exact = self.decay * self.exact + np.outer(g, g)

    def block(self, rows):
        self.sketch.update(self.unit * rows)
        rows = rows.astype(np.longdouble)
        self.exact = self.decay * self.exact + rows.T @ rows

    def merge(self, rows):
        other = Twin(self.sketch.d, self.sketch.k, self.sketch.decay, self.unit)
        other.rows(rows)
        self.sketch.merge(other.sketch)
        self.exact = self.exact + other.exact

    def copied(self, rows):
        before, left = self.sketch.covariance().dense(), self.sketch
        self.sketch = copy.copy(left)
        self.rows(rows)
        np.testing.assert_array_equal(left.covariance().dense(), before)


def require_properties(twin, low_rank):
    sketch, k, trace = twin.sketch, twin.sketch.k, float(np.trace(twin.exact))
    # In two steps: the square of the unit may lie beyond the range.
    relative = [sketch.rounding, sketch.escaped_mass, sketch.total_mass, sketch.mass_outside]
    relative += sketch.escaped_mass_limit_range()
    r, tau, total, outside, low, high = (v / twin.unit / twin.unit / trace for v in relative)
    U, exact = sketch.directions, (twin.exact / trace).astype(float)
    assert sketch.rank < k and abs(total - 1) <= 1e-14 and 1e-13 < r < 1e-11
    np.testing.assert_allclose(U @ U.T, np.eye(sketch.rank), rtol=0, atol=2e-13)
    values = sketch.eigenvalues / twin.unit / twin.unit / trace
    missed = np.linalg.eigvalsh((twin.exact / trace - (U.T * values) @ U).astype(float))
    spectrum = np.linalg.eigvalsh(exact)
    omega, room = escaped_mass_limit(spectrum, k), REFERENCE + SHARE * r
    assert -missed[0] <= room and missed[-1] <= tau + room
    assert tau <= omega + k * room and k * tau <= missed.sum() + k * room
    assert low <= omega + REFERENCE and omega <= high + REFERENCE
    beside = np.eye(sketch.d) - U.T @ U
    assert np.sum((beside @ exact) * beside) <= outside + REFERENCE
    assert all(g.holds for g in sketch.guarantees(twin.unit**2 * exact * trace))
    if low_rank:
        assert tau <= 1e-20


@pytest.mark.parametrize("kind", KINDS)
def test_by_rows_blocks_merges_and_copies(kind):
    for seed in range(SEEDS // len(KINDS)):
        rng = np.random.default_rng([seed, list(KINDS).index(kind)])
        d, T = int(rng.integers(1, 13)), int(rng.integers(1, LONGEST))
        k, decay = int(rng.integers(2, d + 2)), float(rng.choice([1.0, 1.0, 0.5, 0.9, 0.999]))
        rows = KINDS[kind](rng, T, d, k)
        wide = kind in ("powers of two along axes", "signs of many lengths", "graded rows")
        unit = 2.0 ** int(rng.choice([0, 0, -100, 200] if wide else [0, 0, -400, 400]))
        twin, t = Twin(d, k, decay, unit), 0
        ways = (
            [twin.rows] if rng.random() < 0.2 else [twin.rows, twin.block, twin.merge, twin.copied]
        )
        while t < T:
            n = int(rng.integers(1, 2 * k + 12))
            ways[rng.integers(len(ways))](rows[t : t + n])
            t += n
        if twin.exact.any():
            require_properties(twin, kind == "low rank")
