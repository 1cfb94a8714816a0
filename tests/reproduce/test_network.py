"""Back-propagation against finite differences, and against a network written out by hand."""

import numpy as np
import pytest

from oco.reproduce.network import Network

SIZES = [(5, 4), (5, 7, 3), (4, 6, 5, 3), (3, 1, 2), (1, 4, 4, 4, 2)]
STEP = 1e-6


def problem(sizes, rows=9, seed=0):
    """Return a network, parameters of which none is 0, and a batch."""
    rng = np.random.default_rng(seed)
    network = Network(sizes)
    parameters = [p + 0.1 * rng.standard_normal(p.shape) for p in network.initial(seed)]
    features = rng.standard_normal((rows, sizes[0]))
    return network, parameters, features, rng.integers(0, sizes[-1], rows)


@pytest.mark.parametrize("sizes", SIZES)
def test_every_derivative_is_a_difference_quotient(sizes):
    network, parameters, features, labels = problem(sizes)
    _, gradients = network.gradients(parameters, features, labels)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        assert gradient.shape == parameter.shape
        for index in np.ndindex(parameter.shape):
            middle, ends = parameter[index], []
            for shift in (-STEP, STEP):
                parameter[index] = middle + shift
                ends.append(network.gradients(parameters, features, labels)[0])
            parameter[index] = middle
            assert gradient[index] == pytest.approx((ends[1] - ends[0]) / (2 * STEP), abs=2e-9)


def test_the_digits_network_along_random_directions():
    network, parameters, features, labels = problem((64, 256, 256, 10), rows=32)
    _, gradients = network.gradients(parameters, features, labels)
    rng = np.random.default_rng(1)
    for _ in range(5):
        direction = [rng.standard_normal(p.shape) for p in parameters]
        ends = [
            network.gradients(
                [p + s * STEP * v for p, v in zip(parameters, direction, strict=True)],
                features,
                labels,
            )[0]
            for s in (-1, 1)
        ]
        slope = sum(float(np.sum(g * v)) for g, v in zip(gradients, direction, strict=True))
        assert slope == pytest.approx((ends[1] - ends[0]) / (2 * STEP), rel=1e-5)


def test_the_loss_example_by_example():
    network, (w1, b1, w2, b2), features, labels = problem((5, 7, 3))
    losses = []
    for x, y in zip(features, labels, strict=True):
        z = w2 @ np.maximum(w1 @ x + b1, 0) + b2
        losses.append(-np.log(np.exp(z[y]) / np.exp(z).sum()))
    loss, _ = network.gradients([w1, b1, w2, b2], features, labels)
    assert loss == pytest.approx(np.mean(losses), rel=1e-13)


def test_initial_weights_keep_the_scale_of_what_passes_through():
    network = Network((50, 400, 400, 400, 10))
    parameters = network.initial(0)
    x = np.random.default_rng(1).standard_normal((200, 50))
    before = np.mean(x**2)
    for weights, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        x = np.maximum(x @ weights.T + bias, 0)
        assert np.mean(x**2) == pytest.approx(before, rel=0.25)


def test_same_seed_same_parameters():
    first, again, other = (Network((4, 3, 2)).initial(seed) for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("sizes", [(), (4,), (4, 0), (4, 2.5)])
def test_wrong_sizes_are_refused(sizes):
    with pytest.raises((ValueError, TypeError), match="sizes: expected"):
        Network(sizes)
