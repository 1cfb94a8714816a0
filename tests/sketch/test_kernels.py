"""What a sketch keeps besides its directions agrees with them after every step."""

import numpy as np
import pytest
from dense_sketch import gradient_streams

from oco.linalg.engine import kernel
from oco.sketch import FrequentDirections
from oco.sketch.kernels import AMPLIFICATION, CORRECT_EVERY, fold, orthonormalise, step
from oco.sketch.state import NAMES, State, allocate, packed, size, unpack, unpacked, views

# A few roundings of numbers of order one, amplified at most 8-fold.
EXACT = 1e-13
STREAMS = list(gradient_streams(4, 10, 0))


@kernel
def _step(memory, image, g, mass):
    return step(unpack(memory), image, g, mass)


def stepped(sketch, image, g):
    """Take one step as a learner's kernel does, which follows a vector; return what it tells."""
    return _step(sketch.memory, image, g, float(g @ g))


@pytest.mark.parametrize("k", [2, 9, 31])
def test_the_arrays_of_a_state_share_no_memory(k):
    """They have their shapes, are zero at first, and what fills one appears in no other."""
    d = 40
    memory = allocate(d, k, decay=0.5)
    *arrays, numbers = views(memory)
    capacity = len(arrays[0])
    assert [array.shape for array in arrays] == [
        *((capacity, d), (k, capacity), (capacity, capacity)),
        *((k,), (k,), (capacity,)),
    ]
    assert not any(array.any() for array in arrays)
    for i, array in enumerate(arrays):
        array[...] = i
    for i, (name, array) in enumerate(zip(State._fields[:-1], views(memory)[:-1], strict=True)):
        np.testing.assert_array_equal(array, i, err_msg=name)
    given = {"d": d, "k": k, "capacity": capacity, "decay": 0.5}
    for found in (numbers, views(unpacked(packed(memory))).numbers):
        assert {name: found[name] for name in NAMES if found[name]} == given
    assert packed(memory).nbytes == 8 * size(d, k)


@pytest.mark.parametrize("size", [2, 4, 9])
@pytest.mark.parametrize("name", STREAMS)
def test_products_with_the_frame_are_kept_exactly(name, size):
    d, T = 8, 50
    sketch = FrequentDirections(d, size)
    frame, rotation, gram, values, coordinates, inside, numbers = sketch.state
    before, x = frame.copy(), np.random.default_rng(1).standard_normal(d)
    image = np.zeros(len(frame))
    for t, g in enumerate(gradient_streams(d, T, seed=size)[name]):
        m_before, escaped_before = numbers["m"], sketch.escaped_mass
        old_q, old_turn, old_frame = numbers["q"], rotation.copy(), frame.copy()
        grown, beside, seen = stepped(sketch, image, g)
        m, q = numbers["m"], numbers["q"]
        if grown:
            image[m - 1] = frame[m - 1] @ x
        rows, turn, length = frame[:m], rotation[:q, :m], np.linalg.norm(g)
        assert q == sketch.rank and q <= m <= len(frame) and q < size
        assert length or not grown
        assert numbers["rows"] == numbers["steps"] == t + 1
        assert sketch.escaped_mass == escaped_before + sketch.last_escape
        assert sketch.last_escape >= 0
        assert numbers["total"] == sketch.total_mass and (length or sketch.last_escape == 0)
        assert np.all(values[:q] >= 0) and np.all(np.diff(values[:q]) <= 0)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=EXACT)
        np.testing.assert_allclose(gram[:m, :m], rows @ rows.T, rtol=0, atol=EXACT)
        np.testing.assert_array_equal(rotation[:, m:], 0)
        np.testing.assert_array_equal(rotation[q:], 0)
        np.testing.assert_allclose(turn @ rows @ rows.T @ turn.T, np.eye(q), rtol=0, atol=EXACT)
        if length**2 >= np.finfo(float).tiny:
            np.testing.assert_allclose(inside[:m], rows @ g, rtol=0, atol=EXACT * length)
            np.testing.assert_allclose(
                coordinates[:q], turn @ rows @ g, rtol=0, atol=EXACT * length
            )
            np.testing.assert_allclose(
                seen[:old_q],
                (old_turn @ old_frame @ g)[:old_q],
                rtol=0,
                atol=EXACT * length,
            )
            left = np.linalg.norm(g - coordinates[:q] @ turn @ rows)
            assert abs(np.sqrt(beside) - left) <= EXACT * length
        for unused in (inside[m:], image[m:], coordinates[q:], values[q:], gram[m:], gram[:, m:]):
            np.testing.assert_array_equal(unused, 0)
        np.testing.assert_allclose(image[:m], rows @ x, rtol=0, atol=EXACT * np.linalg.norm(x))
        if m == m_before + grown:
            np.testing.assert_array_equal(frame[:m_before], before[:m_before])
        before = frame.copy()


