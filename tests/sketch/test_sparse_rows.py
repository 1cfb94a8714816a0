"""Sparse rows: the sketch of the same rows made dense, and what it says of its rounding."""

import numpy as np
import pytest
from dense_sketch import dense_sketch, gradient_streams
from scipy import sparse

from oco.sketch import FrequentDirections, steps

# In units of tr G: some steps' worth of roundings, where sums are taken in another order.
APART = 1e-12


def rows_of(n, d, density, seed=0):
    rng = np.random.default_rng(seed)
    found = sparse.random_array(
        (n, d), density=density, rng=rng, format="csr", data_sampler=rng.standard_normal
    )
    return sparse.csr_array(found.multiply(0.9 ** np.arange(d)))


@pytest.mark.parametrize("decay", [1.0, 0.97])
@pytest.mark.parametrize("at_once", [1, 7, 1000])
@pytest.mark.parametrize(
    ("d", "k", "n", "density"),
    [(40, 6, 150, 0.2), (120, 11, 200, 0.05), (12, 13, 60, 0.3), (5, 6, 40, 0.5), (30, 2, 50, 0.1)],
)
def test_sparse_rows_are_absorbed_as_dense_ones_are(d, k, n, density, at_once, decay, monkeypatch):
    monkeypatch.setattr(steps, "rows_at_once", lambda d, k: at_once)
    rows = rows_of(n, d, density)
    dense, quick = (FrequentDirections(d, k, decay) for _ in range(2))
    dense.extend(rows.toarray())
    quick.extend(rows)
    trace = dense.total_mass
    ours, theirs = quick.covariance().dense(), dense.covariance().dense()
    np.testing.assert_allclose(ours, theirs, atol=1e-12 * trace)
    assert quick.escaped_mass == pytest.approx(dense.escaped_mass, abs=1e-12 * trace)
    assert quick.last_escape == pytest.approx(dense.last_escape, abs=1e-12 * trace)
    assert quick.total_mass == pytest.approx(trace, rel=1e-14)
    assert quick.rows == n and quick.rank == dense.rank
    size = np.eye(quick.rank)
    np.testing.assert_allclose(quick.directions @ quick.directions.T, size, atol=1e-13)
    exact = np.zeros((d, d))
    for row in rows.toarray():
        exact = decay * exact + np.outer(row, row)
    assert all(guarantee.holds for guarantee in quick.guarantees(exact))
    assert dense.rounding < quick.rounding < 1e-10 * trace
    # They go on with dense rows.
    for sketch in (dense, quick):
        sketch.extend(rows.toarray()[::-1][:20])
    assert quick.escaped_mass == pytest.approx(dense.escaped_mass, abs=1e-12 * dense.total_mass)


@pytest.mark.parametrize("decay", [1.0, 0.9])
def test_a_sparse_block_is_one_step(decay):
    rows = rows_of(60, 30, 0.2)
    dense, quick = (FrequentDirections(30, 5, decay) for _ in range(2))
    for part in (rows[:25], rows[25:]):
        dense.update(part.toarray())
        quick.update(part)
    atol = 1e-12 * dense.total_mass
    np.testing.assert_allclose(quick.covariance().dense(), dense.covariance().dense(), atol=atol)
    assert quick.escaped_mass == pytest.approx(dense.escaped_mass, abs=atol)
    assert quick.rows == dense.rows == 60


@pytest.mark.parametrize("at_once", [9, 1000])
@pytest.mark.parametrize("name", gradient_streams(2, 2, 0))
def test_streams_that_a_careless_sketch_gets_wrong(name, at_once, monkeypatch):
    monkeypatch.setattr(steps, "rows_at_once", lambda d, k: at_once)
    rows = gradient_streams(30, 60, 2)[name]
    rows[np.random.default_rng(1).uniform(size=rows.shape) < 0.5] = 0.0
    quick, block = (FrequentDirections(30, 5) for _ in range(2))
    quick.extend(sparse.csr_array(rows))
    block.update(sparse.csr_array(rows))
    *_, (expected, escaped, exact) = dense_sketch(rows, 5)
    apart = APART * np.trace(exact)
    np.testing.assert_allclose(quick.covariance().dense(), expected, rtol=0, atol=apart)
    assert quick.escaped_mass == pytest.approx(escaped, abs=apart)
    for sketch in (quick, block):
        assert all(guarantee.holds for guarantee in sketch.guarantees(exact))


