"""States that are saved by Flax or Orbax, and training that goes on from there."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra 'jax'")
optax = pytest.importorskip("optax", reason="needs the extra 'jax'")
jnp = pytest.importorskip("jax.numpy")
room = pytest.importorskip("oco.integrations.optax")

TRANSFORMATIONS = {
    # With averages that some options leave out.
    "s_shampoo": lambda: optax.inject_hyperparams(room.s_shampoo, static_args=("k", "max_axis"))(
        0.1, k=3, update_every=1
    ),
    "shampoo": lambda: room.s_shampoo(0.1, k=None, graft="none", momentum=0.0),
    "s_adagrad": lambda: room.scale_by_s_adagrad(3),
}


def gradients(seed):
    rng = np.random.default_rng(seed)
    return {
        "a": jnp.asarray(rng.standard_normal((6, 9)), jnp.float32),
        "b": jnp.asarray(rng.standard_normal(9), jnp.float32),
    }


def by_flax(state, fresh, folder):
    serialization = pytest.importorskip("flax.serialization", reason="flax is not installed")
    return serialization.from_bytes(fresh, serialization.to_bytes(state))


def by_orbax(state, fresh, folder):
    checkpoint = pytest.importorskip("orbax.checkpoint", reason="orbax is not installed")
    with checkpoint.StandardCheckpointer() as checkpointer:
        checkpointer.save(folder / "state", state)
        checkpointer.wait_until_finished()
        return checkpointer.restore(folder / "state", fresh)


@pytest.fixture(scope="module", params=TRANSFORMATIONS)
def trained(request):
    """A compiled step, the state after some, and the one before the first."""
    transformation = TRANSFORMATIONS[request.param]()
    update, params = jax.jit(transformation.update), gradients(0)
    state = fresh = transformation.init(params)
    for seed in range(1, 4):
        _, state = update(gradients(seed), state, params)
    return update, state, fresh


@pytest.mark.parametrize("saved", [by_flax, by_orbax])
def test_a_saved_state_resumes_bit_for_bit(trained, saved, tmp_path):
    update, state, fresh = trained
    loaded = saved(state, fresh, tmp_path)
    assert jax.tree.structure(loaded) == jax.tree.structure(state)
    one, two = (update(gradients(9), kept, gradients(0)) for kept in (state, loaded))
    jax.tree.map(np.testing.assert_array_equal, one, two)
