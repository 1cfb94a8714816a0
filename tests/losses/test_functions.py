from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from oco.losses import MARGIN_LOSSES, Loss

# Central differences with this step are exact to about STEP² · φ''' + ε/STEP.
STEP = 1e-5
DIFFERENCE_ACCURACY = 1e-8
# Sums of a few terms of size at most 100, each rounded once.
ROUNDING = 1e-12

margins = st.floats(-30, 30)
each_loss = pytest.mark.parametrize("loss", MARGIN_LOSSES.values(), ids=MARGIN_LOSSES)
smooth_loss = pytest.mark.parametrize(
    "loss", [loss for loss in MARGIN_LOSSES.values() if loss.smooth], ids=lambda loss: loss.name
)


def labels_of(loss: Loss) -> list[float]:
    return [-1.0, 1.0] if loss.labels == "binary" else [-2.5, 0.0, 0.7]


def kinks_of(loss: Loss, y: float) -> list[float]:
    return {"hinge": [y], "absolute": [y]}.get(loss.name, [])


def smooth_margins(loss: Loss, y: float) -> np.ndarray:
    z = np.linspace(-8, 8, 321) + 0.0013
    for kink in kinks_of(loss, y):
        z = z[np.abs(z - kink) > 2 * STEP]
    return z


@pytest.mark.parametrize(
    ("name", "z", "y", "value", "slope"),
    [
        ("linear", 3.0, -1.0, 3.0, 1.0),
        ("squared", 3.0, -1.0, 8.0, 4.0),
        ("absolute", 3.0, -1.0, 4.0, 1.0),
        ("hinge", 3.0, -1.0, 4.0, 1.0),
        ("hinge", 3.0, 1.0, 0.0, 0.0),
        ("logistic", 0.0, 1.0, math.log(2), -0.5),
        ("logistic", math.log(3), -1.0, math.log(4), 0.75),
    ],
)
def test_values_by_hand(name, z, y, value, slope):
    assert MARGIN_LOSSES[name].value(z, y) == pytest.approx(value, rel=1e-15)
    assert MARGIN_LOSSES[name].derivative(z, y) == pytest.approx(slope, rel=1e-15)


@each_loss
def test_derivative_matches_finite_differences(loss):
    for y in labels_of(loss):
        z = smooth_margins(loss, y)
        difference = (loss.value(z + STEP, y) - loss.value(z - STEP, y)) / (2 * STEP)
        np.testing.assert_allclose(loss.derivative(z, y), difference, atol=DIFFERENCE_ACCURACY)


@smooth_loss
def test_curvature_matches_finite_differences(loss):
    for y in labels_of(loss):
        z = smooth_margins(loss, y)
        difference = (loss.derivative(z + STEP, y) - loss.derivative(z - STEP, y)) / (2 * STEP)
        np.testing.assert_allclose(loss.curvature(z, y), difference, atol=DIFFERENCE_ACCURACY)


def test_only_smooth_losses_have_a_curvature():
    assert {name for name, loss in MARGIN_LOSSES.items() if loss.smooth} == {
        name for name, loss in MARGIN_LOSSES.items() if loss.curvature is not None
    }


@each_loss
@given(z=margins, other=margins, which=st.integers(0, 1))
def test_subgradient_inequality(loss, z, other, which):
    y = labels_of(loss)[which]
    tangent = loss.value(z, y) + loss.derivative(z, y) * (other - z)
    assert loss.value(other, y) >= tangent - 1e-9


@each_loss
@given(z=margins, which=st.integers(0, 1))
def test_subgradient_inequality_holds_at_kinks(loss, z, which):
    y = labels_of(loss)[which]
    for kink in kinks_of(loss, y):
        tangent = loss.value(kink, y) + loss.derivative(kink, y) * (z - kink)
        assert loss.value(z, y) >= tangent - ROUNDING * (1 + abs(z))


@each_loss
@given(z=margins, which=st.integers(0, 1))
def test_fenchel_young_equality_at_the_derivative(loss, z, which):
    y = labels_of(loss)[which]
    u = loss.derivative(z, y)
    # s log s at s = 1 − 1e-13 keeps 1e-3 of that distance: absolutely, below 1e-12 · 30.
    assert loss.value(z, y) + loss.conjugate(u, y) == pytest.approx(u * z, rel=1e-11, abs=1e-11)


@each_loss
@given(z=margins, at=margins, which=st.integers(0, 1))
def test_fenchel_young_inequality_elsewhere(loss, z, at, which):
    y = labels_of(loss)[which]
    u = loss.derivative(at, y)
    assert loss.value(z, y) + loss.conjugate(u, y) >= u * z - 1e-10


