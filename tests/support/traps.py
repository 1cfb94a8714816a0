"""Deliberately wrong sketches, projections and learners, each with one of the known traps.

Faults in the package itself are in `mutants`.  `Plain` is Frequent Directions in a frame V and a
rotation W, like the library's, with each delicate point in a method of its own; a trap overrides
one of them.
"""

from __future__ import annotations

import math

import numpy as np

from oco.algorithms import ALGORITHMS, MirrorDescent
from oco.algorithms.sketched import SketchedRoot
from oco.domains import Ball
from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.operators import Dense
from oco.sketch import FrequentDirections


class Plain:
    """The right one: every property must hold for it, or a mutant's failure would prove nothing."""

    def __init__(self, d, k, decay=1.0):
        self.d, self.k, self.decay = d, k, decay
        self.frame, self.rotation = np.zeros((0, d)), np.zeros((0, 0))
        self.eigenvalues, self.escaped_mass, self.rows = np.zeros(0), 0.0, 0

    @property
    def directions(self):
        return self.rotation @ self.frame

    def append(self, g):
        if not g.any():
            self.eigenvalues = self.decay * self.eigenvalues
            self.escaped_mass = self.decayed_tail()
            return
        self.rows += 1
        if len(self.frame) >= 1.5 * self.k or self.rows % 256 == 0:
            # Orthonormal to rounding again: over thousands of rows what rounding adds would add up.
            self.frame, self.rotation = self.folded(), np.eye(len(self.rotation))
        inside, rest = self.project_out(self.frame, g)
        length = np.linalg.norm(rest)
        if self.is_a_direction(length, np.linalg.norm(g)):
            self.frame = np.vstack([self.frame, rest / length])
            self.rotation = np.pad(self.rotation, [(0, 0), (0, 1)])
            inside = np.append(inside, length)
        z, new = self.outside_the_sketch(inside)
        length = np.linalg.norm(new)
        poles = self.decay * self.eigenvalues
        if self.is_a_direction(length, np.linalg.norm(g)):
            self.rotation = np.vstack([self.rotation, new / length])
            z, poles = np.append(z, length), np.append(poles, 0.0)
        values, vectors = np.linalg.eigh(np.diag(poles) + np.outer(z, z))
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        rho = self.deflation(values)
        kept = min(len(values), self.most())
        self.eigenvalues = np.maximum(values[:kept] - rho, 0.0)
        self.rotation = vectors[:, :kept].T @ self.rotation
        self.escaped_mass = self.decayed_tail() + rho

    def folded(self):
        q, r = np.linalg.qr(self.directions.T)
        return q.T * np.sign(np.diag(r))[:, None]

    def project_out(self, rows, g):
        inside = rows @ g
        rest = g - inside @ rows
        again = rows @ rest
        return inside + again, rest - again @ rows

    def is_a_direction(self, length, whole):
        return length > 1e-13 * whole

    def outside_the_sketch(self, inside):
        return self.project_out(self.rotation, inside)

    def deflation(self, values):
        return values[self.k - 1] if len(values) >= self.k else 0.0

    def most(self):
        return self.k - 1

    def decayed_tail(self):
        return self.decay * self.escaped_mass


class OnlyOutsideTheFrame(Plain):
    """Takes what is new to the frame, which spans discarded directions too, for new."""

    def outside_the_sketch(self, inside):
        z, new = super().outside_the_sketch(inside)
        held = len(inside) - (self.rotation.shape[1] - len(self.frame))
        new[: held - 1] = 0.0
        return z, new


class NormalisesNoise(Plain):
    """Makes a direction of the rounding noise that is left of a row inside the frame."""

    def project_out(self, rows, g):
        inside = rows @ g
        return inside, g - inside @ rows

    def is_a_direction(self, length, whole):
        return length > 0


class NextEigenvalue(Plain):
    """Deflates by λ_{ℓ+1} instead of λ_ℓ."""

    def deflation(self, values):
        return values[self.k] if len(values) > self.k else 0.0

    def most(self):
        return self.k


