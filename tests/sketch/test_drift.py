"""Rounding does not add up over tens of thousands of rows."""

import numpy as np
from threadpoolctl import threadpool_limits

from oco.sketch import FrequentDirections


def test_the_directions_are_corrected_now_and_then():
    """Without the correction this stream is at 4e-14, and growing."""
    rng = np.random.default_rng(1)
    basis = np.linalg.qr(rng.standard_normal((100, 100)))[0][:5]
    sketch = FrequentDirections(100, 10)
    with threadpool_limits(limits=1, user_api="blas"):
        for row in rng.standard_normal((20_000, 5)) @ basis:
            sketch.append(row)
    directions = sketch.directions
    np.testing.assert_allclose(directions @ directions.T, np.eye(sketch.rank), rtol=0, atol=1e-14)
