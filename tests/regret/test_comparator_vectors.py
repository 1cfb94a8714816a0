"""The comparator of the softmax loss, against an independent solver of its cone programme."""

from __future__ import annotations

import clarabel
import numpy as np
import pytest
from scipy import sparse

from oco.domains import Ball, Box, Euclidean
from oco.losses import LOSSES, Loss, Multiclass
from oco.regret import best_fixed_point, cumulative_losses

SOFTMAX = LOSSES["softmax"]
CLASSES, WIDTH, TIGHT = 3, 4, 1e-6
D = CLASSES * WIDTH
# What the reference solver's own tolerance of 1e-10 may amount to, relative to its optimum.
REFERENCE = 1e-7


class Held:
    """Rounds held in memory, handed out in chunks of 7 rows."""

    d, outputs = D, CLASSES

    def __init__(self, seed, T):
        rng = np.random.default_rng(seed)
        self.features = rng.standard_normal((T, WIDTH)) * 0.7 ** np.arange(WIDTH)
        self.labels = rng.integers(0, CLASSES, T).astype(float)

    def chunks(self, stop=None):
        for start in range(0, len(self.labels) if stop is None else stop, 7):
            rows = slice(start, min(start + 7, len(self.labels) if stop is None else stop))
            yield self.features[rows], self.labels[rows]

    def losses(self, x):
        return SOFTMAX.value(self.features @ x.reshape(CLASSES, WIDTH).T, self.labels)


def conic_optimum(domain, held):
    """Return min_K F: s_t ≥ log Σ_j exp(z_j) − z_y means exp(z_j − z_y − s_t) ≤ p_j, Σ p_j ≤ 1."""
    T = len(held.labels)
    columns = D + T + T * CLASSES
    rows, right, cones = [], [], []
    for t, (a, y) in enumerate(zip(held.features, held.labels.astype(int), strict=True)):
        for j in range(CLASSES):
            cone = np.zeros((3, columns))
            cone[0, :D] = -np.kron(np.eye(CLASSES)[j] - np.eye(CLASSES)[y], a)
            cone[0, D + t], cone[2, D + T + t * CLASSES + j] = 1.0, -1.0
            rows.append(cone)
            right.append([0.0, 1.0, 0.0])
            cones.append(clarabel.ExponentialConeT())
    rows.append(np.hstack([np.zeros((T, D + T)), np.kron(np.eye(T), np.ones(CLASSES))]))
    right.append(np.ones(T))
    cones.append(clarabel.NonnegativeConeT(T))
    nothing = np.zeros((D, columns - D))
    if isinstance(domain, Ball):
        rows += [np.zeros((1, columns)), np.hstack([-np.eye(D), nothing])]
        right += [[domain.radius(D)], np.zeros(D)]
        cones.append(clarabel.SecondOrderConeT(D + 1))
    else:
        rows += [np.hstack([np.eye(D), nothing]), np.hstack([-np.eye(D), nothing])]
        right += [np.full(D, domain.upper), np.full(D, -domain.lower)]
        cones.append(clarabel.NonnegativeConeT(2 * D))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
    linear = np.r_[np.zeros(D), np.ones(T), np.zeros(T * CLASSES)]
    solution = clarabel.DefaultSolver(
        sparse.csc_matrix((columns, columns)),
        linear,
        sparse.csc_matrix(np.vstack(rows)),
        np.concatenate(right),
        cones,
        settings,
    ).solve()
    assert "Solved" in str(solution.status)
    return 0.5 * (solution.obj_val + solution.obj_val_dual)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("T", [2, 40])
@pytest.mark.parametrize("domain", [Ball(0.3), Ball(3.0), Box(-0.5, 0.4)], ids=repr)
def test_interval_holds_the_optimum_of_an_independent_solver(domain, T, seed):
    held = Held(seed, T)
    best = best_fixed_point(SOFTMAX, domain, held, relative_gap=TIGHT)
    assert domain.contains(best.x) and 0 <= best.gap <= TIGHT * best.value
    assert best.value == pytest.approx(held.losses(best.x).sum(), rel=1e-12)
    optimum = conic_optimum(domain, held)
    slack = REFERENCE * max(1.0, optimum)
    assert best.lower <= optimum + slack and optimum - slack <= best.value


def test_no_point_is_below_the_lower_bound():
    held, rng = Held(0, 60), np.random.default_rng(1)
    best = best_fixed_point(SOFTMAX, Ball(2.0), held, relative_gap=TIGHT)
    for _ in range(500):
        x = best.x + 0.1 * rng.standard_normal(D)
        assert held.losses(Ball(2.0).nearest(x)).sum() >= best.lower


def test_without_bounds_the_gap_is_certified_in_a_ball():
    held = Held(0, 200)
    best = best_fixed_point(SOFTMAX, Euclidean(), held, relative_gap=TIGHT)
    assert best.radius >= 2 * np.linalg.norm(best.x) and best.gap <= TIGHT * best.value
    slope = SOFTMAX.derivative(held.features @ best.x.reshape(CLASSES, WIDTH).T, held.labels)
    assert np.linalg.norm(slope.T @ held.features) <= TIGHT * best.value


def test_cumulative_losses_are_those_of_the_prefixes():
    stream = Multiclass(shape=(CLASSES, WIDTH), T=1500)
    x = np.random.default_rng(0).standard_normal(D)
    features, labels = (np.concatenate(parts) for parts in zip(*stream.chunks(), strict=True))
    losses = SOFTMAX.value(features @ x.reshape(CLASSES, WIDTH).T, labels)
    expected = [losses[:t].sum() for t in (1, 7, 1100, 1500)]
    np.testing.assert_allclose(cumulative_losses(SOFTMAX, x, stream, [1, 7, 1100, 1500]), expected)


class MultiHinge(Loss):
    """max_j (1 if j ≠ y, plus z_j) − z_y: no second derivative."""

    name, labels = "multi-hinge", "class"

    def value(self, z, y):
        own = y[..., None] == np.arange(z.shape[-1])
        return np.max(z + 1 - own, axis=-1) - np.sum(z * own, axis=-1)

    def derivative(self, z, y):
        own = (y[..., None] == np.arange(z.shape[-1])).astype(float)
        return np.eye(z.shape[-1])[np.argmax(z + 1 - own, axis=-1)] - own


def test_the_bound_is_proven_even_for_a_loss_with_kinks():
    held, rng = Held(0, 60), np.random.default_rng(1)
    best = best_fixed_point(MultiHinge(), Ball(2.0), held)
    for x in rng.standard_normal((500, D)):
        z = held.features @ Ball(2.0).nearest(x).reshape(CLASSES, WIDTH).T
        assert MultiHinge().value(z, held.labels).sum() >= best.lower
    assert best.lower <= best.value <= 60
