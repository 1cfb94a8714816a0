"""Rows whose squares underflow or overflow: no wrong sketch, and no half-made one."""

import numpy as np
import pytest

from oco.sketch import FrequentDirections


@pytest.mark.parametrize("scale", [1e-150, 1e-153, 1e-155, 1e-158, 1e-160, 1e-165, 5e-324])
def test_rows_at_the_end_of_the_range_do_not_spoil_later_ones(scale):
    rng = np.random.default_rng(0)
    rows = np.concatenate([scale * rng.standard_normal((8, 5)), rng.standard_normal((8, 5))])
    sketch, exact = FrequentDirections(5, 4), np.zeros((5, 5))
    for row in rows:
        sketch.append(row)
        exact += np.outer(row, row)
        directions = sketch.directions
        np.testing.assert_allclose(directions @ directions.T, np.eye(sketch.rank), atol=1e-13)
    assert all(guarantee.holds for guarantee in sketch.guarantees(exact))


def test_a_row_whose_square_underflows_counts_as_zero():
    sketch = FrequentDirections(2, 2, decay=0.5)
    sketch.append([2.0, 0.0])
    assert sketch.append([0.0, 1e-155]).tolist() == [0.0]
    assert sketch.eigenvalues.tolist() == [2.0] and sketch.rows == 2


@pytest.mark.parametrize(
    "absorb, message",
    [
        (lambda s: s.append([1e154, 0.0]), "row: expected a finite sum of squares of all rows"),
        (lambda s: s.update([[1e200, 0.0]]), "matrix: expected finite squared lengths, got inf"),
        (lambda s: s.update([[1e154, 0], [1e154, 0]]), "matrix: expected a finite sum of squares"),
        (
            lambda s: s.extend([[1.0, 0.0], [0.0, 1e200]]),
            r"rows: .* got inf \(overflow\) for row 1",
        ),
        (lambda s: s.merge(s), "other: expected a finite sum of squares of all rows"),
    ],
)
def test_what_overflows_is_refused_and_changes_nothing(absorb, message):
    sketch = FrequentDirections(2, 2)
    sketch.append([1.2e154, 1.0])
    before = (sketch.rows, sketch.total_mass, sketch.eigenvalues.copy(), sketch.escaped_mass)
    with pytest.raises(ValueError, match=message):
        absorb(sketch)
    after = (sketch.rows, sketch.total_mass, sketch.eigenvalues, sketch.escaped_mass)
    np.testing.assert_array_equal(np.hstack(after), np.hstack(before))


def test_what_decays_makes_room_for_a_sum_just_below_overflow():
    """1.44e308 decays to 0.72e308, and 1e308 more are finite."""
    for absorb in (FrequentDirections.append, lambda sketch, row: sketch.update([row])):
        sketch = FrequentDirections(3, 3, decay=0.5)
        absorb(sketch, [1.2e154, 0.0, 0.0])
        absorb(sketch, [0.0, 1e154, 0.0])
        np.testing.assert_allclose(sketch.eigenvalues, [1e308, 0.72e308], rtol=1e-14)


def test_rows_that_count_as_zero_are_allowed_for():
    sketch, row = FrequentDirections(3, 3), np.array([1.4e-154, 0.0, 0.0])
    for _ in range(1000):
        sketch.append(row)
    # In units in which nothing underflows.
    lost = 1000 * (1e150 * row[0]) ** 2
    assert sketch.rank == 0
    for allowed in (sketch.rounding, sketch.mass_outside, sketch.escaped_mass_limit_range(1)[1]):
        assert lost <= allowed * 1e150 * 1e150 <= 10 * lost


@pytest.mark.parametrize("absorb", [lambda s, row: s.append(row), lambda s, row: s.update([row])])
def test_the_allowance_for_rounding_does_not_overflow(absorb):
    sketch = FrequentDirections(3, 3, decay=0.5)
    for _ in range(50):
        absorb(sketch, [0.9e154, 0.0, 0.0])
    assert 1e-14 < sketch.rounding / sketch.total_mass < 1e-12
    low, high = sketch.escaped_mass_limit_range()
    assert low == 0 and high < 1e-20 * sketch.total_mass