@each_loss
@pytest.mark.parametrize("share", [0.1, 0.5, 0.83])
def test_conjugate_is_the_supremum(loss, share):
    for y in labels_of(loss):
        low, high = loss.derivative(-20.0, y), loss.derivative(20.0, y)
        u = (1 - share) * low + share * high
        best = minimize_scalar(
            lambda z, u=u, y=y: loss.value(z, y) - u * z,
            bounds=(-20.0, 20.0),
            method="bounded",
            options={"xatol": 1e-10},
        )
        if loss.name == "linear":
            assert loss.conjugate(u, y) == 0.0
        else:
            assert loss.conjugate(u, y) == pytest.approx(-best.fun, abs=1e-7)


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("linear", [-1.0], [-1.1, -0.9, 0.0, 1.0]),
        ("absolute", [-1.0, 0.0, 1.0], [-1.01, 1.01]),
        ("hinge", [-1.0, -0.5, 0.0], [-1.01, 0.01]),
        ("logistic", [-1.0, -0.5, 0.0], [-1.01, 0.01]),
    ],
)
def test_conjugate_domain(name, inside, outside):
    loss = MARGIN_LOSSES[name]
    assert np.isfinite(loss.conjugate(np.array(inside), 1.0)).all()
    assert np.isposinf(loss.conjugate(np.array(outside), 1.0)).all()
    # A solver's slope that is off by rounding is still inside, and costs what the edge does.
    edge, rounding = inside[0], 1e-14
    assert loss.conjugate(edge - rounding, 1.0) == pytest.approx(
        float(loss.conjugate(edge, 1.0)), abs=1e-12
    )


@each_loss
@pytest.mark.parametrize(("z_max", "y_max"), [(0.0, 1.0), (0.5, 1.0), (3.0, 1.0), (2.0, 0.25)])
def test_lipschitz_constant_is_a_bound_and_attained(loss, z_max, y_max):
    z, y = np.meshgrid(np.linspace(-z_max, z_max, 41), np.linspace(-y_max, y_max, 41))
    steepest = np.max(np.abs(loss.derivative(z, y)))
    bound = loss.lipschitz(z_max, y_max)
    assert steepest <= bound * (1 + 1e-15)
    assert steepest == pytest.approx(bound, rel=1e-15)


def test_lipschitz_constants_without_a_bound_on_the_prediction():
    expected = {"linear": 1, "squared": math.inf, "absolute": 1, "hinge": 1, "logistic": 1}
    assert {name: loss.lipschitz(math.inf, 1.0) for name, loss in MARGIN_LOSSES.items()} == expected


@pytest.mark.parametrize("huge", [1e3, 1e155, 1e300])
@pytest.mark.parametrize("number", [float, np.float64, lambda v: np.array([v, v])])
def test_huge_margins_reach_the_limits_without_warnings(number, huge):
    good, bad = number(huge), number(-huge)
    for name in ("hinge", "logistic"):
        loss = MARGIN_LOSSES[name]
        assert np.all(loss.value(good, 1.0) == 0.0)
        assert np.all(loss.derivative(good, 1.0) == 0.0)
        np.testing.assert_allclose(loss.value(bad, 1.0), huge, rtol=2e-3)
        assert np.all(loss.derivative(bad, 1.0) == -1.0)
    assert np.all(MARGIN_LOSSES["logistic"].curvature(bad, 1.0) == 0.0)
    assert np.all(MARGIN_LOSSES["linear"].value(bad, 1.0) == huge)
    assert np.all(MARGIN_LOSSES["absolute"].derivative(bad, 1.0) == -1.0)
    assert np.all(
        MARGIN_LOSSES["squared"].value(bad, 0.0) == (huge / 2 * huge if huge < 1e150 else np.inf)
    )
    assert np.all(np.isfinite(MARGIN_LOSSES["squared"].derivative(bad, 1.0)))


@each_loss
def test_arrays_and_scalars_agree(loss):
    z = np.linspace(-3, 3, 13)
    for y in labels_of(loss):
        for method in (loss.value, loss.derivative, loss.conjugate, loss.curvature):
            if method is None:
                continue
            together = method(z, np.full_like(z, y))
            assert together.shape == z.shape
            assert together.dtype == np.float64
            for number in (float, np.float64):
                one_by_one = [method(number(v), number(y)) for v in z]
                assert all(np.ndim(v) == 0 for v in one_by_one)
                np.testing.assert_array_equal(together, one_by_one)


@each_loss
def test_labels_broadcast(loss):
    z, y = np.zeros((3, 1)), np.ones(4)
    assert loss.value(z, y).shape == loss.derivative(z, y).shape == (3, 4)


def test_a_loss_of_ones_own_needs_two_methods():
    class Quartic(Loss):
        def value(self, z, y):
            return (z - y) ** 4

        def derivative(self, z, y):
            return 4 * (z - y) ** 3

    loss = Quartic()
    assert (loss.smooth, loss.labels, loss.conjugate, loss.curvature) == (False, "real", None, None)
    assert loss.lipschitz(1.0, 1.0) == math.inf


def test_a_loss_without_a_derivative_cannot_be_made():
    class Half(Loss):
        def value(self, z, y):
            return z

    with pytest.raises(TypeError, match="derivative"):
        Half()


def test_names_are_the_registry_keys():
    assert list(MARGIN_LOSSES) == ["linear", "squared", "absolute", "hinge", "logistic"]
    assert all(loss.name == name for name, loss in MARGIN_LOSSES.items())
    assert repr(MARGIN_LOSSES["hinge"]) == "Hinge()"
