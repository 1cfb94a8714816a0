"""The best sequence with k switches against the obvious programme, all of its minima by others."""

import itertools

import numpy as np
import pytest
from scipy import sparse

from oco.domains import Ball, Box, Ellipsoid, Euclidean, L1Ball, Simplex
from oco.losses import MARGIN_LOSSES
from oco.losses.functions import LINEAR, LOGISTIC
from oco.losses.softmax import SOFTMAX
from oco.regret import LossError, best_fixed_point, best_switching, changing, switching
from oco.regret.cheapest import cheapest
from oco.verification.comparators import Played, independent

DOMAINS = [Ball(0.7), Box(-0.3, 0.6), Simplex(), L1Ball(0.8), Ellipsoid([0.5, 0.7, 1.0])]
# What sequential quadratic programming comes to.
SOLVED = 1e-6


def best_of(minima, T, k):
    """Try every choice of at most k places."""
    places = itertools.chain.from_iterable(
        itertools.combinations(range(1, T), count) for count in range(k + 1)
    )
    return min(sum(minima[run] for run in itertools.pairwise((0, *chosen, T))) for chosen in places)


def turning(T=12, d=3, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((T, d))
    turns = np.where(np.arange(T) < T // 3, 1.0, -1.0)
    labels = np.where(features[:, 0] * turns + rng.normal(0, 0.7, T) > 0, 1.0, -1.0)
    return Played(features, labels)


@pytest.mark.parametrize("name", ["linear", "logistic", "squared", "hinge"])
@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_few_rounds_are_solved_exactly(name, domain):
    rounds = turning(T=7)
    minima = {
        (i, j): independent(name, domain, rounds.features[i:j], rounds.labels[i:j])
        for i, j in itertools.combinations(range(8), 2)
    }
    loss = MARGIN_LOSSES[name]
    for k in (0, 1, 2):
        found = best_switching(loss, domain, rounds, k, relative_gap=1e-4)
        exact = best_of(minima, 7, k)
        assert found.lower <= exact + SOLVED and exact <= found.upper + SOLVED
        assert found.upper - found.lower <= 2e-4 * (1 + abs(exact))
        assert len(found.times) <= k and len(found.points) == len(found.times) + 1
        # What is attained is attained by those points.
        ends = (0, *found.times, 7)
        paid = sum(
            loss.value(rounds.features[i:j] @ x, rounds.labels[i:j]).sum()
            for (i, j), x in zip(itertools.pairwise(ends), found.points, strict=True)
        )
        assert paid == pytest.approx(found.upper, rel=1e-12, abs=1e-12)
        assert all(domain.contains(x, 0.0) for x in found.points)


@pytest.mark.parametrize("domain", [DOMAINS[0], DOMAINS[1]], ids=lambda domain: domain.name)
@pytest.mark.parametrize("k", [1, 3])
def test_a_bracket_of_blocks_holds_the_exact_value_for_linear_losses(monkeypatch, domain, k):
    rounds = turning(T=300, seed=k)
    exact = best_switching(LINEAR, domain, rounds, k)
    assert exact.upper - exact.lower <= 1e-9 * abs(exact.upper) and exact.blocks == 300
    monkeypatch.setattr(switching, "LINEAR_ROUNDS", 0)
    found = best_switching(LINEAR, domain, rounds, k, effort=120)
    assert found.blocks < 300
    assert found.lower <= exact.upper and exact.lower <= found.upper
    fixed = best_fixed_point(LINEAR, domain, rounds)
    # Far from all that switching saves is left open.
    assert found.upper - found.lower < 0.6 * (fixed.value - exact.upper)


def test_more_switches_save_more_and_the_planted_place_is_found():
    rounds = turning(T=90, seed=3)
    found = [
        best_switching(LOGISTIC, Ball(3.0), rounds, k, incurred=60.0, relative_gap=0.05)
        for k in (0, 1, 2)
    ]
    fixed = best_fixed_point(LOGISTIC, Ball(3.0), rounds, incurred=60.0)
    assert found[0].lower <= fixed.upper and fixed.lower <= found[0].upper and not found[0].times
    assert found[0].upper > found[1].upper > found[2].upper
    assert all(one.lower <= other.upper for one in found[1:] for other in found[: one.switches + 1])
    assert abs(found[1].times[0] - 30) < 8


def test_one_round_and_more_switches_than_places():
    one = Played(np.array([[2.0, 0.0]]), np.array([1.0]))
    found = best_switching(LINEAR, Ball(1.0), one, 3)
    assert found.times == () and found.lower <= -2.0 <= found.upper
    few = turning(T=4)
    every = best_switching(LOGISTIC, Ball(1.0), few, 9, relative_gap=1e-6)
    alone = np.log1p(np.exp(-np.linalg.norm(few.features, axis=1))).sum()
    assert every.lower <= alone + SOLVED and alone <= every.upper + SOLVED
    assert every.times == (1, 2, 3)


def test_vectors_of_predictions():
    rng = np.random.default_rng(0)

    class Classes(Played):
        outputs = 3

    rounds = Classes(rng.standard_normal((30, 2)), np.r_[np.zeros(10), np.full(20, 2.0)])
    rounds.d = 6
    fixed = best_fixed_point(SOFTMAX, Ball(1.0), rounds)
    found = best_switching(SOFTMAX, Ball(1.0), rounds, 1, relative_gap=1e-3)
    assert found.lower <= found.upper < fixed.lower
    assert found.upper - found.lower <= 1e-3 * found.upper


def test_bad_input_is_named():
    rounds = turning()
    for arguments, message in (
        ((LOGISTIC, Euclidean(), rounds, 1), "domain: switching sequences need a bounded domain"),
        ((LOGISTIC, Ball(1.0), rounds, -1), "switches: expected an integer from 0 to 100, got -1"),
        ((LOGISTIC, Ball(1.0), rounds, 1.5), "switches: expected an integer"),
        ((LOGISTIC, Ball(1.0), Played(np.empty((0, 2)), np.empty(0)), 1), "stream: expected"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            best_switching(*arguments)


def test_too_many_features_are_refused(monkeypatch):
    monkeypatch.setattr(switching, "MOST_NUMBERS", 20)
    with pytest.raises(ValueError, match="features of at most 20 numbers"):
        best_switching(LOGISTIC, Ball(1.0), turning(), 1)


@pytest.mark.parametrize("domain", DOMAINS[:2], ids=lambda domain: domain.name)
@pytest.mark.parametrize("name", ["linear", "logistic"])
def test_sparse_rows_have_the_best_sequence_of_dense_ones(monkeypatch, name, domain):
    monkeypatch.setattr(changing, "chunk_rows", lambda d: 5)
    dense = turning(T=20, d=8)
    dense.features[np.random.default_rng(1).uniform(size=(20, 8)) < 0.7] = 0.0
    thin = Played(sparse.csr_array(dense.features), dense.labels)
    loss = MARGIN_LOSSES[name]
    ours, theirs = (best_switching(loss, domain, rounds, 2) for rounds in (thin, dense))
    assert ours.lower <= theirs.upper and theirs.lower <= ours.upper
    assert ours.upper - ours.lower <= 1.1 * (theirs.upper - theirs.lower) + 1e-9
    edges = itertools.pairwise((0, *ours.times, 20))
    paid = sum(
        loss.value(dense.features[i:j] @ x, dense.labels[i:j]).sum()
        for (i, j), x in zip(edges, ours.points, strict=True)
    )
    assert paid == pytest.approx(ours.upper, rel=1e-9)


def test_sparse_rows_count_as_dense_ones(monkeypatch):
    monkeypatch.setattr(switching, "MOST_NUMBERS", 20)
    rounds = Played(sparse.csr_array(np.eye(5)), np.ones(5))
    with pytest.raises(ValueError, match="features of at most 20 numbers"):
        best_switching(LOGISTIC, Ball(1.0), rounds, 1)


def test_a_wrong_slope_is_found_out():
    class Wrong:
        name, smooth, curvature, minorant, conjugate = "wrong", True, None, None, None

        def value(self, z, y):
            return np.logaddexp(0.0, -y * z)

        def derivative(self, z, y):
            return y / (1 + np.exp(y * z))

    with pytest.raises(LossError):
        best_switching(Wrong(), Ball(2.0), turning(), 1)


def test_the_programme_is_the_best_of_all_ways():
    rng = np.random.default_rng(5)
    n, k = 5, 3
    runs = np.where(np.tri(n + 1, k=-1) > 0, np.inf, rng.uniform(0, 9, (n + 1, n + 1)))
    np.fill_diagonal(runs, 0.0)
    changing = rng.uniform(0, 3, (k, n))

    def ways(at, left):
        if at == n:
            yield 0.0
        for stop in range(at, n + 1):
            if stop == n:
                yield runs[at, n]
            if left and stop > at:
                yield from (runs[at, stop] + rest for rest in ways(stop, left - 1))
            for q in range(1, left + 1 if stop < n else 0):
                yield from (
                    runs[at, stop] + changing[q - 1, stop] + rest
                    for rest in ways(stop + 1, left - q)
                )

    assert cheapest(runs, changing, k).cost == pytest.approx(min(ways(0, k)), rel=1e-12)
