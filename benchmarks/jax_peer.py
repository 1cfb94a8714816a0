"""S-Shampoo and S-AdaGrad in JAX against the paper's own code, in one run.

The paper's code is not installed with this package; a clone of it is given as PATH:

    git clone https://github.com/google-research/precondition
    pip install chex absl-py flax joblib pandas
    python benchmarks/jax_peer.py precondition [--a9a FILE] [--steps 100] [--rounds 400]

It prints, with the same settings for both (rank k − 1 there is k here; epsilon relative to the
largest eigenvalue, exponent −1/4, the length of the gradient, no momentum, statistics in every
step):

- how far the directions are from the definition on dense matrices in double precision, relative to
  their length, the largest of all steps, with decay 1 and 0.99;
- the time of a step ÷ theirs (target: 1/2) on a 1024 × 1024 weight and on a transformer of two
  layers;
- the time of a round of S-AdaGrad under `lax.scan` ÷ theirs (target: 1/8), d = 1000, k = 20;
- with --a9a, at how many of the paper's 49 rates the average loss over the file is finite.

Time is the processor's, with one thread of LAPACK's, and the two are timed in turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

# Before JAX and LAPACK are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import jax
import jax.numpy as jnp
import numpy as np

from oco.integrations.optax import (
    empty_sketch,
    frequent_directions,
    inverse_root,
    s_shampoo,
)

EPSILON = 1e-6
# A layer's weights, twice, and what the network has once.
WIDTH, HIDDEN, SYMBOLS, CONTEXT = 128, 512, 97, 64
LAYER = [(WIDTH, WIDTH)] * 4 + [(WIDTH, HIDDEN), (HIDDEN, WIDTH), (HIDDEN,), (WIDTH,)]
TRANSFORMER = 2 * LAYER + [(SYMBOLS, WIDTH), (CONTEXT, WIDTH), (WIDTH, SYMBOLS)]


def ours(k: int, decay: float):
    return s_shampoo(
        1.0, k, betas=(0.9, decay), epsilon=EPSILON, momentum=0.0, graft="sgd", update_every=1,
        exponent="shampoo", average="step", nesterov=False,
    )  # fmt: skip


def theirs(k: int, decay: float):
    from precondition.tearfree import grafting, momentum, optimizer, second_order, sketchy

    sketch = sketchy.Options(epsilon=EPSILON, rank=k - 1, second_moment_decay=decay)
    kind = second_order.SecondOrderType.SKETCHY
    options = optimizer.TearfreeOptions(
        grafting.Options(grafting_type=grafting.GraftingType.SGD, second_moment_decay=0.0),
        # Small axes are not merged into others here.
        second_order.Options(merge_dims=2, second_order_type=kind, sketchy_options=sketch),
        momentum.Options(momentum_decay=0.0),
    )
    return optimizer.tearfree(1.0, options)


class Dense:
    """The definition: Frequent Directions on dense covariances, and roots of them."""

    def __init__(self, shape: tuple[int, int], k: int, decay: float) -> None:
        self.k, self.decay = k, decay
        self.kept, self.escaped = [np.zeros((n, n)) for n in shape], [0.0, 0.0]

    def step(self, g: np.ndarray) -> np.ndarray:
        """Return the direction for a gradient."""
        roots = []
        for side, matrix in enumerate((g, g.T)):
            values, turn = np.linalg.eigh(self.decay * self.kept[side] + matrix @ matrix.T)
            values = np.maximum(values, 0)
            rho = values[-self.k]
            values = np.maximum(values - rho, 0)
            self.kept[side] = (turn * values) @ turn.T
            self.escaped[side] = self.decay * self.escaped[side] + rho
            total = values + self.escaped[side]
            roots.append((turn * (total + EPSILON * total.max()) ** -0.25) @ turn.T)
        direction = roots[0] @ g @ roots[1]
        return direction * np.linalg.norm(g) / np.linalg.norm(direction)


def matrices(shapes, count: int) -> list[list[jax.Array]]:
    """Return gradients whose columns decay like 1/i."""
    rng = np.random.default_rng(0)

    def draw(shape):
        return rng.standard_normal(shape) / (np.arange(1, shape[-1] + 1) if len(shape) > 1 else 1)

    return [[jnp.asarray(draw(shape), jnp.float32) for shape in shapes] for _ in range(count)]


def distance(make: Callable, k: int, decay: float, steps: int) -> float:
    """Return how far the steps are from the definition, relative to their length."""
    stream = matrices([(96, 80)], steps)
    transformation, dense = make(k, decay), Dense((96, 80), k, decay)
    weights = [jnp.zeros((96, 80))]
    state, update, worst = transformation.init(weights), jax.jit(transformation.update), 0.0
    for grads in stream:
        updates, state = update(grads, state, weights)
        expected = dense.step(np.asarray(grads[0], dtype=np.float64))
        error = np.linalg.norm(-np.asarray(updates[0]) - expected) / np.linalg.norm(expected)
        worst = max(worst, float(error))
    return worst


class Entrant:
    """A compiled function of a state, and the processor's seconds of each call but the first."""

    def __init__(self, call: Callable, state: Any) -> None:
        self.call, self.state, self.seconds = call, state, []

    def turn(self, argument) -> None:
        """Call once."""
        started = time.process_time()
        self.state = jax.block_until_ready(self.call(argument, self.state))
        self.seconds.append(time.process_time() - started)

    @property
    def median(self) -> float:
        """Seconds of a call."""
        return statistics.median(self.seconds[1:])


