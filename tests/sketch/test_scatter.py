"""The sketch of a centred scatter: against dense scatters in higher precision."""

import copy
import math

import mpmath
import numpy as np
import pytest
from scipy import sparse

from oco.sketch.absorbed import DEFLATED
from oco.sketch.guarantees import escaped_mass_limit
from oco.sketch.scatter import ScatterSketch


def streams(seed, d_max=24, n_max=150):
    """Return rows that a careless covariance gets wrong."""
    rng = np.random.default_rng(seed)
    d, n = int(rng.integers(1, d_max + 1)), int(rng.integers(1, n_max + 1))
    rows = rng.standard_normal((n, d)) * rng.uniform(0.2, 1.0) ** np.arange(d)
    kind = seed % 8
    if kind == 1:
        rows += 10.0 ** rng.uniform(0, 9) * rng.standard_normal(d)
    elif kind == 2:
        rows = rng.standard_normal((n, 2)) @ rng.standard_normal((2, d)) + 5.0
    elif kind == 3:
        rows[:, rng.random(d) < 0.5] = 0.1
    elif kind == 4:
        rows *= 10.0 ** rng.integers(-200, 140)
    elif kind == 5:
        rows *= 10.0 ** rng.uniform(-8, 8, (n, 1))
    elif kind == 6:
        rows = np.eye(d)[rng.integers(0, d, n)] * 3.0
    elif kind == 7:
        rows = rows * (rng.random((n, d)) < 0.2)
    return rows, rng


def aged(weights, decay):
    """Return what each row counts for at the end, one of integer weight being so many rows."""
    return np.array(
        [
            sum(decay ** (j + sum(weights[i + 1 :])) for j in range(int(w)))
            for i, w in enumerate(weights)
        ]
    )


def dense_scatter(rows, weights, center):
    """Return the scatter in extended precision, and a power of two in whose square it is given."""
    scale = 2.0 ** np.frexp(np.abs(rows).max(initial=0.0) or 1.0)[1]
    rows = (rows / scale).astype(np.longdouble)
    weights = np.asarray(weights, dtype=np.longdouble)
    if center:
        rows = rows - weights @ rows / weights.sum()
    return (rows * weights[:, None]).T @ rows, scale


@pytest.mark.parametrize("seed", range(240))
def test_every_interval_holds_the_exact_value(seed):
    rows, rng = streams(seed)
    n, d = rows.shape
    weights = rng.integers(0, 4, n).astype(float) if rng.random() < 0.4 else None
    if weights is not None:
        weights[0] = 1.0
    decay, center = float(rng.choice([1.0, 0.9])), bool(rng.random() < 0.8)
    sketch = ScatterSketch(
        d,
        int(rng.integers(2, d + 2)),
        decay=decay,
        center=center,
        block=int(rng.integers(1, 40)),
    )
    sketch.extend(sparse.csr_array(rows) if rng.random() < 0.4 else rows, weights)
    found = sketch.spectrum()
    counted = aged(np.ones(n) if weights is None else weights, decay)
    scatter, scale = dense_scatter(rows, counted, center)
    exact = np.linalg.eigvalsh(scatter.astype(float))[::-1]
    trace = float(np.trace(scatter))
    # What the oracle rounds: its eigenvalues, and squares that are as large as the mean's.
    squares = float(counted @ ((rows / scale) ** 2).sum(axis=1))
    doubt = 2e-15 * trace + 1e-36 * n * squares
    unit = (found.scale / scale) ** 2
    low, high = (found.relative_intervals(d) * unit).T
    assert (low <= exact + doubt).all() and (exact <= high + doubt).all()
    assert abs(found.relative_total * unit - trace) <= found.relative_rounding * unit + doubt
    # Not by being wide: the sketch's own doubt is rounding alone.
    assert found.relative_rounding * unit <= 1e-10 * (trace + squares)
    # S̄ ⪯ S ⪯ S̄ + τI, and the directions are orthonormal.
    sketched = (found.directions.T * found.relative) @ found.directions * unit
    error = np.linalg.eigvalsh(scatter.astype(float) - sketched)
    r = found.relative_rounding * unit + doubt
    assert error[0] >= -r and error[-1] <= found.relative_escaped * unit + r
    gram = found.directions @ found.directions.T
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-13)
    if decay == 1.0:
        limit = escaped_mass_limit(exact, math.ceil(found.size / DEFLATED))
        assert found.relative_escaped * unit <= limit + found.size * r


