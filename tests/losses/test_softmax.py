"""The softmax loss: finite differences, Fenchel–Young, the logistic loss as its smallest case."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oco.losses import LOSSES, MARGIN_LOSSES

SOFTMAX, LOGISTIC = LOSSES["softmax"], LOSSES["logistic"]
CLASSES, STEP = 4, 1e-5
STEPS = STEP * np.eye(CLASSES)
predictions = arrays(np.float64, CLASSES, elements=st.floats(-30, 30))
classes = st.integers(0, CLASSES - 1)


@given(z=predictions, y=classes)
def test_derivative_matches_finite_differences(z, y):
    difference = [(SOFTMAX.value(z + h, y) - SOFTMAX.value(z - h, y)) / (2 * STEP) for h in STEPS]
    np.testing.assert_allclose(SOFTMAX.derivative(z, y), difference, atol=1e-8)


@given(z=predictions, at=predictions, y=classes)
def test_fenchel_young(z, at, y):
    u = SOFTMAX.derivative(at, y)
    tangent = SOFTMAX.value(at, y) + u @ (z - at)
    assert SOFTMAX.value(z, y) >= tangent - 1e-9
    assert SOFTMAX.value(at, y) + SOFTMAX.conjugate(u, y) == pytest.approx(u @ at, abs=1e-10)
    assert SOFTMAX.value(z, y) + SOFTMAX.conjugate(u, y) >= u @ z - 1e-9
    assert np.linalg.norm(u) <= SOFTMAX.lipschitz(math.inf, CLASSES) * (1 + 1e-15)


@pytest.mark.parametrize("u", [[0.1, 0.0], [0.2, -0.1], [1.1, -1.1], [0.3, 0.3]])
def test_the_conjugate_is_infinite_outside_its_domain(u):
    assert SOFTMAX.conjugate(np.array(u), 1) == math.inf


def test_the_conjugate_of_a_flat_minorant_is_zero():
    np.testing.assert_array_equal(SOFTMAX.conjugate(np.zeros((2, 3)), np.array([0.0, 2.0])), 0.0)


@given(margin=st.floats(-50, 50))
def test_two_classes_are_the_logistic_loss_of_the_difference(margin):
    z = np.array([0.0, margin])
    for y, sign in ((0, -1.0), (1, 1.0)):
        assert SOFTMAX.value(z, y) == pytest.approx(LOGISTIC.value(margin, sign), abs=1e-13)
        slope = LOGISTIC.derivative(margin, sign)
        np.testing.assert_allclose(SOFTMAX.derivative(z, y), [-slope, slope], atol=1e-13)


@given(z=predictions, y=classes, shift=st.floats(-1e3, 1e3))
def test_only_differences_of_predictions_count(z, y, shift):
    assert SOFTMAX.value(z + shift, y) == pytest.approx(SOFTMAX.value(z, y), abs=1e-11)


@pytest.mark.parametrize("huge", [1e3, 1e155, 1e308])
def test_huge_predictions_reach_the_limits_without_warnings(huge):
    z = np.array([huge, 0.0, -huge])
    assert SOFTMAX.value(z, 0) == 0.0 and SOFTMAX.value(z, 1) == huge
    np.testing.assert_array_equal(SOFTMAX.derivative(z, 1), [1.0, -1.0, 0.0])


def test_rows_are_taken_one_by_one():
    rng = np.random.default_rng(0)
    z, y = rng.standard_normal((5, CLASSES)), rng.integers(0, CLASSES, 5).astype(float)
    for method in (SOFTMAX.value, SOFTMAX.derivative, SOFTMAX.conjugate):
        given = SOFTMAX.derivative(z, y) if method == SOFTMAX.conjugate else z
        one_by_one = [method(row, label) for row, label in zip(given, y, strict=True)]
        np.testing.assert_allclose(method(given, y), one_by_one, rtol=1e-14, atol=1e-16)


def test_it_is_registered_beside_the_margin_losses():
    assert list(LOSSES) == [*MARGIN_LOSSES, "softmax"] and SOFTMAX.name == "softmax"
    assert (SOFTMAX.smooth, SOFTMAX.labels) == (True, "class")
