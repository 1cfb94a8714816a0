"""
S-Shampoo in place of Adam, in JAX
==================================

`s_shampoo` is a transformation of Optax: it chains, it is compiled, and its state holds arrays
only.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits

from oco.integrations.optax import s_shampoo

pixels, labels = load_digits(return_X_y=True)
pixels, labels = jnp.asarray(pixels / 16, jnp.float32), jnp.asarray(labels)
train, test = slice(0, 1400), slice(1400, None)


def loss(weights, x, y):
    hidden = jax.nn.relu(x @ weights["first"] + weights["bias"])
    return optax.softmax_cross_entropy_with_integer_labels(hidden @ weights["second"], y).mean()


def fitted(optimizer, steps=200):
    """Return the test loss after some steps, all of them in one compiled loop."""
    keys = jax.random.split(jax.random.key(0), 3)
    weights = {
        "first": jax.random.normal(keys[0], (64, 96)) / 8,
        "bias": jnp.zeros(96),
        "second": jax.random.normal(keys[1], (96, 10)) / 10,
    }

    def step(carry, rows):
        weights, state = carry
        gradients = jax.grad(loss)(weights, pixels[rows], labels[rows])
        updates, state = optimizer.update(gradients, state, weights)
        return (optax.apply_updates(weights, updates), state), None

    batches = jax.random.randint(keys[2], (steps, 64), 0, 1400)
    run = jax.jit(lambda carry: jax.lax.scan(step, carry, batches)[0])
    weights, _ = run((weights, optimizer.init(weights)))
    return float(loss(weights, pixels[test], labels[test]))


# %%
# The same schedule and three rates for both:

for name, make in {"adam": optax.adam, "s_shampoo": lambda rate: s_shampoo(rate, k=16)}.items():
    found = {lr: fitted(make(optax.linear_schedule(lr, 0.0, 200))) for lr in (1e-3, 3e-3, 1e-2)}
    best = min(found, key=found.get)
    assert np.isfinite(found[best])
    print(f"{name:10} rate {best:g}: test loss {found[best]:.4f}")
