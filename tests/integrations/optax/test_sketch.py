"""Frequent Directions in JAX: the properties of every stream, NumPy's numbers, transformations."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from oco.sketch import FrequentDirections
from oco.verification.drawing import make
from oco.verification.observations import CHECKS, Subject
from oco.verification.streams import FAMILIES

jax = pytest.importorskip("jax", reason="needs the extra 'jax'")
pytest.importorskip("optax", reason="needs the extra 'jax'")
jnp = pytest.importorskip("jax.numpy")
room = pytest.importorskip("oco.integrations.optax")
JaxSketch = importlib.import_module("jax_sketch").JaxSketch

# Of equal arithmetic in another order, relative to tr G.
ROUNDING = 1e-12
D, K = 12, 5
# The step of central differences, and what they are good for in double precision.
STEP, DIFFERENCES = 1e-6, 1e-7


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


def stream(T=60, d=D, seed=0):
    rows = np.random.default_rng(seed).standard_normal((T, d)) * 0.8 ** np.arange(d)
    rows[7], rows[9] = rows[3], 0.0
    return rows


def sketched(rows, k=K, decay=1.0, dtype=None):
    empty = room.empty_sketch(rows.shape[1], k, decay, dtype)
    return jax.lax.scan(room.frequent_directions, empty, jnp.asarray(rows, empty.directions.dtype))


def covariance(sketch):
    directions = np.asarray(sketch.directions, dtype=np.float64)
    return (directions.T * np.asarray(sketch.eigenvalues)) @ directions


@pytest.mark.parametrize("check", ["guarantees", "steps", "merging", "low rank"])
@pytest.mark.parametrize("decay", [1.0, 0.9])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_promises_hold_on_every_stream(family, decay, check):
    case = make(family, T=30, d=D, k=K, decay=decay, seed=3)
    seen = list(CHECKS[check].observe(case, Subject(sketch=JaxSketch)))
    assert [s for s in seen if s.claims and not s.holds] == []
    assert seen or check == "low rank"


def test_a_sketch_of_full_size_loses_nothing():
    case = make("gaussian, any spectrum", T=80, d=D, k=D + 1, decay=1.0, seed=0)
    seen = list(CHECKS["low rank"].observe(case, Subject(sketch=JaxSketch)))
    assert {"P7-exact", "drift"} <= {s.name for s in seen} and all(s.holds for s in seen)


@pytest.mark.parametrize("k, decay", [(K, 1.0), (K, 0.9), (D + 1, 1.0)])
def test_rows_lead_where_numpy_leads(x64, k, decay):
    rows, reference = stream(), FrequentDirections(D, k, decay)
    expected = [reference.append(row) for row in rows]
    sketch, coordinates = sketched(rows, k, decay)
    total = reference.total_mass
    assert float(sketch.escaped_mass) == pytest.approx(
        reference.escaped_mass, rel=0, abs=ROUNDING * total
    )
    np.testing.assert_allclose(
        covariance(sketch), reference.covariance().dense(), rtol=0, atol=ROUNDING * total
    )
    # Eigenvectors are known up to their signs.
    last = np.abs(expected[-1])
    np.testing.assert_allclose(np.abs(coordinates[-1])[: len(last)], last, atol=1e-9)
    assert float(sketch.total_mass) == pytest.approx(total, rel=ROUNDING)


@pytest.mark.parametrize("scale", [1e-120, 1e120])
def test_extreme_rows_scale(x64, scale):
    plain, scaled = sketched(stream())[0], sketched(scale * stream())[0]
    np.testing.assert_allclose(scaled.eigenvalues / scale**2, plain.eigenvalues, rtol=1e-9)
    assert int(scaled.refused) == 0


def test_single_precision_stays_close():
    rows = stream(200)
    single = sketched(rows, dtype=jnp.float32)[0]
    with jax.enable_x64(True):
        double = sketched(rows)[0]
    total = float(double.total_mass)
    np.testing.assert_allclose(covariance(single), covariance(double), atol=1e-5 * total)
    frame = np.asarray(single.directions, dtype=np.float64)
    np.testing.assert_allclose(frame @ frame.T, np.eye(K - 1), atol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_rows_that_are_not_finite_are_refused_and_counted(x64, bad):
    before = sketched(stream())[0]
    row = np.ones(D)
    row[4] = bad
    after, coordinates = jax.jit(room.frequent_directions)(before, jnp.asarray(row))
    assert int(after.refused) == 1 and not coordinates.any()
    for new, old in zip(after[:-1], before[:-1], strict=True):
        np.testing.assert_array_equal(new, old)


def test_it_maps_over_sketches(x64):
    streams = np.stack([stream(seed=seed) for seed in range(3)])
    mapped = jax.vmap(lambda rows: sketched(rows)[0])(jnp.asarray(streams))
    for i, rows in enumerate(streams):
        alone = sketched(rows)[0]
        np.testing.assert_allclose(mapped.eigenvalues[i], alone.eigenvalues, rtol=1e-11)
        np.testing.assert_allclose(
            covariance(jax.tree.map(lambda a, i=i: a[i], mapped)), covariance(alone), atol=1e-11
        )


def escape_and_root(rows, probe, decay=0.9):
    """A number that depends on all of the sketch, but not on the signs of its directions."""
    sketch, coordinates = sketched(rows, decay=decay)
    direction = room.inverse_root(sketch, rows[-1], coordinates[-1])
    seen = jnp.sum(sketch.eigenvalues * (sketch.directions @ probe) ** 2)
    return sketch.escaped_mass + seen + direction @ probe


def test_derivatives_are_those_of_differences(x64):
    rng = np.random.default_rng(5)
    rows, probe, way = stream(20), rng.standard_normal(D), rng.standard_normal((20, D))
    # A row that repeats another, or is zero, is where the formula has a case of its own.
    rows[7] += 0.1 * rng.standard_normal(D)
    rows[9] = rng.standard_normal(D)

    def along(t):
        return escape_and_root(jnp.asarray(rows) + t * way, jnp.asarray(probe))

    slope = float(jax.grad(along)(0.0))
    difference = float(along(STEP) - along(-STEP)) / (2 * STEP)
    assert slope == pytest.approx(difference, rel=DIFFERENCES)
    assert float(jax.jvp(along, (0.0,), (1.0,))[1]) == pytest.approx(slope, rel=1e-9)


@pytest.mark.parametrize(
    "rows",
    [np.zeros((4, D)), np.ones((4, D)), np.eye(D), np.vstack([np.eye(D)] * 2)],
    ids=["zero", "repeated", "orthonormal", "orthonormal twice"],
)
def test_derivatives_are_finite_everywhere(x64, rows):
    slope = jax.grad(escape_and_root)(jnp.asarray(rows), jnp.arange(1.0, D + 1))
    assert jnp.isfinite(slope).all()


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: room.empty_sketch(5, 1), ValueError, "k: expected an integer from 2 to 6, got 1"),
        (lambda: room.empty_sketch(5, 7), ValueError, "k: expected an integer from 2 to 6, got 7"),
        (lambda: room.empty_sketch(0, 2), ValueError, "d: expected an integer >= 1, got 0"),
        (lambda: room.empty_sketch(5, 2, decay=0.0), ValueError, "decay: .* > 0"),
        (
            lambda: room.empty_sketch(5, 2, dtype=jnp.int32),
            TypeError,
            "dtype: expected float32 or float64, got int32",
        ),
        (
            lambda: room.frequent_directions(room.empty_sketch(5, 2), jnp.ones(4)),
            ValueError,
            r"row: expected a vector of shape \(5,\), got shape \(4,\)",
        ),
        (
            lambda: room.frequent_directions(room.empty_sketch(5, 2), jnp.ones(5, jnp.int32)),
            TypeError,
            "row: expected floating-point numbers, got int32",
        ),
        (
            lambda: room.merge_sketches(room.empty_sketch(5, 2), room.empty_sketch(5, 3)),
            ValueError,
            r"other: expected directions of shape \(1, 5\), got \(2, 5\)",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
