"""The guarantees as checks: Ω_ℓ by brute force, and wrong sketches that they catch."""

import numpy as np
import pytest

from oco.sketch import FrequentDirections, escaped_mass_limit, escaped_mass_limit_range
from oco.sketch.guarantees import check


@pytest.mark.parametrize("seed", range(5))
def test_limit_is_the_smallest_scaled_tail(seed):
    spectrum = np.random.default_rng(seed).exponential(size=9) ** 3
    ordered = np.sort(spectrum)[::-1]
    for size in range(1, 13):
        expected = min(ordered[j:].sum() / (size - j) for j in range(size))
        assert escaped_mass_limit(spectrum, size) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [2, 4, 9])
def test_the_sketch_alone_brackets_the_limit(seed, size):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((80, 12)) * 0.7 ** np.arange(12)
    sketch = FrequentDirections(12, 9)
    sketch.extend(rows)
    exact = escaped_mass_limit(np.linalg.eigvalsh(rows.T @ rows), size)
    lower, upper = escaped_mass_limit_range(
        sketch.eigenvalues, sketch.escaped_mass, sketch.total_mass, size
    )
    assert lower <= exact * (1 + 1e-12) and exact <= upper * (1 + 1e-12)


def failing(covariance, directions, values, tau, size):
    found = check(covariance, directions, values, tau, size)
    return {g.name[:2] for g in found if not g.holds}


def test_a_wrong_sketch_is_caught():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((60, 8)) * 0.8 ** np.arange(8)
    exact = rows.T @ rows
    sketch = FrequentDirections(8, 4)
    sketch.extend(rows)
    directions, values, tau = sketch.directions, sketch.eigenvalues, sketch.escaped_mass
    assert not failing(exact, directions, values, tau, 4)
    assert "P1" in failing(exact, directions, values + 1.5 * tau, tau, 4)
    assert "P1" in failing(exact, directions, values, 0.7 * tau, 4)
    assert {"P3", "P4"} <= failing(exact, directions, values, 5 * tau, 4)
    assert "P5" in failing(exact, np.eye(8)[-3:], values, tau, 4)
