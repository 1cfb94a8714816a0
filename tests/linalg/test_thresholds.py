"""Thresholds against the conditions of optimality, with weights of any size."""

import numpy as np
import pytest

from oco.linalg.thresholds import fill


@pytest.mark.parametrize("spread", [0, 3, 12, 40])
def test_it_is_the_nearest_point_in_its_metric(spread):
    rng = np.random.default_rng(spread)
    for _ in range(300):
        n = int(rng.integers(1, 8))
        y, h = rng.standard_normal(n), 10.0 ** rng.uniform(-spread, spread, n)
        total = float(10.0 ** rng.uniform(-2, 1))
        x = fill(y, total, h)
        assert (x >= 0).all() and x.sum() == pytest.approx(total, rel=1e-12)
        # Moving mass from any coordinate that has some to any other one costs.
        slopes = h / h.max() * (x - y)
        size = np.abs(h / h.max() * np.maximum(np.abs(x), np.abs(y))).max()
        assert slopes[x > 0].max() <= slopes.min() + 1e-9 * size


def test_what_rounding_leaves_out_has_no_part():
    """The second ratio is the level, but for rounding, and its number large beside the weight."""
    heavy = 4.12447016e15
    np.testing.assert_allclose(
        fill(np.array([0.3, 0.3]), 0.3, np.array([heavy, 1.0])), [0.3, 0.0], atol=1e-15
    )
