"""S-Shampoo in JAX under everything that JAX and Optax do with a transformation."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra 'jax'")
optax = pytest.importorskip("optax", reason="needs the extra 'jax'")
jnp = pytest.importorskip("jax.numpy")
room = pytest.importorskip("oco.integrations.optax")
decompositions = pytest.importorskip("oco.integrations.optax.decompositions")

OPTIONS = {"k": 3, "update_every": 2, "graft": "adam", "weight_decay": 0.1}
# Rounding of float32 over a few steps of a tenth.
ROUNDING = 1e-5


def parameters(seed=0, dtype=jnp.float32):
    rng = np.random.default_rng(seed)
    return {
        "a": jnp.asarray(rng.standard_normal((6, 9)), dtype),
        "b": jnp.asarray(rng.standard_normal(9), dtype),
    }


def gradients(steps=6, seed=1, dtype=jnp.float32):
    return [parameters([seed, t], dtype) for t in range(steps)]


def run(transformation, params, stream, update=None):
    update = update or jax.jit(transformation.update)
    state = transformation.init(params)
    for grads in stream:
        updates, state = update(grads, state, params)
        params = optax.apply_updates(params, updates)
    return params, state


def assert_close(found, expected, tolerance=ROUNDING):
    def compare(a, b):
        a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)

    jax.tree.map(compare, found, expected)


@pytest.fixture(scope="module")
def played():
    """The transformation, and where its steps lead."""
    transformation = room.s_shampoo(0.1, **OPTIONS)
    return transformation, *run(transformation, parameters(), gradients())


def test_it_is_compiled_once(played):
    transformation, expected, _ = played
    traced = []

    @jax.jit
    def update(*args):
        traced.append(args)
        return transformation.update(*args)

    params, state = run(transformation, parameters(), gradients(), update)
    assert len(traced) == 1
    assert_close(params, expected)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(state))
    assert jax.tree.structure(state) == jax.tree.structure(transformation.init(parameters()))


def test_it_maps_over_models(played):
    transformation, expected, _ = played
    stacked = jax.tree.map(lambda a: jnp.stack([a, 0 * a]), parameters())

    def train(params):
        return run(transformation, params, gradients(), transformation.update)[0]

    found = jax.jit(jax.vmap(train))(stacked)
    assert_close(jax.tree.map(lambda a: a[0], found), expected)


def test_buffers_may_be_donated(played):
    transformation, expected, _ = played
    update = jax.jit(transformation.update, donate_argnums=(0, 1))
    params, _ = run(transformation, parameters(), gradients(), update)
    assert_close(params, expected)


def test_bfloat16_parameters_have_float32_statistics(played):
    transformation, expected, _ = played
    params, state = run(
        transformation, parameters(dtype=jnp.bfloat16), gradients(dtype=jnp.bfloat16)
    )
    assert {leaf.dtype.name for leaf in jax.tree.leaves(params)} == {"bfloat16"}
    assert {leaf.dtype.name for leaf in jax.tree.leaves(state)} == {"float32", "int32"}
    # Weights of about 1 have 8 bits, of which each step loses half of the last one.
    assert_close(params, expected, 0.05)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_a_gradient_that_is_not_finite_touches_nothing(played, bad):
    transformation, params, state = played
    grads = gradients(seed=9)[0]
    grads["a"] = grads["a"].at[2, 3].set(bad)
    updates, after = jax.jit(transformation.update)(grads, state, params)
    assert not updates["a"].any() and updates["b"].all()
    one, two = state[0], after[0]
    assert (two.skipped - one.skipped).tolist() == [1, 0]
    assert (two.steps - one.steps).tolist() == [0, 1]
    jax.tree.map(np.testing.assert_array_equal, two.factors, one.factors)
    for kept, before in ((two.first, one.first), (two.second, one.second)):
        np.testing.assert_array_equal(kept["a"], before["a"])
        assert not np.array_equal(kept["b"], before["b"])


def test_options_may_be_injected_and_changed(played):
    _, expected, _ = played
    injected = optax.inject_hyperparams(room.s_shampoo, static_args=("k", "max_axis"))
    found = injected(optax.constant_schedule(0.1), **OPTIONS)
    params, state = run(found, parameters(), gradients())
    assert_close(params, expected)
    state.hyperparams["matrix_rate"] = jnp.asarray(1e-9)
    updates, _ = jax.jit(found.update)(gradients()[0], state, parameters())
    # What is left is the decay of weights.
    assert_close(updates["a"], -0.1 * 0.1 * parameters()["a"], 1e-6)


def test_leaves_may_be_masked_and_labelled():
    def alone(name):
        some = {name: parameters()[name]}
        stream = [{name: grads[name]} for grads in gradients()]
        return run(room.s_shampoo(0.1, k=3), some, stream)[0][name]

    masked = optax.masked(room.s_shampoo(0.1, k=3), {"a": True, "b": False})
    params, _ = run(masked, parameters(), gradients())
    assert_close(params["a"], alone("a"))
    labelled = optax.multi_transform(
        {"s": room.s_shampoo(0.1, k=3), "d": optax.sgd(0.1)}, {"a": "s", "b": "d"}
    )
    params, _ = run(labelled, parameters(), gradients())
    assert_close(params["a"], alone("a"))
    plain = parameters()["b"] - 0.1 * sum(grads["b"] for grads in gradients())
    assert_close(params["b"], plain)


def test_a_schedule_changes_the_rate():
    transformation = room.s_shampoo(optax.piecewise_constant_schedule(0.1, {1: 0.0}), k=3)
    one = run(transformation, parameters(), gradients(1))[0]
    assert_close(run(transformation, parameters(), gradients(3))[0], one, 0.0)


@pytest.mark.parametrize("models", [1, 3])
def test_exact_factors_absorb_more_often_than_they_are_decomposed(monkeypatch, models):
    true, calls = decompositions._eigenvectors, []

    def counted(matrix):
        jax.debug.callback(lambda: calls.append(matrix.shape))
        return true(matrix)

    monkeypatch.setattr(decompositions, "_eigenvectors", counted)
    with jax.enable_x64(True):
        # In float32 what is mapped is decomposed in another way too, whether or not it has failed.
        transformation = room.s_shampoo(0.1, k=None, update_every=4, statistics_every=2)
        params = [jnp.stack([w["a"]] * models) for w in gradients(2, dtype=jnp.float64)]
        state = jax.vmap(transformation.init)(params)
        update = jax.jit(jax.vmap(transformation.update))
        for _ in range(9):
            _, state = update(params, state, params)
        jax.effects_barrier()
    # Both axes of the first matrix in steps 1, 5 and 9, and of the second in 1, 2 and 6.
    assert len(calls) == 2 * (3 + 3) * models
    # In steps 1, 3, 5, 7, 9, and in 1, 2, 4, 6, 8.
    beta, absorbed = 0.99, state[0].weights.absorbed
    np.testing.assert_allclose(absorbed, (1 - beta**5) / (1 - beta), rtol=1e-12)


@pytest.mark.parametrize("mapped", [False, True])
def test_no_stack_waits_for_threads_that_another_holds(mapped):
    """On the CPU as many stacks at a time as there are threads would wait for ever."""
    transformation = room.s_shampoo(0.1, k=3, update_every=1)
    weights = [jnp.ones((9, 14))] * 3 + [jnp.ones((4, 5))] * 2
    update, init = transformation.update, transformation.init
    if mapped:
        weights = [jnp.stack([w, w]) for w in weights]
        update, init = jax.vmap(update), jax.vmap(init)
    text = jax.jit(update).lower(weights, init(weights), weights).as_text()
    operands = re.findall(r"@lapack_\w+\([^\n]*\} : \(tensor<([^>]*)>", text)
    # Eigenvectors, Q, R and singular vectors of two sides.
    assert len(operands) >= 8, "the text that is searched has another form"
    assert [dims for dims in operands if dims.count("x") > 2] == []


@pytest.mark.parametrize("wide", [False, True])
def test_a_decomposition_that_fails_is_made_in_another_way(monkeypatch, wide):
    rng = np.random.default_rng(0)
    matrices = rng.standard_normal((2, 5, 5))
    matrices = matrices @ np.swapaxes(matrices, 1, 2)
    true = np.linalg.eigh
    expected = true(matrices)[0]

    def failing(matrix):
        values, vectors = jnp.linalg.eigh(matrix)
        # The second matrix as it is fails; in double precision, or reflected, it does not.
        same = jnp.abs(matrix[1] - jnp.asarray(matrices[1], matrix.dtype)).max() < 1e-3
        fails = same & (matrix.dtype == jnp.float32)
        return values, vectors.at[1].set(jnp.where(fails, jnp.nan, vectors[1]))

    monkeypatch.setattr(decompositions, "_eigenvectors", failing)
    with jax.enable_x64(wide):
        values, vectors = decompositions.eigh(jnp.asarray(matrices, jnp.float32))
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)
    values, vectors = np.asarray(values, float), np.asarray(vectors, float)
    again = (vectors * values[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    np.testing.assert_allclose(again, matrices, atol=1e-4)


def test_a_singular_decomposition_has_another_way_too(monkeypatch):
    matrix = np.random.default_rng(0).standard_normal((5, 5)).astype(np.float32)
    true = decompositions.right_vectors

    def failing(a):
        values, vectors = true(a)
        return values, jnp.where(jnp.abs(a - matrix).max() < 1e-3, jnp.nan, vectors)

    monkeypatch.setattr(decompositions, "right_vectors", failing)
    values, vectors = decompositions.singular(jnp.asarray(matrix))
    np.testing.assert_allclose(values, np.linalg.svd(matrix)[1], rtol=1e-4)
    product = np.asarray(matrix @ np.asarray(vectors))
    np.testing.assert_allclose(product.T @ product, np.diag(np.asarray(values) ** 2), atol=1e-4)


def test_a_step_whose_decompositions_all_fail_is_skipped(monkeypatch):
    def failing(matrix):
        values, vectors = jnp.linalg.eigh(matrix)
        return values, vectors * jnp.nan

    monkeypatch.setattr(decompositions, "_eigenvectors", failing)
    transformation = room.scale_by_s_shampoo(3)
    state = transformation.init(parameters())
    updates, after = jax.jit(transformation.update)(gradients()[0], state)
    assert after.skipped.tolist() == [1, 0]
    assert not updates["a"].any() and updates["b"].any()
    jax.tree.map(np.testing.assert_array_equal, after.factors, state.factors)


PROGRAM = """
import sys, jax.numpy as jnp
from oco.integrations.optax import s_shampoo
optimizer = s_shampoo(0.1, k=2)
optimizer.init(jnp.ones((4, 6)))
print(*sorted(sys.modules), sep="\\n")
"""
UNWANTED = ("numba", "joblib", "torch", "sklearn", "matplotlib", "click", "rich", "pandas", "dask")


def test_the_room_needs_neither_kernels_nor_pytorch():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    assert not [name for name in loaded if name.partition(".")[0] in UNWANTED]


@pytest.mark.parametrize("module, library", [("jax", "JAX"), ("optax", "Optax")])
def test_without_the_library_the_error_says_what_to_install(module, library):
    program = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "try:\n    import oco.integrations.optax\n"
        "except ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith(f"{module}: {library} is not installed; in your clone")
    assert "pip install '.[jax]'" in done.stdout
