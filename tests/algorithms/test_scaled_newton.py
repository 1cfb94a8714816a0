"""Newton steps of scaled rows against their dense definition, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from dense_sketch import dense_sketch

import oco
from oco.algorithms import scaled_newton

D, T, K, ETA = 10, 150, 4, 0.3
# Name, the options of its own, the share of ρ, δ, and the power of t in the scale.
STEPS = {
    "rfd_son": ({}, 0.5, 0.0, 1.0),
    "s_ons": ({}, 1.0, 0.0, 1.0),
    "fd_son": ({"delta": 0.7}, 0.0, 0.7, 0.5),
}


def rows(name: str) -> np.ndarray:
    rng = np.random.default_rng(5)
    found = rng.standard_normal((T, D)) * 0.8 ** np.arange(D)
    return found @ np.diag(np.arange(D) < 3) if name == "low rank" else found


def slope(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    return -a / (1 + math.exp(min(float(a @ x), 700.0)))


@pytest.mark.parametrize("stream", ["gaussian", "low rank"])
@pytest.mark.parametrize("name", STEPS)
def test_every_step_is_that_of_the_dense_definition(name, stream):
    options, share, delta, power = STEPS[name]
    learner = getattr(scaled_newton, name)(D, k=K, domain=oco.Euclidean(), lr=ETA, **options)
    x, scaled, gradients = np.zeros(D), [], []

    def reveal():
        for t, a in enumerate(rows(stream), start=1):
            gradients.append(slope(a, x))
            scaled.append(gradients[-1] / math.sqrt(t**power * ETA))
            yield scaled[-1]

    for sketch, rho, _ in dense_sketch(reveal(), K):
        metric = sketch + (delta + share * rho) * np.eye(D)
        x = x - np.linalg.pinv(metric, rcond=1e-10, hermitian=True) @ gradients[-1]
        learner.update(gradients[-1])
        assert learner.x == pytest.approx(x, rel=1e-7, abs=1e-7 * np.abs(x).max())
        held = learner.preconditioner.metric.dense()
        assert held == pytest.approx(metric, abs=1e-9 * np.trace(metric))
    now = learner.diagnostics()
    assert now.squared_gradients == pytest.approx((np.array(gradients) ** 2).sum())
    assert now.escaped_mass == pytest.approx(rho, abs=1e-10)
    assert learner.bounds == ()


def test_a_run_says_that_nothing_is_claimed():
    options = {"d": 8, "T": 100, "k": 3, "lr": 0.5, "domain": "unconstrained"}
    summary = oco.run("oco.algorithms.scaled_newton:rfd_son", **options).summary
    assert summary.status == "complete" and summary.bounds == ()
    assert any("claims no bounds" in note for note in summary.notes)


def test_what_cannot_be_is_refused():
    for make in (scaled_newton.rfd_son, scaled_newton.s_ons, scaled_newton.fd_son):
        with pytest.raises(ValueError, match="domain: expected an unbounded one, got Ball"):
            make(3, k=2, domain=oco.Ball(1.0), lr=0.1)
        with pytest.raises(ValueError, match="lr: expected"):
            make(3, k=2, domain=oco.Euclidean(), lr=0.0)
    with pytest.raises(ValueError, match="delta: expected a finite number > 0"):
        scaled_newton.fd_son(3, k=2, domain=oco.Euclidean(), lr=0.1, delta=0.0)
    learner = scaled_newton.s_ons(3, k=2, domain=oco.Euclidean(), lr=0.1)
    with pytest.raises(ValueError, match="g:"):
        learner.update([np.inf, 0.0, 0.0])
    assert learner.x.tolist() == [0.0] * 3 and learner.diagnostics().squared_gradients == 0.0
