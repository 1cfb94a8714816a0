"""Small problems, and a solver of the primal as a cone programme that shares nothing with oco."""

from __future__ import annotations

import clarabel
import numpy as np
from scipy import sparse

from oco.domains import Ball, Box


class HeldRounds:
    """Rounds held in memory, handed out in chunks of 7 rows."""

    def __init__(self, features, labels):
        self.features = np.asarray(features, dtype=np.float64)
        self.labels = np.asarray(labels, dtype=np.float64)
        self.d = self.features.shape[1]

    def chunks(self, stop=None):
        stop = len(self.labels) if stop is None else stop
        for start in range(0, stop, 7):
            rows = slice(start, min(start + 7, stop))
            yield self.features[rows], self.labels[rows]

    def total(self, loss, x):
        return float(np.sum(loss.value(self.features @ x, self.labels)))


def random_problem(seed, T, d, real, noise=0.5):
    """Features of very different sizes, labels from a planted comparator."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((T, d)) * 0.8 ** np.arange(d)
    margins = features @ rng.standard_normal(d) + noise * rng.standard_normal(T)
    return HeldRounds(features, margins if real else np.where(margins > 0, 1.0, -1.0))


def conic_optimum(loss, domain, held):
    """Return min_K F from Clarabel, with a slack variable a round."""
    A, y = held.features, held.labels
    T, d = A.shape
    quadratic = np.zeros(d + T)
    linear = np.r_[np.zeros(d), np.ones(T)]
    eye, none = sparse.eye(T), sparse.csc_matrix((T, d))
    blocks, offsets, cones = [], [], []

    def at_most(features_part, slack_part, offset):
        blocks.append(sparse.hstack([sparse.csc_matrix(features_part), slack_part]))
        offsets.append(offset)

    if loss.name == "squared":
        quadratic[d:], linear = 1.0, np.zeros(d + T)
        at_most(A, -eye, y)
        cones.append(clarabel.ZeroConeT(T))
    elif loss.name == "absolute":
        at_most(A, -eye, y)
        at_most(-A, -eye, -y)
        cones.append(clarabel.NonnegativeConeT(2 * T))
    elif loss.name == "hinge":
        at_most(-y[:, None] * A, -eye, -np.ones(T))
        at_most(none, -eye, np.zeros(T))
        cones.append(clarabel.NonnegativeConeT(2 * T))
    elif loss.name == "logistic":
        # slack ≥ log(1 + e^m), m = −y⟨a, x⟩: e^(m − slack) ≤ p, e^(−slack) ≤ q, p + q ≤ 1.
        linear = np.r_[linear, np.zeros(2 * T)]
        quadratic = np.zeros(d + 3 * T)
        rows, right = [], []
        for t in range(T):
            for first, column in ((-y[t] * A[t], d + T + t), (np.zeros(d), d + 2 * T + t)):
                cone = np.zeros((3, d + 3 * T))
                cone[0, :d], cone[0, d + t], cone[2, column] = -first, 1.0, -1.0
                rows.append(cone)
                right.append([0.0, 1.0, 0.0])
                cones.append(clarabel.ExponentialConeT())
        total = np.hstack([np.zeros((T, d + T)), np.eye(T), np.eye(T)])
        blocks.append(sparse.csc_matrix(np.vstack([*rows, total])))
        offsets.extend([*right, np.ones(T)])
        cones.append(clarabel.NonnegativeConeT(T))
    width = len(linear) - d
    if isinstance(domain, Ball):
        blocks.append(np.hstack([np.vstack([np.zeros(d), -np.eye(d)]), np.zeros((d + 1, width))]))
        offsets.append(np.r_[domain.radius(d), np.zeros(d)])
        cones.append(clarabel.SecondOrderConeT(d + 1))
    elif isinstance(domain, Box):
        lower, upper = np.broadcast_to(domain.lower, d), np.broadcast_to(domain.upper, d)
        blocks.append(np.hstack([np.vstack([np.eye(d), -np.eye(d)]), np.zeros((2 * d, width))]))
        offsets.append(np.r_[upper, -lower])
        cones.append(clarabel.NonnegativeConeT(2 * d))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
    solution = clarabel.DefaultSolver(
        sparse.diags(quadratic).tocsc(),
        linear,
        sparse.vstack(blocks).tocsc(),
        np.concatenate(offsets),
        cones,
        settings,
    ).solve()
    assert "Solved" in str(solution.status)
    return 0.5 * (solution.obj_val + solution.obj_val_dual)


def conic_projection(y, metric, box):
    """Return argmin (x − y)ᵀ H (x − y) over a box from Clarabel, H dense."""
    d = len(y)
    lower, upper = box.bounds(d)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    solution = clarabel.DefaultSolver(
        sparse.csc_matrix(np.triu(metric)),
        -metric @ y,
        sparse.vstack([sparse.eye(d), -sparse.eye(d)]).tocsc(),
        np.r_[upper, -lower],
        [clarabel.NonnegativeConeT(2 * d)],
        settings,
    ).solve()
    assert "Solved" in str(solution.status)
    return np.array(solution.x)
