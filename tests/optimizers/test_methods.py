"""The NumPy optimizers against their definition on dense matrices, and against bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from dense_shampoo import PLAIN, DenseShampoo

from oco.optimizers import OPTIMIZERS

SHAPES = [(6, 14), (13, 5), (3, 4, 6), (5, 1, 7), (2, 3, 2, 3), (1, 8), (4,), ()]
STEPS = 110
# The directions, of length about 1, round to 1e-12; a hundred steps of 1e-2 add up.
TOLERANCE = 1e-10
VARIANTS = [
    {},
    {"k": None},
    {"graft": "adam", "weight_decay": 0.1, "update_every": 3},
    {"graft": "sgd", "betas": (0.9, 1.0), "momentum": 0.0},
    {"graft": "none", "bias_correction": False, "start_step": 5, "update_every": 2},
    {"graft": "rmsprop", "start_step": 7, "max_axis": 4, "k": 3},
    {"graft": "none", "k": 2, "betas": (0.9, 0.9)},
    {"graft": "none", "k": None, "epsilon": 0.0, "betas": (0.9, 1.0)},
    {"graft": "unit", "start_step": 4, "max_axis": 5},
    {"tail": "half", "graft": "none"},
    {"tail": "mean", "graft": "unit", "update_every": 2},
    {"tail": "mean", "betas": (0.9, 1.0), "graft": "sgd", "max_axis": 6},
    {"exponent": "shampoo2"},
    {"exponent": "shampoo2", "tail": "mean", "graft": "unit"},
    {"exponent": "shampoo2", "k": None, "graft": "none"},
    {"average": "gradient"},
    {"average": "gradient", "nesterov": True, "graft": "none", "start_step": 6},
    {"average": "gradient", "nesterov": True, "graft": "adam", "bias_correction": False},
    {"average": "gradient", "graft": "sgd", "start_step": 4, "update_every": 2},
    {"average": "gradient", "k": None},
    {"nesterov": True, "matrix_rate": 0.2, "weight_decay": 0.1},
    {"graft": "adafactor", "k": 3},
    {"graft": "adafactor", "average": "gradient", "bias_correction": False, "start_step": 4},
    {"graft": "adafactor", "betas": (0.9, 1.0), "max_axis": 6},
    {"long_axes": "factored", "max_axis": 6, "graft": "unit", "average": "gradient"},
    {"long_axes": "factored", "max_axis": 6, "graft": "adam"},
    {"statistics": "average", "average": "gradient", "nesterov": True, "graft": "unit"},
    {"statistics_every": 2, "update_every": 6, "graft": "none", "k": 3},
    {"update_every": 10, "graft": "unit", "exponent": "shampoo2", "average": "gradient"},
    {"update_every": 13, "k": None, "graft": "none"},
    {"statistics_every": 1, "update_every": 4, "k": 3, "statistics": "average"},
    {"sides": "shorter", "graft": "none"},
    {"sides": "shorter", "k": None, "exponent": "shampoo2", "average": "gradient"},
    {"sides": "shorter", "k": 3, "max_axis": 7, "tail": "mean", "graft": "unit"},
    {
        "average": "gradient",
        "nesterov": True,
        "graft": "unit",
        "tail": "mean",
        "exponent": "shampoo2",
        "matrix_rate": 0.2,
        "update_every": 3,
        "start_step": 3,
    },
]


def initial(shape):
    return np.random.default_rng([0, *shape]).standard_normal(shape)


def gradients(shape):
    """Random gradients of a decaying spectrum; one is zero, one is not finite."""
    rng = np.random.default_rng([1, *shape])
    for t in range(STEPS):
        g = rng.standard_normal(shape)
        if len(shape) >= 2:
            g = g * 0.7 ** np.arange(shape[-1])
        yield {10: 0 * g, 20: np.full(shape, np.nan)}.get(t, g)


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_steps_equal_the_definition(options):
    options = {"lr": 1e-2, "k": 2, **PLAIN, **options}
    parameters = [initial(shape) for shape in SHAPES]
    # The matrices come first: each has its refreshes a step later than the one before.
    twins = [DenseShampoo(initial(s), phase=i, **options) for i, s in enumerate(SHAPES)]
    if options["k"] is None:
        del options["k"], options["refresh"]
        optimizer = OPTIMIZERS["shampoo"](parameters, **options)
    else:
        optimizer = OPTIMIZERS["s-shampoo"](parameters, **options)
    for step in zip(*map(gradients, SHAPES), strict=True):
        optimizer.step(step)
        for parameter, twin, g in zip(parameters, twins, step, strict=True):
            twin.step(g)
            np.testing.assert_allclose(parameter, twin.x, rtol=0, atol=TOLERANCE)
    assert optimizer.skipped == [1] * len(SHAPES)
    assert optimizer.steps == [STEPS - 1] * len(SHAPES)


def test_adam_is_the_published_recursion():
    w = np.array([1.0, -2.0, 0.5])
    optimizer = OPTIMIZERS["adam"]([w], lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.2)
    x, m, v = w.copy(), 0.0, 0.0
    for t, g in enumerate(np.random.default_rng(0).standard_normal((50, 3)), start=1):
        optimizer.step([g])
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        x = (1 - 0.02) * x - 0.1 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-3)
        np.testing.assert_allclose(w, x, rtol=1e-13)


@pytest.mark.parametrize("bias_correction", [True, False])
def test_sgd_averages_the_gradients(bias_correction):
    w = np.zeros(2)
    optimizer = OPTIMIZERS["sgd"]([w], lr=0.1, momentum=0.5, bias_correction=bias_correction)
    optimizer.step([np.array([1.0, 0.0])])
    optimizer.step([np.array([0.0, 3.0])])
    first = 1.0 if bias_correction else 0.5
    second = np.array([0.25, 1.5]) / (0.75 if bias_correction else 1.0)
    np.testing.assert_allclose(w, -0.1 * (np.array([first, 0.0]) + second))


def test_float32_weights_have_float64_statistics():
    weights = [initial((6, 5)).astype(np.float32)]
    twin = DenseShampoo(weights[0], lr=1e-2, k=3, **PLAIN)
    optimizer = OPTIMIZERS["s-shampoo"](weights, lr=1e-2, k=3, **PLAIN)
    for g in gradients((6, 5)):
        g = g.astype(np.float32)
        optimizer.step([g])
        twin.step(g.astype(np.float64))
    assert weights[0].dtype == np.float32
    np.testing.assert_allclose(weights[0], twin.x, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "name, moments, eigenvectors, rest",
    [
        ("sgd", 0, 0, 610),
        ("adam", 610, 0, 610),
        ("shampoo", 20**2 + 30**2 + 10, 20**2 + 30**2, 610),
        ("s-shampoo", None, 3 * (20 + 30), 610),
    ],
)
def test_what_is_kept(name, moments, eigenvectors, rest):
    """Numbers kept for 20 x 30 and 10 weights, with sketches of 4 and one average."""
    parameters = [np.zeros((20, 30)), np.zeros(10)]
    sketched = {"k": 4, "refresh": "direct"} if moments is None else {}
    optimizer = OPTIMIZERS[name](parameters, lr=0.1, **sketched)
    optimizer.step([initial(parameter.shape) for parameter in parameters])
    if moments is None:
        sketches = [factor.sketch for factor in optimizer.rules[0].root.factors]
        moments = 10 + sum(sketch.state_bytes for sketch in sketches) // 8
    assert optimizer.second_moment_bytes == 8 * moments
    assert optimizer.state_bytes == 8 * (moments + eigenvectors + rest)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e200])
def test_a_gradient_that_is_not_finite_touches_nothing_of_its_parameter(name, bad):
    """The next steps are those of an optimizer that never saw it; the others' go on."""
    rng = np.random.default_rng(0)
    seen, unseen = ([np.ones((3, 4)), np.ones(5)] for _ in range(2))
    optimizers = [OPTIMIZERS[name](weights, lr=0.1) for weights in (seen, unseen)]
    for t in range(6):
        g, h = rng.standard_normal((3, 4)), rng.standard_normal(5)
        if t == 3:
            poisoned = g.copy()
            poisoned[1, 2] = bad
            before = seen[0].copy()
            optimizers[0].step([poisoned, h])
            np.testing.assert_array_equal(seen[0], before)
            optimizers[1].step([np.full((3, 4), np.nan), h])
        else:
            optimizers[0].step([g, h])
            optimizers[1].step([g, h])
        np.testing.assert_array_equal(seen[0], unseen[0])
        np.testing.assert_array_equal(seen[1], unseen[1])
    assert optimizers[0].skipped == [1, 0] and optimizers[0].steps == [5, 6]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(
    "second, error, message",
    [
        (np.ones((2, 3)), ValueError, r"gradients\[1\]: expected shape \(3, 2\), got \(2, 3\)"),
        (np.ones((3, 2), int), TypeError, r"gradients\[1\]: expected dtype float32 or float64"),
        ([[1.0] * 2] * 3, TypeError, r"gradients\[1\]: expected an ndarray, got list"),
        (None, TypeError, r"gradients\[1\]: expected an ndarray, got NoneType"),
    ],
)
def test_bad_gradients_are_refused_before_anything_changes(name, second, error, message):
    weights = [np.ones((3, 2)), np.ones((3, 2))]
    optimizer = OPTIMIZERS[name](weights, lr=0.1)
    with pytest.raises(error, match=message):
        optimizer.step([np.ones((3, 2)), second])
    with pytest.raises(ValueError, match="gradients: expected 2 arrays, got 1"):
        optimizer.step([np.ones((3, 2))])
    assert all((w == 1).all() for w in weights) and optimizer.steps == [0, 0]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(
    "parameter, error, message",
    [
        (np.ones((3, 0)), ValueError, r"parameters\[0\]: expected a writable array that is not"),
        (np.ones(3, int), TypeError, r"parameters\[0\]: expected dtype float32 or float64"),
        (np.broadcast_to(1.0, (3, 2)), ValueError, r"parameters\[0\]: expected a writable array"),
        ([1.0], TypeError, r"parameters\[0\]: expected an ndarray, got list"),
    ],
)
def test_bad_parameters_are_refused(name, parameter, error, message):
    with pytest.raises(error, match=message):
        OPTIMIZERS[name]([parameter], lr=0.1)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"k": 0}, "k: expected an integer >= 2, got 0"),
        ({"k": 1}, "k: expected an integer >= 2, got 1"),
        ({"betas": (0.9, 0.0)}, r"betas\[1\]: expected a finite number > 0 <= 1, got 0"),
        ({"betas": (0.9, 1.5)}, r"betas\[1\]: expected a finite number > 0 <= 1, got 1.5"),
        (
            {"betas": (1.0, 0.9), "graft": "adam"},
            r"betas\[0\]: expected a finite number >= 0 and < 1, got 1",
        ),
        ({"momentum": 1.0}, "momentum: expected a finite number >= 0 and < 1, got 1"),
        ({"graft": "adm"}, "graft: unknown name 'adm'; did you mean 'adam'"),
        ({"tail": "men"}, "tail: unknown name 'men'; did you mean 'mean'"),
        ({"exponent": "shampo"}, "exponent: unknown name 'shampo'; did you mean 'shampoo"),
        ({"sides": "short"}, "sides: unknown name 'short'; did you mean 'shorter'"),
        ({"average": "gradients"}, "average: unknown name 'gradients'; did you mean 'gradient'"),
        ({"matrix_rate": 0.0}, "matrix_rate: expected a finite number > 0, got 0"),
        ({"epsilon": -1.0}, "epsilon: expected a finite number >= 0, got -1"),
        ({"eps": 0.0}, "eps: expected a finite number > 0, got 0"),
        ({"update_every": 0}, "update_every: expected an integer >= 1, got 0"),
        ({"start_step": 0}, "start_step: expected an integer >= 1, got 0"),
        ({"max_axis": 0}, "max_axis: expected an integer >= 1, got 0"),
        ({"weight_decay": -0.1}, "weight_decay: expected a finite number >= 0, got -0.1"),
        ({"lr": math.nan}, "lr: expected a finite number >= 0, got nan"),
    ],
    ids=str,
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        OPTIMIZERS["s-shampoo"]([np.ones((3, 2)), np.ones(3)], **options)
