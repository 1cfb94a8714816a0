"""
S-Shampoo in place of Adam, in JAX
==================================

`s_shampoo` is a transformation of Optax: in a loop written for `optax.adam` one line changes. Here
both train a small transformer in Flax, which predicts the next character of Python's own standard
library; one small network and one seed say which way to look, and no more than that. One command
runs it, with the extra ``jax`` and Flax installed: ``python docs/tutorials/plot_6_jax.py``.
"""

import argparse
import difflib
import inspect
import textwrap

import flax.linen as nn
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from oco.integrations.optax import s_shampoo

CONTEXT, WIDTH, HEADS, LAYERS = 32, 64, 4, 2
BATCH, STEPS = 16, 200
RATES = np.array([1e-3, 3e-3, 1e-2])

# %%
# The text: three modules, the last tenth of each to be judged by.

modules = [inspect.getsource(module) for module in (argparse, difflib, textwrap)]
characters = sorted(set("".join(modules)))


def symbols(pieces):
    return jnp.array([characters.index(one) for one in "".join(pieces)])


learnt = symbols(text[: len(text) * 9 // 10] for text in modules)
judged = symbols(text[len(text) * 9 // 10 :] for text in modules)


def windows(text, starts):
    """Return contexts, and for each of their characters the next one."""
    found = text[starts[:, None] + jnp.arange(CONTEXT + 1)]
    return found[:, :-1], found[:, 1:]


# %%
# The network: layers of causal attention, and waves for the places of characters. Its weights are
# matrices: those of Flax's own layer for attention have a third axis, of heads, and would be
# preconditioned along each of the three.

angles = jnp.arange(CONTEXT)[:, None] / 100 ** jnp.linspace(0, 1, WIDTH // 2)
places = jnp.hstack([jnp.sin(angles), jnp.cos(angles)])


class Layer(nn.Module):
    @nn.compact
    def __call__(self, x):
        normed = nn.LayerNorm()(x)
        heads = (*x.shape[:-1], HEADS, WIDTH // HEADS)
        queries, keys, values = (nn.Dense(WIDTH)(normed).reshape(heads) for _ in range(3))
        seen = jax.nn.dot_product_attention(queries, keys, values, is_causal=True)
        x = x + nn.Dense(WIDTH)(seen.reshape(x.shape))
        return x + nn.Dense(WIDTH)(nn.gelu(nn.Dense(4 * WIDTH)(nn.LayerNorm()(x))))


class Transformer(nn.Module):
    @nn.compact
    def __call__(self, text):
        x = nn.Embed(len(characters), WIDTH)(text) + places
        for _ in range(LAYERS):
            x = Layer()(x)
        return nn.Dense(len(characters))(nn.LayerNorm()(x))


model = Transformer()


def loss(params, text, following):
    logits = model.apply(params, text)
    return optax.softmax_cross_entropy_with_integer_labels(logits, following).mean()


# %%
# The loop does not know which optimizer it has. Its steps are one `jax.lax.scan`, and `jax.vmap`
# trains a network for each rate beside the others.

test = windows(judged, jnp.linspace(0, len(judged) - CONTEXT - 1, 128).astype(int))
draws = jax.random.randint(jax.random.key(1), (STEPS, BATCH), 0, len(learnt) - CONTEXT)


def train(make, rate):
    """Return the loss of each batch, that on the test, and the optimizer's last state."""
    optimizer = make(optax.linear_schedule(rate, 0.0, STEPS))

    def step(carry, starts):
        params, state = carry
        value, gradients = jax.value_and_grad(loss)(params, *windows(learnt, starts))
        updates, state = optimizer.update(gradients, state, params)
        return (optax.apply_updates(params, updates), state), value

    params = model.init(jax.random.key(0), test[0])
    (params, state), losses = jax.lax.scan(step, (params, optimizer.init(params)), draws)
    return losses, loss(params, *test), state


makers = {"adam": optax.adam, "s_shampoo": lambda rate: s_shampoo(rate, k=16)}
figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
for name, make in makers.items():
    losses, found, state = jax.jit(jax.vmap(lambda rate, make=make: train(make, rate)))(RATES)
    best = int(jnp.nanargmin(found))
    kept = sum(array.nbytes for array in jax.tree.leaves(state)) / len(RATES)
    print(f"{name:9} rate {RATES[best]:g}: test loss {found[best]:.3f}, state {kept / 1e3:.0f} kB")
    axes.plot(losses[best], label=f"{name}, rate {RATES[best]:g}")
axes.set(xlabel="step", ylabel="loss of the batch, nats a character", title="A small transformer")
axes.legend(frameon=False)

# %%
# A gradient that is not finite is skipped and counted, leaf by leaf; here there was none:

print("skipped:", int(optax.tree_utils.tree_get(state, "skipped").sum()))

# %%
# :doc:`/jax` says what to know of states, types and devices, and :doc:`/shampoo` what each option
# is for; :doc:`/quality` compares on larger tasks, with five seeds.
