"""Adam as a learner: the published recursion, projected; and the game on which it fails."""

import math

import numpy as np
import pytest
from dense_projection import dense_projection

from oco.algorithms import adagrad, adam
from oco.domains import Ball, Box, Euclidean

T, RADIUS = 120, 0.3


@pytest.mark.parametrize("shape", [5, (3, 2)], ids=str)
@pytest.mark.parametrize("domain", [Ball(RADIUS), Box(-0.1, 0.2), Euclidean()], ids=repr)
def test_iterates_equal_the_definition(shape, domain):
    learner = adam(shape, domain=domain, lr=0.05, beta1=0.8, beta2=0.95, eps=1e-3)
    rng = np.random.default_rng(0)
    x = np.zeros(shape)
    m, v, moved = 0.0, 0.0, False
    for t in range(1, T + 1):
        np.testing.assert_allclose(learner.x, x, rtol=0, atol=1e-10)
        g = rng.standard_normal(shape) + 0.3
        learner.update(g)
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        scale = np.sqrt(v / (1 - 0.95**t)) + 1e-3
        y = x - 0.05 * (m / (1 - 0.8**t)) / scale
        x = {
            "ball": lambda y, h: dense_projection(y.ravel(), h, RADIUS).reshape(y.shape),
            "box": lambda y, h: np.clip(y, -0.1, 0.2),
            "unconstrained": lambda y, h: y,
        }[domain.name](y, np.diag(scale.ravel()))
        moved = moved or not np.array_equal(x, y)
    assert moved == domain.bounded


def test_its_regret_grows_like_t_where_adagrads_does_not():
    """Linear losses on [−1, 1] with slopes c, −1, −1 in turn, β_1 = 0 and β_2 = 1/(1 + c²).

    The best point is −1, as c > 2; Adam forgets the rare large slope and ends at +1 in two rounds
    of three (Reddi, Kale, Kumar, ICLR 2018, Theorem 1).
    """
    c = 3.0
    domain, slopes = Box(-1, 1), [c, -1.0, -1.0]
    learners = {
        "adam": adam(1, domain=domain, lr=0.1, beta1=0.0, beta2=1 / (1 + c**2)),
        "adagrad": adagrad(1, domain=domain),
    }
    regret = {name: [0.0] for name in learners}
    for t in range(3000):
        slope = slopes[t % 3]
        for name, learner in learners.items():
            regret[name].append(regret[name][-1] + slope * (learner.x[0] + 1))
            learner.update([slope])
    assert regret["adam"][3000] > 0.5 * 1000
    assert regret["adam"][3000] == pytest.approx(2 * regret["adam"][1500], rel=0.05)
    assert regret["adagrad"][3000] < 0.1 * regret["adam"][3000]
    assert learners["adam"].bounds == ()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"lr": 0.0}, "lr: expected a finite number > 0, got 0"),
        ({"lr": math.inf}, "lr: expected a finite number > 0, got inf"),
        ({"beta1": 1.0}, "beta1: expected a finite number >= 0 and < 1, got 1"),
        ({"beta1": -0.1}, "beta1: expected a finite number >= 0 and < 1, got -0.1"),
        ({"beta2": 0.0}, "beta2: expected a finite number > 0"),
        ({"beta2": 1.01}, "beta2: expected a finite number > 0"),
        ({"eps": 0.0}, "eps: expected a finite number > 0, got 0"),
    ],
    ids=str,
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        adam(3, domain=Ball(1.0), **options)
