"""Intervals of SketchedPCA where float64 is pressed hard: the exact variance lies in each."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from oco.integrations.sklearn import SketchedPCA


def exact_variance(values, weights=None, decay=1.0) -> Fraction:
    """Return S/(W − V/W) of numbers in a column; a weight is how often its row is there."""
    numbers = [Fraction(float(value)) for value in values]
    times = (
        [Fraction(1)] * len(numbers) if weights is None else [Fraction(float(w)) for w in weights]
    )
    ages = [Fraction(float(decay)) ** age for age in reversed(range(len(numbers)))]
    counts = [w * age for w, age in zip(times, ages, strict=True)]
    total = sum(counts)
    mean = sum(c * x for c, x in zip(counts, numbers, strict=True)) / total
    scatter = sum(c * (x - mean) ** 2 for c, x in zip(counts, numbers, strict=True))
    squares = sum(c * age for c, age in zip(counts, ages, strict=True))
    return scatter / (total - squares / total)


def holds(model, exact) -> bool:
    low, high = model.explained_variance_interval_[0]
    return Fraction(float(low)) <= exact <= Fraction(float(high))


@pytest.mark.parametrize("decay", [0.5, 0.9])
@pytest.mark.parametrize("jump", [1e3, 1e5, 1e7, 1e10])
def test_a_jump_that_has_decayed_leaves_no_rounding(jump, decay):
    rng = np.random.default_rng(0)
    rows = np.r_[
        jump + rng.standard_normal((100, 1)), rng.standard_normal((100, 1)), [[3.0], [4.0]]
    ]
    model = SketchedPCA(decay=decay, batch_size=100).fit(rows)
    assert holds(model, exact_variance(rows[:, 0], decay=decay))


def test_a_light_block_far_away():
    rows, weights = [1e8, 0.1, 0.7, 0.3], [1e-30, 1.0, 1.0, 1.0]
    model = SketchedPCA(batch_size=1).fit(np.reshape(rows, (-1, 1)), sample_weight=weights)
    assert holds(model, exact_variance(rows, weights))


@pytest.mark.parametrize("beyond", [1e-3, 1e-6, 1e-8])
def test_weights_that_are_hardly_more_than_a_row(beyond):
    rows, weights = [0.0, 1.0, 2.0, 5.0], np.array([0.1, 0.2, 0.3, 0.4]) * (1 + beyond)
    model = SketchedPCA().fit(np.reshape(rows, (-1, 1)), sample_weight=weights)
    assert holds(model, exact_variance(rows, weights))


def test_what_underflows_beside_a_huge_constant_column():
    counts = np.arange(64.0)
    model = SketchedPCA().fit(np.c_[np.full(64, 2.0**600), counts])
    assert holds(model, exact_variance(counts))


def test_weights_that_are_hardly_numbers():
    """They are less than one row, and so are shares: the variance is S/W."""
    rows = np.random.default_rng(0).standard_normal(30)
    model = SketchedPCA().fit(rows.reshape(-1, 1), sample_weight=np.full(30, 1e-318))
    numbers = [Fraction(float(x)) for x in rows]
    mean = sum(numbers) / 30
    low, high = model.explained_variance_interval_[0]
    exact = sum((x - mean) ** 2 for x in numbers) / 30
    assert low <= exact and (np.isinf(high) or exact <= Fraction(float(high)))


def test_entries_of_one_place_that_cancel():
    entries = ([1e9, 1 - 1e9, 1e9, 3 - 1e9], [0, 0, 0, 0], [0, 2, 4])
    model = SketchedPCA().fit(sparse.csr_matrix(entries, shape=(2, 1)))
    assert holds(model, Fraction(2))


def test_tiny_rows_after_equal_ones_leave_the_mean():
    rng = np.random.default_rng(0)
    rows = np.r_[np.ones(16), 1e-170 * rng.standard_normal(16), rng.standard_normal(64)]
    model = SketchedPCA(batch_size=16).fit(rows.reshape(-1, 1))
    assert holds(model, exact_variance(rows))
    low, high = model.explained_variance_interval_[0]
    assert high - low < 1e-9 * high