@pytest.mark.parametrize("seed", range(40))
def test_intervals_hold_values_of_exact_arithmetic(seed):
    rows, rng = streams(seed, d_max=4, n_max=12)
    n, d = rows.shape
    sketch = ScatterSketch(d, int(rng.integers(2, d + 2)), block=int(rng.integers(1, 6)))
    sketch.extend(rows)
    with mpmath.workprec(3000):
        exact_rows = mpmath.matrix(rows.tolist())
        ones = mpmath.ones(n, 1)
        centred = exact_rows - ones * (ones.T * exact_rows) / n
        scatter = centred.T * centred
        values = sorted(mpmath.eigsy(scatter, eigvals_only=True), reverse=True)
        found = sketch.spectrum()
        for (low, high), value in zip(found.intervals(d).tolist(), values, strict=True):
            # Below the smallest number there is nothing to say it with.
            assert low <= value + mpmath.mpf("1e-3000") * abs(value) + mpmath.mpf(10) ** -800
            assert value <= high
        total = mpmath.fsum(values)
        if total > 0:
            for (low, high), value in zip(found.ratio_intervals(d).tolist(), values, strict=True):
                assert low <= value / total + mpmath.mpf(10) ** -800 and value / total <= high


@pytest.mark.parametrize("seed", range(16))
def test_how_rows_are_cut_into_calls_changes_nothing(seed):
    rows, rng = streams(seed)
    n, d = rows.shape
    weights = rng.uniform(0.0, 2.0, n) * (rng.random(n) < 0.8)
    whole = ScatterSketch(d, min(6, d + 1), decay=0.99)
    cut = copy.deepcopy(whole)
    whole.extend(rows, weights)
    start = 0
    while start < n:
        stop = start + int(rng.integers(1, 30))
        cut.extend(rows[start:stop], weights[start:stop])
        cut.spectrum()
        start = stop
    np.testing.assert_array_equal(whole.spectrum().relative, cut.spectrum().relative)
    np.testing.assert_array_equal(whole.spectrum().mean, cut.spectrum().mean)


@pytest.mark.parametrize("seed", range(16))
def test_without_loss_it_is_the_scatter(seed):
    rows, rng = streams(seed)
    n, d = rows.shape
    sketch = ScatterSketch(d, d + 1, block=int(rng.integers(1, 20)))
    sketch.extend(rows)
    found = sketch.spectrum()
    scatter, scale = dense_scatter(rows, np.ones(n), True)
    unit = (found.scale / scale) ** 2
    rebuilt = (found.directions.T * found.relative) @ found.directions * unit
    size = float(np.trace(scatter)) + 1e-300
    assert found.relative_escaped == 0.0
    assert np.abs(rebuilt - scatter).max() <= 1e-13 * size + found.relative_rounding * unit


def test_a_weight_is_so_many_rows():
    rng = np.random.default_rng(0)
    rows, weights = rng.standard_normal((40, 6)) + 3.0, rng.integers(0, 4, 40)
    one, other = (ScatterSketch(6, 4, decay=0.97, block=1000) for _ in range(2))
    one.extend(rows, weights)
    other.extend(np.repeat(rows, weights, axis=0))
    one, other = one.spectrum(), other.spectrum()
    np.testing.assert_allclose(one.relative, other.relative, rtol=1e-12)
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-13)
    np.testing.assert_allclose(one.degrees, other.degrees, rtol=1e-13)


@pytest.mark.parametrize("decay", [1.0, 0.99])
def test_merging_keeps_the_guarantees(decay):
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((300, 20)) * 0.8 ** np.arange(20) + 10 * rng.standard_normal(20)
    parts = np.array_split(rows, 3)
    merged = ScatterSketch(20, 8, decay=decay)
    for part in parts:
        following = ScatterSketch(20, 8, decay=decay, block=17)
        following.extend(part)
        merged.append_stream(following)
    found = merged.spectrum()
    scatter, scale = dense_scatter(rows, decay ** np.arange(299.0, -1.0, -1.0), True)
    exact = np.linalg.eigvalsh((scatter * scale**2).astype(float))[::-1]
    low, high = found.intervals(20).T
    assert (low <= exact).all() and (exact <= high).all()
    np.testing.assert_allclose(found.total_mass, exact.sum(), rtol=1e-12)
    assert found.rows == 300