def test_either_space_is_entered(monkeypatch):
    """Rows of their own in the one, rows that lie in the span of others in the other."""
    entered = set()
    for kind in (steps.Embedding, steps.SpectralSpace):

        def sketch(self, decay, own=kind.sketch):
            entered.add(type(self))
            return own(self, decay)

        monkeypatch.setattr(kind, "sketch", sketch)
    apart, near = rows_of(10, 400, 0.1), rows_of(3, 400, 0.1, seed=5)
    near = sparse.csr_array(np.random.default_rng(0).standard_normal((20, 3))) @ near
    for rows, kind in ((apart, steps.Embedding), (near, steps.SpectralSpace)):
        entered.clear()
        FrequentDirections(400, 4).extend(rows)
        assert entered == {kind}


def test_a_sparse_row_is_appended():
    rows = rows_of(30, 20, 0.3)
    dense, quick = FrequentDirections(20, 4), FrequentDirections(20, 4)
    for row in rows.toarray():
        expected = dense.append(row)
        np.testing.assert_array_equal(quick.append(sparse.csr_array(row[None])), expected)


def test_low_rank_loses_nothing():
    rng = np.random.default_rng(0)
    kinds = rows_of(4, 300, 0.1, seed=3).toarray()
    rows = sparse.csr_array(rng.standard_normal((500, 1)) * kinds[rng.integers(4, size=500)])
    sketch = FrequentDirections(300, 6)
    sketch.extend(rows)
    assert sketch.escaped_mass == 0.0 and sketch.rank == 4
    assert sketch.mass_outside < 1e-10 * sketch.total_mass


@pytest.mark.parametrize("rows", [sparse.csr_array((0, 9)), sparse.csr_array((5, 9))])
def test_no_rows_and_rows_of_zeros_change_nothing_but_their_count(rows):
    empty, full = FrequentDirections(9, 3), FrequentDirections(9, 3)
    full.extend(np.eye(9)[:2])
    for sketch in (empty, full):
        before, count = sketch.covariance().dense(), sketch.rows
        sketch.extend(rows)
        sketch.update(rows)
        np.testing.assert_allclose(sketch.covariance().dense(), before, atol=1e-15)
        assert sketch.rows == count + 2 * rows.shape[0] and sketch.escaped_mass < 1e-15


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_long_and_short_rows(scale):
    rows = rows_of(40, 15, 0.3) * scale
    dense, quick = FrequentDirections(15, 4), FrequentDirections(15, 4)
    dense.extend(rows.toarray())
    quick.extend(rows)
    np.testing.assert_allclose(quick.eigenvalues, dense.eigenvalues, rtol=1e-9)


def test_a_refused_matrix_changes_nothing():
    sketch = FrequentDirections(9, 3)
    bad = sparse.csr_array(np.diag([1.0, np.nan, 1.0]) @ np.eye(3, 9))
    for absorb in (sketch.extend, sketch.update):
        with pytest.raises(ValueError, match=r"\.data: expected finite numbers"):
            absorb(bad)
        with pytest.raises(ValueError, match=r"shape \(n, 9\), got shape \(2, 8\)"):
            absorb(sparse.csr_array((2, 8)))
        with pytest.raises(ValueError, match="finite sum of squares"):
            absorb(sparse.csr_array(1e154 * np.eye(3, 9)))
    assert sketch.rows == 0


def test_merged_sketches_add_their_rounding():
    rows = rows_of(40, 15, 0.3)
    one, other, dense = (FrequentDirections(15, 4) for _ in range(3))
    one.extend(rows[:20])
    other.extend(rows[20:])
    dense.extend(rows.toarray())
    one.merge(other)
    exact = (rows.T @ rows).toarray()
    assert one.rounding > dense.rounding
    assert all(guarantee.holds for guarantee in one.guarantees(exact))


def test_extend_is_append_row_by_row_whatever_the_layout(monkeypatch):
    monkeypatch.setattr(steps, "NUMBERS_AT_ONCE", 12 * 4 * 7)
    rows = np.asfortranarray(np.random.default_rng(0).standard_normal((50, 12)))
    block, single = FrequentDirections(12, 4, 0.9), FrequentDirections(12, 4, 0.9)
    block.extend(rows)
    for row in rows:
        single.append(row)
    np.testing.assert_allclose(block.eigenvalues, single.eigenvalues, rtol=1e-13)
    assert block.escaped_mass == pytest.approx(single.escaped_mass, rel=1e-13)
