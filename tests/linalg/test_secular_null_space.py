"""Components in the null space of the metric, inside and outside the ball."""

import numpy as np

from oco.linalg.secular import ball_weights


def test_a_null_space_part_that_fits_keeps_its_length():
    weights = ball_weights(np.array([2.0, 0.0, 0.0]), np.array([0.3, 0.2, 0.1]), 1.0)
    np.testing.assert_array_equal(weights, np.ones(3))


def test_a_null_space_part_that_does_not_fit_fills_the_room():
    squares = np.array([0.36, 4.0, 3.0])
    weights = ball_weights(np.array([2.0, 0.0, 0.0]), squares, 1.0)
    assert weights[0] == 1.0 and weights[1] == weights[2]
    np.testing.assert_allclose(weights**2 @ squares, 1.0)


def test_without_room_nothing_is_left_of_it():
    weights = ball_weights(np.array([2.0, 0.0]), np.array([9.0, 4.0]), 1.0)
    np.testing.assert_allclose(weights, [1 / 3, 0.0])
