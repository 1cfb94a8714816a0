"""The published numerics: the same learners where nothing is singular, and others where it is."""

from __future__ import annotations

import numpy as np
import pytest

import oco
from oco.algorithms import ALGORITHMS, scaled_newton
from oco.reproduce import published

OURS = {
    "s_adagrad": ALGORITHMS["s-adagrad"],
    "ada_fd": ALGORITHMS["ada-fd"],
    "rfd_son": scaled_newton.rfd_son,
    "fd_son": scaled_newton.fd_son,
}
D, K = 9, 4


def played(make, rows: np.ndarray, **options) -> np.ndarray:
    learner, points = make(rows.shape[1], k=K, domain=oco.Euclidean(), lr=0.1, **options), []
    for a in rows:
        learner.update(-a / (1 + np.exp(np.clip(a @ learner.x, -700, 700))))
        points.append(np.array(learner.x))
    return np.array(points)


@pytest.mark.parametrize("name", ["ada_fd", "fd_son"])
def test_with_a_regulariser_they_play_what_ours_play(name):
    rows = np.random.default_rng(0).standard_normal((200, D)) * 0.8 ** np.arange(D)
    one, other = (played(make, rows, delta=0.5) for make in (OURS[name], getattr(published, name)))
    assert other == pytest.approx(one, abs=1e-8 * np.abs(one).max())


@pytest.mark.parametrize("name", ["s_adagrad", "rfd_son"])
def test_without_one_they_invert_rounding(name):
    """Rows of rank 2 leave a singular sketch: ours stays in their span, rounding does not."""
    outside = {"ours": 0.0, "published": 0.0}
    for seed in range(5):
        rng = np.random.default_rng(seed)
        span = rng.standard_normal((2, D))
        rows = rng.standard_normal((60, 2)) @ span
        project = np.eye(D) - np.linalg.pinv(span) @ span
        for which, make in (("ours", OURS[name]), ("published", getattr(published, name))):
            points = played(make, rows)
            off = np.abs(points @ project).max() / np.abs(points).max()
            outside[which] = max(outside[which], float(off))
    assert outside["ours"] < 1e-10 and outside["published"] > 1e-4


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="domain: expected an unbounded one"):
        published.s_adagrad(3, k=2, domain=oco.Ball(1.0), lr=0.1)
    with pytest.raises(ValueError, match="k: expected an integer from 2 to 4, got 5"):
        published.rfd_son(3, k=5, domain=oco.Euclidean(), lr=0.1)
    with pytest.raises(ValueError, match="lr: expected a finite number > 0"):
        published.ada_fd(3, k=2, domain=oco.Euclidean(), lr=-1.0, delta=1.0)
