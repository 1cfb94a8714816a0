"""The sketch in JAX as `oco.verification` takes one: an object that rows are appended to."""

from __future__ import annotations

import jax
import numpy as np

from oco.integrations.optax import empty_sketch, frequent_directions, merge_sketches

absorb, merge = jax.jit(frequent_directions), jax.jit(merge_sketches)


class JaxSketch:
    def __init__(self, d, k, decay=1.0):
        self.k = k
        with jax.enable_x64(True):
            self.state = empty_sketch(d, k, decay)

    def append(self, row):
        with jax.enable_x64(True):
            self.state, coordinates = absorb(self.state, np.asarray(row, dtype=np.float64))
        return np.asarray(coordinates)[: self.rank]

    def merge(self, other):
        with jax.enable_x64(True):
            self.state = merge(self.state, other.state)

    @property
    def rank(self):
        return int(np.sum(np.asarray(self.state.eigenvalues) > 0))

    @property
    def eigenvalues(self):
        return np.asarray(self.state.eigenvalues)[: self.rank]

    @property
    def directions(self):
        return np.asarray(self.state.directions)[: self.rank]

    @property
    def escaped_mass(self):
        return float(self.state.escaped_mass)

    @property
    def total_mass(self):
        return float(self.state.total_mass)
