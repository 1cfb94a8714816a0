"""A round of each learner in a kernel of many, against the loop, and against the paper's own code.

    python benchmarks/chunks.py [--d 124] [--k 10] [--rounds 20000] [--peer PATH]

prints, for each learner that has kernels, microseconds a round where the kernel plays, and how many
times that the loop takes, with logistic losses.  PATH is a clone of
https://github.com/google-research/precondition, which needs JAX, chex, absl-py and flax: its
learners then play the same rounds under `lax.scan`, compiled, in the same run.  Without JAX they
are left out by name.  Time is the processor's, with one thread, the median of several turns.
"""

from __future__ import annotations

import argparse
import inspect
import os
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

# Before NumPy and JAX are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import numpy as np

import oco
from oco.algorithms import ALGORITHMS, scaled_newton
from oco.losses import LOSSES, STREAMS
from oco.simulator import log_checkpoints, play

TURNS = 5
# The loop is so much slower than kernels that a part of the rounds tells.
SHARE = 20
LR, DELTA = 0.1, 1.0
LEARNERS = (
    "ogd", "adagrad-norm", "adagrad", "s-adagrad", "ada-fd", "da-norm", "da-diagonal", "ftsl",
    "s-ons", "rfd-son",
)  # fmt: skip
# Those without a domain of the paper, by the names in its code.
SCALED = {"scaled rfd-son": scaled_newton.rfd_son, "scaled fd-son": scaled_newton.fd_son}
PEERS = {
    "ogd": "OGD", "adagrad": "ADA", "s-adagrad": "S_ADA", "ada-fd": "ADA_FD",
    "scaled rfd-son": "RFD_SON", "scaled fd-son": "FD_SON",
}  # fmt: skip


def learner(name: str, domain, d: int, k: int):
    factory = SCALED.get(name) or ALGORITHMS[name]
    options = {"domain": domain, "k": k, "lr": LR, "gradient_bound": 1.0, "curvature": 1.0}
    taken = inspect.signature(factory).parameters
    return factory(d, **{option: options[option] for option in options if option in taken})


def watched(learner):
    """Return the learner so that only the loop plays it."""
    learner.update = learner.update
    return learner


def microseconds(make: Callable, stream) -> float:
    """Return the processor's time of a round, without that of making the stream."""
    list(stream.chunks())
    found = []
    for _ in range(TURNS):
        player, checkpoints = make(), log_checkpoints(stream.T)
        started = time.process_time()
        play(player, LOSSES["logistic"], stream, checkpoints=checkpoints)
        found.append(time.process_time() - started)
    return 1e6 * statistics.median(found) / stream.T


def peer(name: str, stream, k: int) -> float:
    """Return the processor's time of a round of the paper's code."""
    import jax
    import jax.numpy as jnp
    from precondition.oco import algorithms

    kind = algorithms.Algorithm[PEERS[name]]
    size = 0 if PEERS[name] in ("OGD", "ADA") else k
    delta = DELTA if PEERS[name] in ("ADA_FD", "FD_SON") else 0.0
    hparams = algorithms.HParams(delta, LR, size, kind)
    with jax.enable_x64(True):
        start, update = algorithms.generate_init_update((stream.d,), hparams)
        parts = zip(*stream.chunks(), strict=True)
        rows, labels = (jnp.asarray(np.concatenate(part)) for part in parts)

        def one(state, row):
            a, y = row
            margin = y * (a @ state["w"])
            gradient = -y * a * jax.nn.sigmoid(-margin)
            loss = jnp.logaddexp(0.0, -margin)
            return update(dict(state), loss, gradient), loss

        run = jax.jit(lambda state: jax.lax.scan(one, state, (rows, labels)))
        jax.block_until_ready(run(start()))
        found = []
        for _ in range(TURNS):
            started = time.process_time()
            jax.block_until_ready(run(start()))
            found.append(time.process_time() - started)
    return 1e6 * statistics.median(found) / stream.T


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--d", type=int, default=124)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20_000)
    parser.add_argument("--peer", metavar="PATH", help="a clone of google-research/precondition")
    options = parser.parse_args()
    if options.peer:
        sys.path.insert(0, options.peer)
    compare = options.peer and find_spec("jax") is not None
    if not compare:
        print("the paper's code is left out:", "JAX is not installed" if options.peer else "--peer")
    long, short = (
        STREAMS["stochastic"](d=options.d, T=T, seed=0, loss=LOSSES["logistic"])
        for T in (options.rounds, max(options.rounds // SHARE, 1))
    )
    print(f"{'learner':15} {'domain':14} {'kernel (us)':>11} {'loop ÷':>8} {'the paper ÷':>12}")
    for domain in (oco.Euclidean(), oco.Ball(1.0)):
        for name in (*LEARNERS, *SCALED):
            try:
                learner(name, domain, options.d, options.k)
            except ValueError:
                # Newton steps of either kind are for one of the two domains.
                continue

            def make(name=name, domain=domain):
                return learner(name, domain, options.d, options.k)

            # The first turn compiles, or loads what was compiled.
            play(make(), LOSSES["logistic"], short, checkpoints=np.array([1]))
            ours = microseconds(make, long)
            loop = microseconds(lambda make=make: watched(make()), short)
            line = f"{name:15} {domain.name:14} {ours:11.2f} {loop / ours:8.1f}"
            if compare and name in PEERS and not domain.bounded:
                line += f" {peer(name, long, options.k) / ours:12.1f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