@pytest.mark.parametrize("length, square", [(1e-155, 0.64e-310), (0.0, 0.0)])
def test_a_row_that_counts_as_zero_is_split_all_the_same(length, square):
    sketch = FrequentDirections(3, 3)
    sketch.append([2.0, 0.0, 0.0])
    g = length * np.array([-0.6, 0.8, 0.0])
    grown, beside, _ = stepped(sketch, np.zeros(len(sketch.state.frame)), g)
    inside = sketch.state.coordinates[0] * sketch.directions[0]
    np.testing.assert_allclose(inside, g * [1, 0, 0], rtol=EXACT)
    # Squares below the smallest normal number have an absolute rounding: 5e-324.
    assert not grown
    np.testing.assert_allclose(beside, square, rtol=EXACT, atol=1e-322)


@pytest.mark.parametrize("size", [3, 6])
def test_products_with_the_frame_after_blocks_and_merges(size):
    rng = np.random.default_rng(size)
    sketch, other = (FrequentDirections(8, size, 0.9) for _ in range(2))
    other.extend(rng.standard_normal((9, 8)))
    steps = [
        lambda: sketch.extend(rng.standard_normal((5, 8))),
        lambda: sketch.update(rng.standard_normal((4, 8))),
        lambda: sketch.merge(other),
        lambda: sketch.update(rng.standard_normal((20, 8))),
    ]
    for i in (0, 1, 0, 2, 0, 1, 1, 3, 0, 2, 2, 0):
        steps[i]()
        frame, rotation, gram, values, _, _, numbers = sketch.state
        m, q = numbers["m"], numbers["q"]
        np.testing.assert_allclose(gram[:m, :m], frame[:m] @ frame[:m].T, rtol=0, atol=EXACT)
        directions = rotation[:q] @ gram @ rotation[:q].T
        np.testing.assert_allclose(directions, np.eye(q), rtol=0, atol=EXACT)
        for unused in (rotation[:, m:], rotation[q:], values[q:], gram[m:], gram[:, m:]):
            np.testing.assert_array_equal(unused, 0)


@pytest.mark.parametrize("lean", [0.6, 0.8, 0.85, 0.86, 0.95])
@pytest.mark.parametrize("size", [12, 31])
@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_a_chain_of_rows_that_lean_on_each_other(unit, size, lean):
    """Combined from these rows alone, the t-th direction would have coefficients up to 1.6ᵗ."""
    d, before = 30, 1.0
    sketch = FrequentDirections(d, size)
    identity = np.eye(d)
    sketch.append(unit * identity[0])
    for t in range(1, d):
        sketch.append(unit * (lean * identity[t - 1] + np.sqrt(1 - lean**2) * identity[t]))
        directions = sketch.directions
        gap = np.abs(directions @ directions.T - np.eye(sketch.rank)).max()
        assert gap <= EXACT
        coefficients = np.sum(sketch.state.rotation**2)
        assert coefficients <= (before + AMPLIFICATION) * (1 + EXACT)
        before = coefficients


def random_state(rng, d=30, m=9, q=5):
    """Return a frame with rows of unit length, not orthogonal, and a W that makes them so."""
    frame = rng.standard_normal((12, d))
    frame /= np.linalg.norm(frame, axis=1)[:, None]
    gram = np.zeros((12, 12))
    gram[:m, :m] = frame[:m] @ frame[:m].T
    rotation = np.zeros((q + 1, 12))
    values, vectors = np.linalg.eigh(gram[:m, :m])
    rotation[:q, :m] = (vectors[:, -q:] / np.sqrt(values[-q:])).T
    return frame, rotation, gram, m, q


