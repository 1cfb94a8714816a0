"""Frequent Directions: exact after every row, guaranteed, and the traps that break it."""

import numpy as np
import pytest
from dense_sketch import dense_sketch, gradient_streams

from oco.sketch import FrequentDirections, blocks

# Each of T rank-one steps rounds to a few ε of the largest eigenvalue.
PER_ROUND = 1e-13
STREAMS = list(gradient_streams(4, 10, 0))


@pytest.mark.parametrize("decay", [1.0, 0.9])
@pytest.mark.parametrize("size", [2, 3, 6, 11])
@pytest.mark.parametrize("name", STREAMS)
def test_every_round_equals_the_dense_definition(name, size, decay):
    d, T = 10, 60
    rows = gradient_streams(d, T, seed=size)[name]
    sketch = FrequentDirections(d, size, decay)
    for row, (covariance, tau, exact) in zip(rows, dense_sketch(rows, size, decay), strict=True):
        sketch.append(row)
        scale = max(np.trace(exact), np.finfo(float).tiny)
        error = np.abs(sketch.covariance().dense() - covariance).max()
        assert error <= PER_ROUND * T * scale
        assert abs(sketch.escaped_mass - tau) <= PER_ROUND * T * scale
        directions = sketch.directions
        np.testing.assert_allclose(directions @ directions.T, np.eye(sketch.rank), atol=1e-13)
        assert sketch.total_mass == pytest.approx(np.trace(exact), rel=1e-12, abs=0)


@pytest.mark.parametrize("decay", [1.0, 0.8])
@pytest.mark.parametrize("name", STREAMS)
def test_guarantees_hold_on_every_stream(name, decay):
    d, T, size = 12, 80, 5
    rows = gradient_streams(d, T, seed=1)[name]
    sketch = FrequentDirections(d, size, decay)
    exact = np.zeros((d, d))
    for t, row in enumerate(rows):
        sketch.append(row)
        exact = decay * exact + np.outer(row, row)
        if t % 7 == 0:
            broken = [g for g in sketch.guarantees(exact) if not g.holds]
            assert not broken


def test_lost_trace_is_exactly_size_times_escaped_mass():
    rows = np.random.default_rng(0).standard_normal((200, 15))
    sketch = FrequentDirections(15, 6)
    sketch.extend(rows)
    lost = np.sum(rows**2) - sketch.eigenvalues.sum()
    assert lost == pytest.approx(6 * sketch.escaped_mass, rel=1e-11)


@pytest.mark.parametrize("size", [5, 13])
def test_nothing_escapes_while_the_rank_is_below_the_size(size):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((300, 4)) @ rng.standard_normal((4, 12))
    sketch = FrequentDirections(12, size)
    sketch.extend(rows)
    assert sketch.escaped_mass == 0.0 and sketch.rank == 4
    exact = rows.T @ rows
    np.testing.assert_allclose(sketch.covariance().dense(), exact, atol=1e-12 * np.trace(exact))


def test_directions_dropped_from_the_sketch_count_as_new_when_they_return():
    """The frame still spans them; taking only what is outside the frame makes ρ too small."""
    basis = np.eye(6)
    rows = np.concatenate([3 * basis[:3], basis[3:4], 2 * basis[3:4], basis[4:5], 2 * basis[3:4]])
    sketch = FrequentDirections(6, 3)
    for row, (_, tau, _) in zip(rows, dense_sketch(rows, 3), strict=True):
        sketch.append(row)
        assert sketch.escaped_mass == pytest.approx(tau, rel=1e-12)
    assert tau > 0


def test_metric_is_monotone():
    rows = np.random.default_rng(3).standard_normal((60, 8))
    sketch = FrequentDirections(8, 4)
    before = np.zeros((8, 8))
    for row in rows:
        sketch.append(row)
        after = sketch.compensated_covariance().dense()
        assert np.linalg.eigvalsh(after - before)[0] >= -1e-12 * np.trace(after)
        before = after


def test_append_returns_coordinates_in_the_updated_eigenvectors():
    rows = np.random.default_rng(4).standard_normal((40, 9))
    sketch = FrequentDirections(9, 4)
    for row in rows:
        coordinates = sketch.append(row)
        np.testing.assert_allclose(coordinates, sketch.directions @ row, atol=1e-13)


@pytest.mark.parametrize("decay", [1.0, 0.7])
@pytest.mark.parametrize("n", [1, 3, 20])
def test_a_block_is_one_step_with_its_gram_matrix(n, decay):
    rng = np.random.default_rng(n)
    d, size = 11, 5
    sketch = FrequentDirections(d, size, decay)
    sketch.extend(rng.standard_normal((10, d)))
    block = rng.standard_normal((n, d))
    c = decay * sketch.covariance().dense() + block.T @ block
    values, vectors = np.linalg.eigh(c)
    rho = values[::-1][size - 1]
    top = np.maximum(values - rho, 0)
    expected, tau = (vectors * top) @ vectors.T, decay * sketch.escaped_mass + rho
    total = decay * sketch.total_mass + np.sum(block**2)
    sketch.update(block)
    assert sketch.total_mass == pytest.approx(total, rel=1e-13)
    assert sketch.last_escape == pytest.approx(rho, rel=1e-12)
    np.testing.assert_allclose(sketch.covariance().dense(), expected, atol=1e-12 * values[-1])
    assert sketch.escaped_mass == pytest.approx(tau, rel=1e-12)
    after = np.vstack([rng.standard_normal((3, d)), block])
    sketch.extend(after)
    np.testing.assert_allclose(
        sketch.directions @ sketch.directions.T, np.eye(sketch.rank), atol=1e-13
    )


