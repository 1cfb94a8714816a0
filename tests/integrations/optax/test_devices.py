"""Replicas of one state on several devices, which a host without any can be told to have."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("jax", reason="needs the extra 'jax'")
pytest.importorskip("optax", reason="needs the extra 'jax'")

# Trains alone; then with its rows spread over 2 and 8 devices, each with all of the state.
PROGRAM = """
import jax, jax.numpy as jnp, numpy as np, optax
from jax.sharding import Mesh, PartitionSpec as P
from oco.integrations.optax import s_shampoo

rng = np.random.default_rng(0)
x = jnp.asarray(rng.standard_normal((32, 9)))
y = jnp.asarray(rng.standard_normal((32, 6)))
optimizer = s_shampoo(0.1, k=3, update_every=1)
params = {"w": jnp.zeros((6, 9)), "b": jnp.zeros(6)}

def loss(params, x, y):
    return jnp.mean((x @ params["w"].T + params["b"] - y) ** 2)

def step(carry, x, y, mean):
    params, state = carry
    grads = mean(jax.grad(loss)(params, x, y))
    updates, state = optimizer.update(grads, state, params)
    return optax.apply_updates(params, updates), state

def together(carry, x, y):
    return step(carry, x, y, lambda grads: jax.lax.pmean(grads, "data"))

def trained(call, carry, x, y):
    for _ in range(5):
        carry = call(carry, x, y)
    return carry

start = params, optimizer.init(params)
alone = trained(jax.jit(lambda *args: step(*args, lambda grads: grads)), start, x, y)

def check(name, replicas):
    one, *others = replicas
    for other in others:
        jax.tree.map(np.testing.assert_array_equal, one, other)
    # Sums over devices add in another order.
    for found, expected in zip(*map(jax.tree.leaves, (one[0], alone[0]))):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    print(name, len(replicas))

for n in (2, 8):
    devices = jax.devices()[:n]
    assert len(devices) == n
    mapped = jax.jit(jax.shard_map(
        together, mesh=Mesh(np.array(devices), ("data",)), in_specs=(P(), P("data"), P("data")),
        out_specs=P(), check_vma=False,
    ))
    found = trained(mapped, start, x, y)
    check("shard_map", [
        jax.tree.map(lambda a: np.asarray(a.addressable_shards[i].data), found) for i in range(n)
    ])
    rows, labels = x.reshape(n, -1, 9), y.reshape(n, -1, 6)
    copies = jax.tree.map(lambda a: jnp.stack([a] * n), start)
    found = trained(jax.pmap(together, "data", devices=devices), copies, rows, labels)
    check("pmap", [jax.tree.map(lambda a: np.asarray(a[i]), found) for i in range(n)])
"""


def test_replicas_on_several_devices_stay_one():
    flags = (
        "--xla_force_host_platform_device_count=8 --xla_cpu_multi_thread_eigen=false "
        "--xla_backend_optimization_level=0"
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        env={"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1"},
    )
    assert done.stdout == "shard_map 2\npmap 2\nshard_map 8\npmap 8\n", done.stderr