def test_the_angle_bound_is_no_less_than_the_angle():
    proven = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rows = rng.standard_normal((200, 12)) * rng.uniform(0.3, 0.9) ** np.arange(12) + 1.0
        sketch = ScatterSketch(12, 9, block=20)
        sketch.extend(rows)
        found = sketch.spectrum()
        vectors = np.linalg.eigh(np.cov(rows.T))[1][:, ::-1]
        for count in (1, 2, 4):
            cosines = np.linalg.svd(found.basis(count) @ vectors[:, :count], compute_uv=False)
            outside = found.basis(count).T - vectors[:, :count] @ (
                vectors[:, :count].T @ found.basis(count).T
            )
            angle = math.asin(min(np.linalg.norm(outside, 2), 1.0))
            assert angle <= found.angle(count) + 1e-12, cosines
            proven += found.angle(count) < math.pi / 2
    assert proven > 60


@pytest.mark.parametrize("components", [None, 3])
@pytest.mark.parametrize("error", [0.0, 1e-3, 0.05])
def test_the_sketch_grows_until_the_error_is_met(components, error):
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((400, 60)) * 0.9 ** np.arange(60)
    sketch = ScatterSketch(60, 5, error=error, components=components, block=30)
    fixed = ScatterSketch(60, 5, block=30)
    for part in np.array_split(rows, 8):
        sketch.extend(part)
        fixed.extend(part)
        found = sketch.spectrum()
        scatter, _ = dense_scatter(
            np.concatenate([rows[: sketch.rows]]), np.ones(sketch.rows), True
        )
        scatter, scale = dense_scatter(rows[: sketch.rows], np.ones(sketch.rows), True)
        scatter = (scatter * scale**2).astype(float)
        exact = np.linalg.eigvalsh(scatter)[::-1]
        count = len(found.relative) if components is None else components
        basis = found.basis(count)
        missed = exact.sum() - np.einsum("ij,jk,ik->", basis, scatter, basis)
        best = exact[count:].sum() if components else 0.0
        assert missed - best <= error * exact.sum() + 1e-10
    if error:
        assert 5 < sketch.size < 61
    assert fixed.size == 5


def test_a_sparse_block_is_never_made_dense(monkeypatch):
    rng = np.random.default_rng(3)
    rows = sparse.random(300, 2000, 0.01, format="csr", random_state=rng)
    expected = ScatterSketch(2000, 8, block=50)
    expected.extend(rows.toarray())
    made = []
    original = sparse.csr_array.toarray

    def toarray(self, *arguments, **named):
        made.append(self.shape)
        return original(self, *arguments, **named)

    for kind in (sparse.csr_array, sparse.csc_array, sparse.csr_matrix, sparse.csc_matrix):
        monkeypatch.setattr(kind, "toarray", toarray)
    for kind in (sparse.csr_array, sparse.csc_matrix):
        sketch = ScatterSketch(2000, 8, block=50)
        sketch.extend(kind(rows))
        np.testing.assert_allclose(
            sketch.spectrum().relative, expected.spectrum().relative, rtol=1e-10
        )
    assert made and all(columns < 2000 for _, columns in made)


@pytest.mark.parametrize(
    "rows, weights, message",
    [
        (np.zeros((2, 4)), None, r"rows: expected a matrix of shape \(n, 3\)"),
        (np.array([[1.0, np.nan, 0.0]]), None, "rows: expected finite numbers"),
        (np.array([[1.0, np.inf, 0.0]], dtype=np.float32), None, "rows: expected finite numbers"),
        (np.zeros((2, 3)), [1.0, -1.0], "weights: expected numbers >= 0"),
        (np.zeros((2, 3)), [1.0], r"weights: expected a vector of shape \(2,\)"),
        (sparse.csr_array(np.zeros((2, 4))), None, r"rows: expected a matrix of shape \(n, 3\)"),
    ],
)
def test_what_is_refused_changes_nothing(rows, weights, message):
    sketch = ScatterSketch(3, 3)
    sketch.extend(np.eye(3))
    before = sketch.spectrum()
    with pytest.raises(ValueError, match=message):
        sketch.extend(rows, weights)
    assert sketch.rows == 3 and sketch.spectrum() is before


def test_other_sketches_are_refused():
    sketch = ScatterSketch(3, 3)
    with pytest.raises(TypeError, match="other: expected a ScatterSketch, got list"):
        sketch.merge([])
    with pytest.raises(ValueError, match="other: expected a sketch with d = 3, got 4"):
        sketch.merge(ScatterSketch(4, 3))
