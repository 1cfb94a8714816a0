"""What is rounded up or down at random is right on average, and as if each entry were alone."""

from __future__ import annotations

import numpy as np
import pytest

from oco.optimizers import s_shampoo
from oco.optimizers.rounding import rounded

SHAPE = (60, 80)
# The distance of two numbers of bfloat16 between 1 and 2.
UNIT = 2.0**-7


def errors(values, steps, place=0):
    return np.array([(rounded(values, place, step) - values) / UNIT for step in range(steps)])


def test_a_number_goes_to_one_of_its_two_neighbours():
    values = np.random.default_rng(0).uniform(1, 2, SHAPE)
    found = rounded(values, 3, 7)
    assert (
        (found == np.floor(values / UNIT) * UNIT) | (found == np.ceil(values / UNIT) * UNIT)
    ).all()
    np.testing.assert_array_equal(rounded(-values, 3, 7), -found)
    np.testing.assert_array_equal(rounded(found, 1, 1), found)
    assert rounded(np.array(0.0), 0, 0) == 0 and rounded(np.ones(5), 0, 0).shape == (5,)


def test_on_average_nothing_is_lost():
    """In each entry, in all of them at one step, and along any direction as if draws were free."""
    values = np.random.default_rng(1).uniform(1, 2, SHAPE)
    fraction = values / UNIT % 1
    variance = fraction * (1 - fraction)
    e = errors(values, 200)
    # Means of so many free draws are, but for one in 10^6, within five deviations.
    assert (np.abs(e.mean(0)) <= 5 * np.sqrt(variance / len(e)) + 1e-3).all()
    assert (np.abs(e.mean((1, 2))) <= 5 * np.sqrt(variance.mean() / values.size)).all()
    assert e.var() == pytest.approx(variance.mean(), rel=0.02)


@pytest.mark.parametrize("fraction", [0.5, 0.25, 0.1])
def test_equal_entries_are_rounded_as_if_each_were_alone(fraction):
    """No direction of a matrix gets more of the errors than free draws would give it."""
    for place in range(4):
        (e,) = errors(np.full(SHAPE, 1 + fraction * UNIT), 1, place)
        free = np.sqrt(fraction * (1 - fraction)) * (SHAPE[0] ** 0.5 + SHAPE[1] ** 0.5)
        assert np.linalg.norm(e, 2) < 1.15 * free


def test_places_and_steps_have_draws_of_their_own():
    values = np.full(SHAPE, 1 + UNIT / 2)
    draws = [rounded(values, place, step) > 1.004 for place in range(3) for step in range(3)]
    for i, one in enumerate(draws):
        for other in draws[:i]:
            assert abs((one == other).mean() - 0.5) < 5 * 0.5 / one.size**0.5


def test_an_average_remembers_what_rounding_to_the_nearest_would_lose():
    """Of a gradient that is tiny beside the average, each step adds less than half of a unit."""
    weights = np.zeros(500)
    optimizer = s_shampoo([weights], lr=0.0, momentum=0.999, momentum_dtype="bfloat16")
    for _ in range(2000):
        optimizer.step([np.ones(500)])
    (average,) = optimizer._running
    # The deviation of one entry's errors is below four units, and there are 500.  To the nearest
    # all would have stayed where a thousandth of what is missing is less than half of a unit.
    assert average.mean() == pytest.approx(1 - 0.999**2000, abs=UNIT)


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"momentum_dtype: .*'float8'"):
        s_shampoo([np.zeros(3)], momentum_dtype="float8")