class NextEigenvalueCut(NextEigenvalue):
    """Deflates by λ_{ℓ+1} and keeps ℓ − 1 directions all the same."""

    def most(self):
        return self.k - 1


class SlowTail(Plain):
    """Lets the tail decay by √β."""

    def decayed_tail(self):
        return math.sqrt(self.decay) * self.escaped_mass


class ForgetsTheTail(Plain):
    """Starts the tail anew with every row."""

    def decayed_tail(self):
        return 0.0


class MergesWithoutTheTail(FrequentDirections):
    """Forgets the other sketch's escaped mass."""

    def merge(self, other):
        before = self.escaped_mass
        super().merge(other)
        self.state.numbers["escaped"] = before + self.last_escape


class DecaysLate(FrequentDirections):
    """Lets a block decay together with what was there before."""

    def update(self, matrix):
        super().update(math.sqrt(self.decay) * np.asarray(matrix))


class Nearest(Ball):
    """Projects without looking at the metric."""

    def project(self, y, metric):
        return self.nearest(y)


class InvertsRounding:
    """(Ḡ + ρI)^{1/2} inverted wherever an eigenvalue is not exactly zero."""

    separable, state_bytes, fused = False, 0, None

    def __init__(self, d, k):
        self.sketch = FrequentDirections(d, k)
        self.metric = Dense(np.eye(d), np.zeros(d))

    escaped_mass = property(lambda self: self.sketch.escaped_mass)
    potential = property(lambda self: self.metric.sum())

    def update(self, g, square):
        self.sketch.append(g)
        values, vectors = np.linalg.eigh(self.sketch.compensated_covariance().dense())
        self.metric = Dense(vectors, np.sqrt(np.maximum(values, 0.0)))
        return self.metric.power(-1) @ g


class OneRoundLate:
    """The account of the metric before the round: tr H_{t−1} and g_tᵀ H_{t−1}⁻¹ g_t."""

    def __init__(self, preconditioner):
        self.inner, self.before = preconditioner, 0.0
        self.separable, self.fused = preconditioner.separable, None

    metric = property(lambda self: self.inner.metric)
    escaped_mass = property(lambda self: self.inner.escaped_mass)
    state_bytes = property(lambda self: self.inner.state_bytes)
    potential = property(lambda self: self.before)

    def update(self, g, square):
        self.before = self.inner.potential
        return self.inner.update(g, square)


class LateQuadratic(MirrorDescent):
    """Adds g_tᵀ H_{t−1}⁻¹ g_t to the certificate."""

    def update(self, g):
        before, quadratic = self.preconditioner.metric, self._quadratic
        if isinstance(before, LowRankPlusScalar):
            before = LowRankPlusScalar.of(
                before.basis.rows(), before.values[:-1].copy(), before.tail
            )
        late = float(g @ (before.power(-1) @ g))
        super().update(g)
        self._quadratic = quadratic + late


def with_learner(name, change):
    """Return the learners with one of them changed after it was made."""

    def factory(d, *, k, domain, lr=None):
        learner = ALGORITHMS[name](d, k=k, domain=domain, lr=lr)
        change(learner)
        return learner

    return {**ALGORITHMS, name: factory}


def _inverting(learner):
    learner.preconditioner = InvertsRounding(learner.d, learner.k)


def _late_trace(learner):
    learner.preconditioner = OneRoundLate(learner.preconditioner)


def _late_quadratic(learner):
    learner.__class__ = LateQuadratic


def _uncompensated(learner):
    learner.preconditioner = SketchedRoot(learner.d, learner.k, compensate=False)


INVERTING = with_learner("s-adagrad", _inverting)
LATE_TRACE = with_learner("s-adagrad", _late_trace)
LATE_QUADRATIC = with_learner("s-adagrad", _late_quadratic)
UNCOMPENSATED = with_learner("s-adagrad", _uncompensated)
