"""S-AdaGrad in JAX: as a transformation, and as a learner that plays what the NumPy one plays."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import oco

jax = pytest.importorskip("jax", reason="needs the extra 'jax'")
optax = pytest.importorskip("optax", reason="needs the extra 'jax'")
jnp = pytest.importorskip("jax.numpy")
room = pytest.importorskip("oco.integrations.optax")

LEARNER = "oco.integrations.optax.learner:s_adagrad"
EQUAL = 1e-10
GAMES = [
    {"d": 20, "k": 5, "T": 300, "seed": 0},
    {"d": 12, "k": 13, "T": 200, "seed": 1, "loss": "logistic"},
    {"d": 15, "k": 4, "T": 300, "seed": 2, "domain": "unconstrained", "lr": 0.1, "loss": "squared"},
]


@pytest.mark.parametrize("game", GAMES, ids=str)
def test_the_learner_plays_what_the_numpy_one_plays(game):
    found, expected = oco.run(LEARNER, **game), oco.run("s-adagrad", **game)
    one, two = found.summary, expected.summary
    assert one.average_loss == pytest.approx(two.average_loss, rel=0, abs=EQUAL)
    assert one.escaped_mass == pytest.approx(two.escaped_mass, rel=EQUAL)
    assert [bound.name for bound in one.bounds] == [bound.name for bound in two.bounds]
    for mine, theirs in zip(one.bounds, two.bounds, strict=True):
        assert mine.value == pytest.approx(theirs.value, rel=EQUAL) and mine.holds == theirs.holds
    assert one.bounds


def test_the_command_line_plays_it():
    command = ["run", "--alg", LEARNER, "--d", "20", "--k", "5", "--T", "100", "--json"]
    done = subprocess.run([sys.executable, "-m", "oco", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(bound["holds"] for bound in json.loads(done.stdout)["bounds"])


def gradients(d, steps=120):
    return np.random.default_rng(3).standard_normal((steps, d)) * 0.8 ** np.arange(d)


def scanned(transformation, params, stream):
    def body(carry, grads):
        params, state = carry
        updates, state = transformation.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), None

    start = (params, transformation.init(params))
    return jax.jit(lambda start: jax.lax.scan(body, start, stream)[0])(start)


@pytest.mark.parametrize("flat", [False, True])
def test_steps_equal_the_learners(flat):
    stream = gradients(12)
    cuts = [[slice(0, 12)]] if flat else [[slice(0, 6)], [slice(6, 12)]]
    expected = np.zeros(12)
    for (part,) in cuts:
        learner = oco.algorithms.s_adagrad(
            part.stop - part.start, k=4, domain=oco.Euclidean(), lr=0.3
        )
        for g in stream:
            learner.update(np.ascontiguousarray(g[part]))
        expected[part] = learner.x
    with jax.enable_x64(True):
        tree = {"a": jnp.zeros((2, 3)), "b": jnp.zeros(6)}
        grads = {"a": jnp.asarray(stream[:, :6].reshape(-1, 2, 3)), "b": jnp.asarray(stream[:, 6:])}
        transformation = optax.chain(
            room.scale_by_s_adagrad(4, flat=flat), optax.scale_by_learning_rate(0.3)
        )
        params, state = scanned(transformation, tree, grads)
        found = np.concatenate([np.ravel(params["a"]), params["b"]])
    np.testing.assert_allclose(found, expected, rtol=0, atol=EQUAL)
    assert len(state[0].sketches) == len(cuts)


def test_full_size_is_full_matrix_adagrad():
    stream = gradients(6)
    learner = oco.algorithms.full_adagrad(6, domain=oco.Euclidean(), lr=0.3)
    for g in stream:
        learner.update(g)
    with jax.enable_x64(True):
        transformation = optax.chain(room.scale_by_s_adagrad(50), optax.scale(-0.3))
        found, _ = scanned(transformation, jnp.zeros(6), jnp.asarray(stream))
    np.testing.assert_allclose(found, learner.x, rtol=0, atol=1e-9)


def test_a_gradient_that_is_not_finite_is_skipped_and_counted():
    transformation = room.scale_by_s_adagrad(3)
    state = transformation.init([jnp.zeros(4), jnp.zeros(5)])
    bad = [jnp.array([1.0, jnp.nan, 0.0, 0.0]), jnp.ones(5)]
    updates, after = jax.jit(transformation.update)(bad, state)
    assert not updates[0].any() and updates[1].all()
    assert [int(sketch.refused) for sketch in after.sketches] == [1, 0]
    assert [int(sketch.rows) for sketch in after.sketches] == [0, 1]


def test_bfloat16_has_float32_statistics():
    transformation = room.scale_by_s_adagrad(3)
    params = jnp.ones(4, jnp.bfloat16)
    updates, state = transformation.update(params, transformation.init(params))
    assert updates.dtype == jnp.bfloat16 and state.sketches[0].directions.dtype == jnp.float32
    np.testing.assert_allclose(np.asarray(updates, dtype=np.float32), 0.5, rtol=0.01)


@pytest.mark.parametrize(
    "options, params, error, message",
    [
        ({"k": 1}, 0.0, ValueError, "k: expected an integer >= 2, got 1"),
        ({"k": 3, "decay": 1.5}, 0.0, ValueError, "decay: expected a finite number > 0 .* got 1.5"),
        ({"k": 3, "flat": 1}, 0.0, TypeError, "flat: expected True or False, got 1"),
        ({"k": 3}, {"w": np.zeros(3, int)}, TypeError, r"params\['w'\]: expected one of float32"),
        ({"k": 3}, {"w": np.zeros((3, 0))}, ValueError, r"params\['w'\]: expected at least one"),
    ],
)
def test_bad_input_is_named(options, params, error, message):
    with pytest.raises(error, match=message):
        room.scale_by_s_adagrad(**options).init(params)


def test_other_leaves_than_at_the_start_are_refused():
    transformation = room.scale_by_s_adagrad(3)
    state = transformation.init([jnp.zeros(4), jnp.zeros(5)])
    with pytest.raises(ValueError, match="updates: expected 2 vectors as at the start, got 1"):
        transformation.update([jnp.zeros(4)], state)