@pytest.mark.parametrize("decay", [1.0, 0.7])
@pytest.mark.parametrize("n", [1, 2, 20])
def test_rows_and_blocks_in_turn_equal_the_dense_definition(n, decay):
    """Also rows that come when a block has left the sketch with fewer directions than it may."""
    rng, d, size = np.random.default_rng(n), 9, 5
    sketch, dense, tau = FrequentDirections(d, size, decay), np.zeros((d, d)), 0.0
    for t in range(12):
        rows = rng.standard_normal((n if t % 3 == 0 else 1, d))
        if t % 3 == 0:
            sketch.update(rows)
        else:
            sketch.append(rows[0])
        values, vectors = np.linalg.eigh(decay * dense + rows.T @ rows)
        rho = values[d - size]
        dense = (vectors * np.maximum(values - rho, 0)) @ vectors.T
        tau = decay * tau + rho
        scale = values[-1]
        np.testing.assert_allclose(sketch.covariance().dense(), dense, rtol=0, atol=1e-13 * scale)
        assert sketch.escaped_mass == pytest.approx(tau, rel=1e-12, abs=1e-14 * scale)


@pytest.mark.parametrize("block", [np.zeros((0, 4)), np.zeros((3, 4))])
def test_a_block_of_nothing_only_decays(block):
    sketch, empty = (FrequentDirections(4, 3, decay=0.5) for _ in range(2))
    sketch.update(block)
    empty.merge(sketch)
    assert sketch.rank == empty.rank == 0 and sketch.escaped_mass == 0.0
    sketch.extend([[2.0, 0, 0, 0], [0, 2.0, 0, 0], [0, 0, 2.0, 0]])
    values, tau = sketch.eigenvalues, sketch.escaped_mass
    sketch.update(block)
    np.testing.assert_allclose(sketch.eigenvalues, 0.5 * values, rtol=1e-14)
    assert sketch.escaped_mass == 0.5 * tau > 0


@pytest.mark.parametrize("n, d, size", [(3, 40, 5), (37, 40, 39), (38, 40, 40), (500, 40, 40)])
def test_a_block_costs_the_smaller_of_its_gram_matrices(n, d, size, monkeypatch):
    """That of the sketch's two directions and the block's n rows, or of their d coordinates."""
    sketch, sizes = FrequentDirections(d, 5), []

    def counting(matrix, eigh=blocks.eigh, **options):
        sizes.append(len(matrix))
        return eigh(matrix, **options)

    def refused(*_, **__):
        raise AssertionError("the Gram matrix resolves this spectrum")

    monkeypatch.setattr(blocks, "eigh", counting)
    monkeypatch.setattr(blocks, "svd", refused)
    rows = np.random.default_rng(11).standard_normal((n + 2, d))
    sketch.update(rows[:2])
    sketch.update(rows[2:])
    assert sizes == [2, size]


@pytest.mark.parametrize("n, d", [(6, 5), (6, 40), (20_000, 5)])
@pytest.mark.parametrize("unit", [1e-100, 1.0, 1e100])
def test_what_rounding_leaves_of_a_block_is_no_direction(n, d, unit):
    """A block of rank 2, graded, with more or fewer rows than dimensions."""
    rng = np.random.default_rng(10)
    basis = np.linalg.qr(rng.standard_normal((d, 2)))[0].T
    rows = (rng.standard_normal((n, 2)) * [1.0, 1e-4]) @ basis
    sketch = FrequentDirections(d, 4)
    for times in (1, 2):
        sketch.update(unit * rows)
        assert sketch.rank == 2 and sketch.escaped_mass == 0.0
        directions = sketch.directions
        np.testing.assert_allclose(directions @ directions.T, np.eye(2), rtol=0, atol=1e-14)
        found = (directions.T * (sketch.eigenvalues / unit**2)) @ directions
        np.testing.assert_allclose(found, times * rows.T @ rows, rtol=0, atol=1e-14 * n)


@pytest.mark.parametrize("scale", [1e-140, 1e140])
def test_blocks_and_merges_of_any_scale(scale):
    rng = np.random.default_rng(9)
    first, second = rng.standard_normal((2, 7, 9))
    plain, scaled = FrequentDirections(9, 4), FrequentDirections(9, 4)
    for sketch, unit in ((plain, 1.0), (scaled, scale)):
        sketch.update(unit * first)
        other = FrequentDirections(9, 4)
        other.update(unit * second)
        sketch.merge(other)
    assert scaled.escaped_mass / scale / scale == pytest.approx(plain.escaped_mass, rel=1e-12)
    np.testing.assert_allclose(
        scaled.covariance().dense() / scale / scale, plain.covariance().dense(), atol=1e-11
    )


