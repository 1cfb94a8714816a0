"""Sketch sizes for the leaves of a tree, from gradients that were looked at."""

from __future__ import annotations

import numpy as np
import pytest

from oco.ranks import GradientWatch

jax = pytest.importorskip("jax", reason="needs the extra 'jax'")
optax = pytest.importorskip("optax", reason="needs the extra 'jax'")
jnp = pytest.importorskip("jax.numpy")
room = pytest.importorskip("oco.integrations.optax")


def gradients(seed, dtype=jnp.float32):
    rng = np.random.default_rng(seed)
    wide = np.outer(rng.standard_normal(40), np.arange(1.0, 31.0))
    return {
        "layer": {"kernel": jnp.asarray(wide, dtype), "bias": jnp.asarray(wide[0], dtype)},
        "out": [jnp.asarray(rng.standard_normal((30, 4)), dtype)],
    }


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_every_third_gradient_is_seen_as_numpy_sees_it(dtype):
    watch, expected = room.TreeWatch(k=8, every=3), GradientWatch(k=8)
    for seed in range(10):
        watch.look(gradients(seed, dtype))
    for seed in (0, 3, 6, 9):
        tree = gradients(seed, dtype)
        expected.absorb(
            {
                "layer/kernel": np.asarray(tree["layer"]["kernel"], dtype=np.float64),
                "out/0": np.asarray(tree["out"][0], dtype=np.float64),
            }
        )
    assert watch.advise(0.99) == expected.advise(0.99)
    # The rows of the kernel are multiples of one; its columns are not.
    assert watch.advise(0.99).sizes["layer/kernel"][1] == 2


def test_what_is_advised_is_what_each_leaf_gets():
    watch, params = room.TreeWatch(k=8, every=1), gradients(0)
    for seed in range(4):
        watch.look(gradients(seed))
    sizes = watch.advise(0.9).sizes
    optimizer = room.advised(watch.advise(0.9), lambda k: room.s_shampoo(0.1, k=k))
    state = optimizer.init(params)
    assert state.inner_states.keys() == {"2", *map(str, sizes.values())}
    updates, _ = optimizer.update(gradients(9), state, params)
    alone = room.s_shampoo(0.1, k=sizes["layer/kernel"])
    kernel = {"kernel": gradients(9)["layer"]["kernel"]}
    expected, _ = alone.update(kernel, alone.init(kernel), kernel)
    np.testing.assert_allclose(updates["layer"]["kernel"], expected["kernel"], rtol=1e-5)
    assert jnp.all(updates["layer"]["bias"] != 0) and jnp.all(updates["out"][0] != 0)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: room.TreeWatch(k=1), ValueError, "k: expected an integer >= 2, got 1"),
        (lambda: room.TreeWatch(every=0), ValueError, "every: expected an integer >= 1, got 0"),
        (
            lambda: room.TreeWatch().look([jnp.ones(3, int)]),
            TypeError,
            r"gradients\[0\]: .* got int32",
        ),
        (
            lambda: jax.jit(room.TreeWatch().look)([jnp.ones(3)]),
            TypeError,
            "gradients: .* is traced",
        ),
        (lambda: room.TreeWatch().advise(), ValueError, "gradients: none of a matrix was seen"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
