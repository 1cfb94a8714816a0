"""The quadrature rule against the functions that it stands for."""

import numpy as np
import pytest

from oco.linalg.growing_root import GREATEST, LEAST, LONGEST, PLAIN_NODES, PLAIN_WEIGHTS
from oco.linalg.quadrature import NODES, WEIGHTS, damped_weights, root_rule

EIGENVALUES = np.geomspace(LEAST, GREATEST, 500)


def by_rule(weights, nodes=NODES):
    return (weights / (nodes**2 + EIGENVALUES[:, None])).sum(axis=1)


@pytest.mark.parametrize("nodes, weights", [(NODES, WEIGHTS), (PLAIN_NODES, PLAIN_WEIGHTS)])
def test_inverse_roots_on_the_whole_interval(nodes, weights):
    np.testing.assert_allclose(
        by_rule(weights, nodes) * np.sqrt(EIGENVALUES), 1.0, rtol=0, atol=2e-12
    )


@pytest.mark.parametrize("mu", [0.0, *np.geomspace(1e-14, np.sqrt(GREATEST) * LONGEST, 200)])
def test_damping_by_every_multiplier(mu):
    # Below the interval, where ±iμ comes near to the nodes, the error is the largest.
    expected = mu / (np.sqrt(EIGENVALUES) + mu)
    np.testing.assert_allclose(by_rule(damped_weights(mu)[0]), expected, rtol=0, atol=5e-11)


@pytest.mark.parametrize("mu", [1e-6, 0.03, 1.0, 20.0])
def test_derivatives_in_the_multiplier(mu):
    roots = np.sqrt(EIGENVALUES)
    np.testing.assert_allclose(
        by_rule(damped_weights(mu)[1]), roots / (roots + mu) ** 2, rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize("count", [10, 20, 30])
def test_the_error_falls_at_the_rate_of_the_theory(count):
    low, high = 1e-4, 1e4
    s, w = root_rule(count, low, high)
    eigenvalues = np.geomspace(low, high, 300)
    error = np.abs((w / (s**2 + eigenvalues[:, None])).sum(axis=1) * np.sqrt(eigenvalues) - 1)
    rate = np.exp(-2 * np.pi**2 * count / np.log(16 * high / low))
    assert rate / 10 < error.max() < 10 * rate


@pytest.mark.parametrize("low, high", [(1.0, 1e8), (1e-17, 1e6), (0.3, 1e9)])
def test_nodes_are_symmetric_in_the_logarithm(low, high):
    """With s the rule has √(low·high)/s among its nodes: sc(t) sc(K − t) is constant."""
    s, w = root_rule(31, low, high)
    # K = ½ log(16 high/low) is exact but for low/(4 high).
    rounding = low / high + 1e-12
    np.testing.assert_allclose(s * s[::-1], np.sqrt(low * high), rtol=rounding)
    np.testing.assert_allclose(w / s, (w / s)[::-1], rtol=rounding)