@pytest.mark.parametrize("grouping", [((0, 1), (2, 3)), ((0, (1, (2, 3))),), (((0, 1), 2), 3)])
def test_merging_in_any_grouping_keeps_the_guarantees(grouping):
    rng = np.random.default_rng(5)
    d, size = 10, 4
    parts = [rng.standard_normal((25, d)) * 0.6 ** np.arange(d) for _ in range(4)]

    def merged(tree):
        if isinstance(tree, int):
            sketch = FrequentDirections(d, size)
            sketch.extend(parts[tree])
            return sketch
        result = merged(tree[0])
        for other in tree[1:]:
            result.merge(merged(other))
        return result

    sketch = merged(grouping)
    exact = sum(rows.T @ rows for rows in parts)
    assert sketch.rows == 100
    assert all(g.holds for g in sketch.guarantees(exact))
    assert sketch.total_mass == pytest.approx(np.trace(exact), rel=1e-12)


def test_rotating_the_stream_rotates_the_sketch():
    rng = np.random.default_rng(6)
    rows = rng.standard_normal((50, 8))
    q = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    plain, turned = FrequentDirections(8, 4), FrequentDirections(8, 4)
    plain.extend(rows)
    turned.extend(rows @ q.T)
    scale = np.sum(rows**2)
    assert turned.escaped_mass == pytest.approx(plain.escaped_mass, rel=1e-11)
    np.testing.assert_allclose(
        turned.covariance().dense(), q @ plain.covariance().dense() @ q.T, atol=1e-11 * scale
    )


def test_a_long_run_stays_orthonormal():
    rng = np.random.default_rng(7)
    sketch = FrequentDirections(12, 5)
    narrow = rng.standard_normal((4, 12))
    for row in rng.standard_normal((20_000, 4)) @ narrow:
        sketch.append(row)
    directions = sketch.directions
    np.testing.assert_allclose(directions @ directions.T, np.eye(sketch.rank), atol=1e-13)


def test_a_copy_of_the_covariance_outlives_the_next_step():
    rng = np.random.default_rng(8)
    sketch = FrequentDirections(6, 3)
    sketch.extend(rng.standard_normal((20, 6)))
    operator = sketch.covariance()
    before = operator.dense()
    sketch.extend(rng.standard_normal((20, 6)))
    np.testing.assert_array_equal(operator.dense(), before)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((10, 1), "k: expected an integer from 2 to 11, got 1"),
        ((10, 12), "k: expected an integer from 2 to 11, got 12"),
        ((0, 2), "d: expected an integer >= 1, got 0"),
        ((10, 3, 0.0), "decay: expected a finite number > 0 <= 1, got 0.0"),
        ((10, 3, 1.5), "decay: expected a finite number > 0 <= 1, got 1.5"),
    ],
)
def test_parameters_out_of_range_are_named(arguments, message):
    with pytest.raises(ValueError, match="^" + message.replace(">", r"\>")):
        FrequentDirections(*arguments)


@pytest.mark.parametrize(
    "row, message",
    [
        (np.ones(3), r"row: expected a vector of shape \(2,\), got shape \(3,\)"),
        (np.ones(1), r"row: expected a vector of shape \(2,\), got shape \(1,\)"),
        (np.ones((2, 1)), r"row: expected a vector of shape \(2,\), got shape \(2, 1\)"),
        (np.array([1.0, np.nan]), r"row: expected finite numbers, got nan at index \(1,\)"),
        (np.array([1e200, 0.0]), "row: expected a finite squared length"),
    ],
)
def test_a_bad_row_is_refused_and_changes_nothing(row, message):
    sketch = FrequentDirections(2, 2)
    sketch.append([1.0, 2.0])
    with pytest.raises(ValueError, match=message):
        sketch.append(row)
    assert sketch.rows == 1 and sketch.total_mass == 5.0


def test_sketches_of_other_shapes_do_not_merge():
    sketch = FrequentDirections(5, 3)
    for d, k in ((5, 2), (5, 4), (4, 3), (6, 3)):
        message = (
            f"other: expected a sketch with d=5, k=3 and decay=1, got d={d}, k={k} and decay=1"
        )
        with pytest.raises(ValueError, match=message):
            sketch.merge(FrequentDirections(d, k))
    with pytest.raises(TypeError, match="other: expected a FrequentDirections"):
        sketch.merge(np.eye(5))


def test_a_sketch_tells_its_size_and_what_escaped():
    sketch = FrequentDirections(3, 2, decay=0.5)
    sketch.extend([[2.0, 0, 0], [0, 1.0, 0]])
    assert repr(sketch) == (
        "FrequentDirections(d=3, k=2, decay=0.5: 2 rows, rank 1, escaped mass 1 of 3)"
    )
