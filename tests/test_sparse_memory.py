"""What a play of sparse rows holds: some vectors of length d beside its sketch."""

import inspect
import tracemalloc

import numpy as np
import pytest
from scipy import sparse

import oco
from oco.losses import files
from oco.simulator import play
from oco.sketch import FrequentDirections

# Vectors of length d that a play may hold beside its learner's sketch: points, sums, metrics, and
# what a kernel turns of them.
VECTORS = 12


@pytest.mark.parametrize("algorithm", ["ogd", "adagrad", "da-norm", "da-diagonal"])
def test_no_more_memory_than_some_points(algorithm):
    assert _vectors(algorithm) < VECTORS


@pytest.mark.parametrize("algorithm", ["s-adagrad", "ftsl", "s-ons"])
def test_no_more_memory_than_a_sketch_and_some_points(algorithm):
    room = FrequentDirections(9, 8).state.frame.shape[0]
    assert _vectors(algorithm, k=8) < room + VECTORS


def _vectors(algorithm, **sketch):
    """Return the most that a play has held of memory, beside its rows, in vectors of length d."""
    d = 1 << 17
    rng = np.random.default_rng(0)
    places = rng.integers(d, size=(200, 20))
    table = sparse.csr_array(
        (np.full(4000, 0.2), places.ravel(), np.arange(0, 4001, 20)), shape=(200, d)
    )
    labels = rng.choice([-1.0, 1.0], 200)
    makes = oco.algorithms.ALGORITHMS[algorithm]
    options = {"lr": 1.0, "delta": 5.0, "curvature": 0.5}
    taken = inspect.signature(makes).parameters
    given = {name: value for name, value in options.items() if name in taken} | sketch
    # What is compiled is compiled before anything is counted.
    for count in (2, 200):
        few = files.DataFile(path=(table[:count], labels[:count]))
        tracemalloc.start()
        learner = makes(d, domain=oco.Ball(1.0), **given)
        found = play(learner, oco.losses.LOSSES["logistic"], few, checkpoints=np.array([count]))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found.status == "complete"
    return peak / 8 / d
