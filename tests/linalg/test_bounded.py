"""Projections onto boxes in any metric: exact, where steps end at once and where they do not."""

import numpy as np
import pytest

from oco.domains import Box
from oco.linalg import bounded
from oco.linalg.bounded import project_onto_box, slack
from oco.linalg.growing_root import GrowingRoot
from oco.linalg.kronecker import Kronecker
from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.operators import Dense


def drawn(seed):
    """Metrics with condition numbers up to 1e6 or singular, as sketches and as matrices."""
    rng = np.random.default_rng(seed)
    d = int(rng.integers(2, 50))
    q = int(rng.integers(1, d + 1))
    vectors = np.linalg.qr(rng.standard_normal((d, d)))[0]
    values = 10.0 ** rng.uniform(-6 if rng.integers(2) else -2, 0, q)
    tail = 0.0 if q == d else [0.0, values.min() * 10.0 ** rng.uniform(-2, 0)][rng.integers(2)]
    spectrum = np.full(d, tail)
    spectrum[:q] = values
    y = 10.0 ** rng.uniform(-1, 3) * rng.standard_normal(d)
    lower, upper = -rng.uniform(0, 1, d), rng.uniform(0, 1, d)
    return vectors, spectrum, q, y, lower, upper


def off(matrix, x, y, lower, upper):
    apart = np.linalg.norm(x - y)
    if apart == 0:
        return 0.0
    gap = slack(matrix @ (x - y), x, lower, upper)
    return gap / (np.linalg.norm(matrix, 2) * apart * (apart + np.linalg.norm(upper - lower)))


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_no_point_of_the_box_is_better_to_first_order(first):
    for seed in range(first, first + 100):
        vectors, spectrum, q, y, lower, upper = drawn(seed)
        matrix = (vectors * spectrum) @ vectors.T
        tail = float(spectrum[-1]) if q < len(y) else 0.0
        dense = Dense(vectors, spectrum)
        low_rank = LowRankPlusScalar.of(vectors.T[:q].copy(), spectrum[:q], tail)
        for metric in (dense, low_rank):
            x = project_onto_box(metric, y, lower, upper)
            assert (x >= lower).all() and (x <= upper).all()
            assert off(matrix, x, y, lower, upper) <= 1e-11, (seed, metric)


def test_where_newton_goes_in_circles_an_active_set_ends_it(monkeypatch):
    monkeypatch.setattr(bounded, "STEPS", 0)
    for seed in range(60):
        vectors, spectrum, _, y, lower, upper = drawn(seed)
        x = project_onto_box(Dense(vectors, spectrum), y, lower, upper)
        assert off((vectors * spectrum) @ vectors.T, x, y, lower, upper) <= 1e-10


def test_what_is_not_found_is_said(monkeypatch):
    monkeypatch.setattr(bounded, "STEPS", 0)
    monkeypatch.setattr(bounded, "CHANGES", 0)
    metric = Dense.of(np.array([[2.0, 1.9], [1.9, 2.0]]))
    with pytest.raises(FloatingPointError, match=r"^domain: the projection onto the box"):
        Box(0, 1).project(np.array([2.0, 0.0]), metric)


@pytest.mark.parametrize("kind", ["growing root", "Kronecker"])
def test_other_metrics_are_solved_by_their_matrix(kind):
    rng = np.random.default_rng(1)
    if kind == "Kronecker":
        factors = [np.cov(rng.standard_normal((n, 9))) for n in (3, 4)]
        metric = Kronecker([Dense.of(factor) for factor in factors])
        matrix = np.kron(*factors)
    else:
        metric, covariance = GrowingRoot(12), np.zeros((12, 12))
        for g in rng.standard_normal((20, 12)):
            metric.absorb(g)
            covariance += np.outer(g, g)
        values, vectors = np.linalg.eigh(covariance)
        matrix = (vectors * np.sqrt(values)) @ vectors.T
    np.testing.assert_allclose(metric.dense(), matrix, rtol=0, atol=1e-10)
    lower, upper = -np.full(12, 0.3), np.full(12, 0.2)
    y = rng.standard_normal(12)
    assert off(matrix, project_onto_box(metric, y, lower, upper), y, lower, upper) <= 1e-10


def test_a_point_of_the_box_stays():
    y = np.array([0.5, 0.25])
    metric = Dense.of(np.array([[2.0, 1.0], [1.0, 2.0]]))
    np.testing.assert_array_equal(project_onto_box(metric, y, np.zeros(2), np.ones(2)), y)
