"""What the pieces say of themselves."""

import numpy as np

import oco
from oco.linalg.operators import Dense, Diagonal, LowRankPlusScalar
from oco.sketch import FrequentDirections


def test_a_sketch_tells_its_size_and_what_escaped():
    sketch = FrequentDirections(3, 2, decay=0.5)
    sketch.extend([[2.0, 0, 0], [0, 1.0, 0]])
    assert repr(sketch) == (
        "FrequentDirections(d=3, k=2, decay=0.5: 2 rows, rank 1, escaped mass 1 of 3)"
    )


def test_an_operator_tells_the_range_of_its_eigenvalues():
    assert repr(Diagonal(np.array([1.0, 4.0]))) == "Diagonal(dim=2, eigenvalues in [1, 4])"
    assert repr(Dense.of(2 * np.eye(3))) == "Dense(dim=3, eigenvalues in [2, 2])"
    # A tail that no direction is left for is none of its eigenvalues.
    full = LowRankPlusScalar.of(np.eye(2), np.array([5.0, 3.0]), 1.0)
    assert repr(full) == "LowRankPlusScalar(dim=2, eigenvalues in [3, 5])"
    assert full.tail == 1.0


def test_domains_tell_their_size():
    assert repr(oco.Euclidean()) == "Euclidean()"
    assert repr(oco.Ball(2.5)) == "Ball(2.5)"
    assert repr(oco.Box(-1, [1.0, 2.0])) == "Box(-1, <2 numbers>)"