@pytest.mark.parametrize("d", [30, 1024, 1025, 2500])
def test_folding_keeps_the_directions(d):
    frame, rotation, gram, m, q = random_state(np.random.default_rng(0), d)
    directions = rotation[:q, :m] @ frame[:m]
    x = np.random.default_rng(1).standard_normal(d)
    image = np.zeros(len(frame))
    image[:m] = frame[:m] @ x
    fold(frame, rotation, gram, image, m, q)
    np.testing.assert_allclose(image[:q], directions @ x, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(image[q:], 0)
    np.testing.assert_allclose(frame[:q], directions, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(
        rotation, np.eye(*rotation.shape) * (np.arange(q + 1) < q)[:, None]
    )
    expected = np.zeros_like(gram)
    expected[:q, :q] = np.eye(q)
    np.testing.assert_array_equal(gram, expected)


@pytest.mark.parametrize("drift", [1e-4, 1e-6])
def test_a_correction_squares_the_drift(drift):
    rng = np.random.default_rng(1)
    frame, rotation, _, m, q = random_state(rng)
    rotation[:q, :m] += drift * rng.standard_normal((q, m))
    span = np.linalg.qr((rotation[:q, :m] @ frame[:m]).T)[0]
    orthonormalise(frame, rotation, m, q)
    directions = rotation[:q, :m] @ frame[:m]
    error = np.abs(directions @ directions.T - np.eye(q)).max()
    assert error <= 100 * drift**2 + 1e-14
    np.testing.assert_allclose(directions @ span @ span.T, directions, rtol=0, atol=1e-13)


def test_the_drift_is_corrected_every_so_many_rows():
    rng = np.random.default_rng(2)
    sketch = FrequentDirections(8, 4)
    numbers = sketch.state.numbers
    for row in rng.standard_normal((3 * CORRECT_EVERY, 8)):
        sketch.append(row)
        rows = sketch.rows
        assert numbers["corrected"] == rows - rows % CORRECT_EVERY


def test_zero_rows_do_not_put_the_correction_off_for_good():
    sketch = FrequentDirections(8, 4)
    rows = np.random.default_rng(5).standard_normal((CORRECT_EVERY + 5, 8))
    rows[CORRECT_EVERY - 1 : CORRECT_EVERY + 1] = 0.0
    sketch.extend(rows)
    assert sketch.state.numbers["corrected"] == CORRECT_EVERY + 2


@pytest.mark.parametrize("size", [2, 9, 40])
def test_the_frame_is_short_and_seldom_turned(size):
    """At most ℓ + max(7, ℓ/2) rows; turned every max(8, ℓ/2) steps at most."""
    d = 400
    sketch = FrequentDirections(d, size)
    frame, numbers = sketch.state.frame, sketch.state.numbers
    assert len(frame) <= size + max(7, size / 2)
    assert sketch.state_bytes <= 8 * d * len(frame) + 8 * 3 * len(frame) * (len(frame) + 5)
    turned, before = [], 0
    for t, row in enumerate(np.random.default_rng(3).standard_normal((size + 40, d))):
        sketch.append(row)
        if numbers["m"] <= before:
            turned.append(t)
        before = int(numbers["m"])
    assert len(turned) >= 2 and np.diff(turned).min() >= max(8, size // 2)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_a_row_far_from_the_sketch_becomes_the_frames_own(unit):
    """The quick way: what the row has in common with the sketch stays in it."""
    sketch = FrequentDirections(200, 10)
    frame, numbers = sketch.state.frame, sketch.state.numbers
    for row in unit * np.random.default_rng(4).standard_normal((60, 200)):
        sketch.append(row)
        newest = frame[numbers["m"] - 1]
        np.testing.assert_allclose(newest, row / np.linalg.norm(row), rtol=1e-14)


@pytest.mark.parametrize("seed", range(10))
def test_directions_that_have_lost_all_their_mass(seed):
    """Four equal eigenvalues are deflated to nothing; rounding must not make them negative."""
    sketch, rng = FrequentDirections(8, 4), np.random.default_rng(seed)
    sketch.extend(np.eye(8)[:4])
    np.testing.assert_array_equal(sketch.eigenvalues, 0)
    sketch.append(rng.standard_normal(3) @ sketch.directions)
    assert sketch.rank == 3 and np.all(sketch.eigenvalues >= 0) and sketch.eigenvalues[0] > 0