def contest(name: str, mine: Entrant, other: Entrant, arguments, unit: float, target: str) -> None:
    for argument in arguments:
        other.turn(argument)
        mine.turn(argument)
    mine_ms, other_ms = (1e3 * entrant.median / unit for entrant in (mine, other))
    print(
        f"{name:44} {mine_ms:9.3g} ms, theirs {other_ms:9.3g} ms, ÷ {mine_ms / other_ms:.3f} "
        f"(target {target})"
    )


def stepper(transformation, shapes) -> Entrant:
    weights = [jnp.zeros(shape, jnp.float32) for shape in shapes]
    update = jax.jit(lambda grads, state: transformation.update(grads, state, weights)[1])
    return Entrant(update, transformation.init(weights))


def round_of_ours(k: int, lr: float):
    def body(carry, g):
        x, sketch = carry
        sketch, coordinates = frequent_directions(sketch, g)
        return x - lr * inverse_root(sketch, g, coordinates), sketch

    return lambda d: (jnp.zeros(d), empty_sketch(d, k)), body, lambda carry: carry[0]


def round_of_theirs(k: int, lr: float):
    from precondition.oco import algorithms

    parameters = algorithms.HParams(0.0, lr, k, algorithms.Algorithm.S_ADA)

    def start(d):
        return algorithms.generate_init_update((d,), parameters)[0]()

    def body(carry, g):
        return algorithms.generate_init_update(g.shape, parameters)[1](dict(carry), 0.0, g)

    return start, body, lambda carry: carry["w"]


def rounds(rule: Callable, d: int, k: int) -> Entrant:
    start, body, _ = rule(k, 0.1)
    play = jax.jit(
        lambda rows, carry: jax.lax.scan(lambda c, g: (body(c, g), None), carry, rows)[0]
    )
    return Entrant(play, start(d))


def finite_rates(rule: Callable, path: str, k: int) -> tuple[int, float]:
    """Return at how many rates the average logistic loss is finite and below 1000; the least."""
    from sklearn.datasets import load_svmlight_file

    features, labels = load_svmlight_file(path, n_features=123)
    rows = jnp.asarray(np.hstack([features.toarray(), np.ones((features.shape[0], 1))]))
    signs = jnp.asarray(np.where(labels > 0, 1.0, -1.0))

    @jax.jit
    def average(lr):
        start, body, point = rule(k, lr)

        def one(carry, row):
            a, y = row
            margin = y * (a @ point(carry))
            return body(carry, -y * a * jax.nn.sigmoid(-margin)), jnp.logaddexp(0.0, -margin)

        return jax.lax.scan(one, start(rows.shape[1]), (rows, signs))[1].mean()

    losses = np.array([float(average(rate)) for rate in np.geomspace(1e-6, 1.0, 49)])
    good = np.isfinite(losses) & (losses < 1000)
    return int(good.sum()), float(np.min(losses[good], initial=np.inf))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="a clone of google-research/precondition")
    parser.add_argument("--a9a", metavar="FILE")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=400)
    options = parser.parse_args()
    sys.path.insert(0, options.path)
    for decay in (1.0, 0.99):
        mine, other = (distance(make, 8, decay, options.steps) for make in (ours, theirs))
        print(f"from the definition, decay {decay:<4}: {mine:.1e}, theirs {other:.1e}")
    for name, shapes in (("1024 × 1024", [(1024, 1024)]), ("transformer of 2 layers", TRANSFORMER)):
        entrants = [stepper(make(32, 0.99), shapes) for make in (ours, theirs)]
        contest(f"a step, {name}", *entrants, matrices(shapes, 8), 1, "1/2")
    with jax.enable_x64(True):
        shape = (options.rounds, 1000)
        streams = [np.random.default_rng(i).standard_normal(shape) for i in range(6)]
        for name, scale in (("white", np.ones(1000)), ("1/i", 1 / np.arange(1.0, 1001))):
            entrants = [rounds(rule, 1000, 20) for rule in (round_of_ours, round_of_theirs)]
            drawn = [jnp.asarray(rows * scale) for rows in streams]
            contest(f"a round of S-AdaGrad, {name}", *entrants, drawn, options.rounds, "1/8")
        if options.a9a:
            for name, rule in (("ours", round_of_ours), ("theirs", round_of_theirs)):
                count, best = finite_rates(rule, options.a9a, 10)
                print(f"a9a, {name}: finite at {count} of 49 rates, least average loss {best:.6f}")


if __name__ == "__main__":
    main()
