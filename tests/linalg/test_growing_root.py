"""The growing square root against a decomposition of G for each vector."""

import numpy as np
import pytest

from oco.linalg import growing_root
from oco.linalg.growing_root import GrowingRoot
from oco.linalg.operators import Dense

# Relative to the longest vector or the radius: what full-matrix AdaGrad promises of its iterates.
TOLERANCE = 1e-8


def streams(d, T, seed):
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((d, d)))[0]
    normal, i = rng.standard_normal((T, d)), np.arange(d)
    rank = max(1, d // 3)
    return {
        "gaussian": normal,
        "decaying geometrically": (normal * 0.9 ** (i / 2)) @ rotation,
        "decaying polynomially": (normal / (i + 1.0)) @ rotation,
        "through the cut-off": (normal * 0.5 ** (i / 2)) @ rotation,
        "low rank": normal[:, :rank] @ rng.standard_normal((rank, d)),
        "orthonormal": rotation[rng.integers(0, max(1, d // 2), T)],
        "repeated": np.repeat(normal, 5, axis=0)[:T],
        "graded rows": normal * 10 ** rng.uniform(-6, 6, (T, 1)),
        "mildly graded rows": normal * 10 ** rng.uniform(-1.5, 1.5, (T, 1)),
        "graded coordinates": normal * 10 ** rng.uniform(-6, 6, d),
        "huge": normal * 1e100,
        "tiny": normal * 1e-100,
        "some zero": normal * (rng.random((T, 1)) < 0.4),
        "sparse": normal * (rng.random((T, d)) < 0.05),
        "fading": normal * np.exp(-np.arange(T) / 30)[:, None],
        "rising": normal * np.exp(np.arange(T) / 30)[:, None],
        "late": normal * np.where(np.arange(T)[:, None] < T // 2, 1e-3 + (i == 0), 1.0),
    }


def definition(gram):
    values, vectors = np.linalg.eigh(gram)
    return Dense(vectors, np.sqrt(np.where(values > 1e-12 * values[-1], values, 0.0)))


def scale(y):
    return max(1.0, float(np.abs(y).max()))


@pytest.fixture
def decompositions(monkeypatch):
    """List the sizes of the matrices that the root has decomposed."""
    sizes, eigh = [], np.linalg.eigh
    monkeypatch.setattr(
        growing_root.np.linalg, "eigh", lambda matrix: (sizes.append(len(matrix)), eigh(matrix))[1]
    )
    return sizes


@pytest.mark.parametrize("name", streams(2, 2, 0))
@pytest.mark.parametrize("d, capacity, T", [(1, 4, 30), (2, 4, 40), (12, 6, 150), (60, 16, 200)])
def test_directions_and_projections_equal_the_definition(name, d, capacity, T):
    rows = streams(d, T, seed=d)[name]
    rng = np.random.default_rng(7)
    root, gram = GrowingRoot(d, capacity), np.zeros((d, d))
    plain = GrowingRoot(d, capacity, projecting=False)
    for g in rows:
        gram += np.outer(g, g)
        exact = definition(gram)
        direction = exact.power(-1) @ g
        np.testing.assert_allclose(root.absorb(g), direction, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(plain.absorb(g), direction, rtol=0, atol=TOLERANCE)
        # A point in the range, at any distance outside the ball.
        y = exact.power(0) @ rng.standard_normal(d)
        radius = np.linalg.norm(y) * rng.choice([0.9999, 0.9, 0.5, 0.1, 0.01])
        if radius:
            np.testing.assert_allclose(
                root.project_on_ball(y, radius) / radius,
                exact.project_on_ball(y, radius) / radius,
                rtol=0,
                atol=TOLERANCE,
            )


@pytest.mark.parametrize("d", [150, 200])
def test_few_decompositions(d, decompositions):
    rng = np.random.default_rng(d)
    root, gram = GrowingRoot(d), np.zeros((d, d))
    for t, g in enumerate(rng.standard_normal((3 * d, d))):
        gram += np.outer(g, g)
        direction = root.absorb(g)
        if t % 10 == 0:
            exact = definition(gram).power(-1) @ g
            np.testing.assert_allclose(direction, exact, rtol=0, atol=1e-10)
    # The test decomposes too.  While the rank grows, a vector takes the place of two.
    assert len(decompositions) - 3 * d // 10 <= 3 * d / (d // 5) * 2


@pytest.mark.parametrize("projecting", [True, False])
def test_nine_decades_of_eigenvalues_take_few_decompositions(projecting, decompositions):
    """And what comes out is as near to exact directions as the definition is, computed from G."""
    rng, d, T = np.random.default_rng(14), 60, 360
    rotation = np.linalg.qr(rng.standard_normal((d, d)))[0]
    rows = (rng.standard_normal((T, d)) * np.geomspace(1.0, 3e-5, d)) @ rotation
    root, gram, needed = GrowingRoot(d, 16, projecting=projecting), np.zeros((d, d)), []
    errors = []
    for t, g in enumerate(rows):
        gram += np.outer(g, g)
        by_definition = definition(gram).power(-1) @ g
        decompositions.clear()
        direction = root.absorb(g)
        needed.append(len(decompositions))
        # The singular values of the rows are as accurate as the roots of the eigenvalues.
        _, singular, directions = np.linalg.svd(rows[: t + 1], full_matrices=False)
        exact = (directions @ g / singular) @ directions
        errors.append([np.abs(found - exact).max() for found in (direction, by_definition)])
    ours, theirs = np.max(errors[2 * d :], axis=0)
    assert ours <= 2 * theirs
    assert sum(needed[-160:]) == 10


def test_a_root_that_is_not_made_for_projections_projects_too():
    rng = np.random.default_rng(15)
    roots = [GrowingRoot(60, projecting=projecting) for projecting in (True, False)]
    for g in rng.standard_normal((100, 60)):
        for root in roots:
            root.absorb(g)
    y = rng.standard_normal(60)
    one, other = (root.project_on_ball(y, 0.5) for root in roots)
    np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE)


def test_eigenvalues_near_the_cut_off_are_decomposed(decompositions):
    """A rule without a cut-off would keep what the definition drops."""
    rows = np.diag([1.0, 1e-3, 3e-6])[[0, 1, 2, 0, 1, 2, 0, 1]]
    root = GrowingRoot(3, capacity=20)
    for g in rows:
        root.absorb(g)
    # All but the second: only then are all eigenvalues well above the cut-off.
    assert len(decompositions) == len(rows) - 1
    dropped = np.array([0.0, 0.0, 1e-7])
    fresh = GrowingRoot(3, capacity=20)
    for g in (rows[0], rows[1], dropped):
        direction = fresh.absorb(g)
    np.testing.assert_array_equal(direction, np.zeros(3))


@pytest.mark.parametrize("unit", [1.0, 1e-3, 1e3])
def test_what_was_cut_off_counts_when_its_direction_comes_in(unit):
    """The tiny eigenvalue is cut off first, and later a part of a larger one."""
    tiny = 0.9e-6 * np.array([0.0, 1.0])
    small = 1.5e-4 * np.array([0.0, 1.0])
    root, gram = GrowingRoot(2, capacity=8), np.zeros((2, 2))
    for g in unit * np.array([[1.0, 0.0], tiny, [1.0, 0.0], small, small]):
        gram += np.outer(g, g)
        exact = definition(gram).power(-1) @ g
        np.testing.assert_allclose(root.absorb(g), exact, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_weak_eigenvalues_that_become_strong(seed):
    """The resolvents then cancel the most."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    rows = np.diag([1.0, 1.0, 1.0, 1e-3, 1e-4, 6e-5]) @ rotation
    root, gram = GrowingRoot(6, capacity=24), np.zeros((6, 6))
    for g in rows:
        gram += np.outer(g, g)
        root.absorb(g)
    for g in rng.standard_normal((10, 6)):
        gram += np.outer(g, g)
        exact = definition(gram).power(-1) @ g
        np.testing.assert_allclose(root.absorb(g), exact, rtol=0, atol=1e-9)


def test_a_new_direction_that_leaves_a_tiny_eigenvalue():
    """The new coordinate is 1e-4 long, but G's smallest eigenvalue falls to 1e-14."""
    root, gram = GrowingRoot(3, capacity=20), np.zeros((3, 3))
    for g in np.array([[1.0, 0.0, 0.0], [0.0, 1e-3, 0.0], [0.0, 1.0, 1e-4], [0.0, 1.0, 0.0]]):
        gram += np.outer(g, g)
        exact = definition(gram).power(-1) @ g
        np.testing.assert_allclose(root.absorb(g), exact, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("far", [1.5, 30.0, 900.0, 1e5, 1e8])
@pytest.mark.parametrize("weak", [False, True])
def test_projection_of_a_point_far_away(far, weak):
    """Along all eigenvectors (a large multiplier), or along a weak one (much is cancelled)."""
    rng = np.random.default_rng(3)
    root, gram = GrowingRoot(12, capacity=12), np.zeros((12, 12))
    for g in rng.standard_normal((20, 12)) * np.append(np.ones(11), 1e-3):
        gram += np.outer(g, g)
        root.absorb(g)
    exact = definition(gram)
    y = far * (exact.vectors[:, 0] if weak else rng.standard_normal(12))
    expected = exact.project_on_ball(y, 1.0)
    np.testing.assert_allclose(root.project_on_ball(y, 1.0), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("far", [3.0, 99.0, 400.0, 1e4])
def test_projection_where_an_eigenvalue_has_grown(far):
    """The multiplier grows with it, and with the distance."""
    root, rows = GrowingRoot(3, capacity=60), np.eye(3)[[0, 1, 2] + 45 * [0]]
    for g in rows:
        root.absorb(g)
    for y in far * np.array([[1.0, 0.0, 0.1], [0.3, 1.0, -1.0]]):
        expected = definition(rows.T @ rows).project_on_ball(y, 1.0)
        np.testing.assert_allclose(root.project_on_ball(y, 1.0), expected, rtol=0, atol=TOLERANCE)


def test_projection_of_a_point_outside_the_range():
    rng = np.random.default_rng(4)
    rows = rng.standard_normal((9, 4)) @ rng.standard_normal((4, 12))
    exact, v = definition(rows.T @ rows), rng.standard_normal(12)
    inside = exact.power(0) @ v
    for along, across in ((0.3, 5.0), (3.0, 0.5), (0.3, 1e-7)):
        y = along * inside + across * (v - inside)
        for unit in (1.0, 1e-9, 1e9):
            root = GrowingRoot(12, capacity=12)
            for g in rows:
                root.absorb(g)
            expected = exact.project_on_ball(y, 1.0)
            found = root.project_on_ball(unit * y, unit) / unit
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("rank", [4, 12])
@pytest.mark.parametrize("far", [1.01, 3.0, 50.0])
def test_projection_in_the_range_takes_no_decomposition(rank, far, decompositions):
    rng = np.random.default_rng(6)
    basis = np.linalg.qr(rng.standard_normal((12, rank)))[0].T
    root = GrowingRoot(12, capacity=20)
    for coordinates in rng.standard_normal((rank + 3, rank)):
        root.absorb(coordinates @ basis)
    decompositions.clear()
    y = rng.standard_normal(rank) @ basis
    for unit in (1.0, 1e-9, 1e9):
        length = unit * np.linalg.norm(y) / far
        assert np.linalg.norm(root.project_on_ball(unit * y, length)) == pytest.approx(length)
    assert not decompositions


def test_it_is_the_operator_that_it_stands_for_and_looking_changes_nothing():
    rng = np.random.default_rng(5)
    looked_at, left_alone = GrowingRoot(12, capacity=6), GrowingRoot(12, capacity=6)
    gram = np.zeros((12, 12))
    for g in rng.standard_normal((40, 12)):
        gram += np.outer(g, g)
        np.testing.assert_array_equal(looked_at.absorb(g), left_alone.absorb(g))
        exact, v = definition(gram), rng.standard_normal(12)
        size = np.sqrt(np.trace(gram))
        np.testing.assert_allclose(looked_at @ v, exact @ v, rtol=0, atol=1e-12 * size * scale(v))
        np.testing.assert_allclose(left_alone.trace(), exact.sum(), rtol=1e-12)
        np.testing.assert_allclose(looked_at.sum(), exact.sum(), rtol=1e-12)
    np.testing.assert_allclose(
        looked_at.power(-1) @ v, exact.power(-1) @ v, rtol=0, atol=1e-10 * scale(v)
    )


def test_nothing_absorbed_yet():
    root = GrowingRoot(60)
    np.testing.assert_array_equal(root.absorb(np.zeros(60)), np.zeros(60))
    assert root.trace() == 0.0


@pytest.mark.parametrize("capacity", [0, 30])
def test_the_memory_it_reports_is_that_of_its_arrays(capacity):
    rng = np.random.default_rng(9)
    root = GrowingRoot(60, capacity)

    def arrays(thing):
        if isinstance(thing, np.ndarray):
            return {id(thing): thing.nbytes}
        found = {}
        for part in getattr(thing, "__dict__", {}).values():
            found |= arrays(part)
        return found

    for g in rng.standard_normal((3, 60)):
        root.absorb(g)
        assert root.nbytes == pytest.approx(sum(arrays(root).values()), rel=0.05)


@pytest.mark.parametrize("longer", [10.0, 1e2, 1e3])
@pytest.mark.parametrize("where", ["inside", "outside", "both"])
def test_a_vector_far_longer_than_those_before_is_decomposed(longer, where, decompositions):
    """Its eigenvalue is beyond those for which the rule is made; one of 16 is not."""
    basis = np.linalg.qr(np.random.default_rng(10).standard_normal((6, 6)))[0]
    direction = (
        basis.T
        @ {
            "inside": [0, 1, 0, 0, 0, 0],
            "outside": [0, 0, 0, 0, 0, 1],
            "both": [0.6, 0, 0, 0, 0, 0.8],
        }[where]
    )
    for length in (4.0, longer):
        root, gram, decomposed = GrowingRoot(6, capacity=40), np.zeros((6, 6)), []
        for t, g in enumerate([*basis[:5], *basis[:5], length * direction, *basis[:5]]):
            gram += np.outer(g, g)
            decompositions.clear()
            found = root.absorb(g)
            decomposed += [t] * len(decompositions)
            np.testing.assert_allclose(found, definition(gram).power(-1) @ g, rtol=0, atol=1e-9)
        assert (10 in decomposed) == (length == longer)


@pytest.mark.parametrize("rank, weakest, last", [(8, 1.0, 8), (8, 5e-4, 40), (38, 1.0, 40)])
def test_a_low_rank_costs_small_decompositions(rank, weakest, last, decompositions):
    """But not where the eigenvalues differ so much that the small ones would be inaccurate."""
    rng = np.random.default_rng(11)
    basis = np.linalg.qr(rng.standard_normal((40, rank)))[0].T
    basis[-1] *= weakest
    root = GrowingRoot(40, capacity=16)
    for coordinates in [*np.eye(rank), *rng.standard_normal((3 * rank + 60, rank))]:
        root.absorb(coordinates @ basis)
    if weakest == 1:
        # Each direction that comes in takes the place of two vectors.
        assert len(decompositions) <= (5 * rank + 60) / 16 + 2
    assert decompositions[0] == 40 and decompositions[-1] == last


def test_a_vector_whose_square_underflows():
    root, tiny = GrowingRoot(3, capacity=20), np.array([0.0, 1e-170, 0.0])
    np.testing.assert_array_equal(root.absorb(tiny), np.zeros(3))
    np.testing.assert_array_equal(root.absorb(np.array([1.0, 0.0, 0.0])), [1.0, 0.0, 0.0])
    for scale in (1.0, 1e70, 1e150):
        np.testing.assert_array_equal(root.absorb(scale * tiny), np.zeros(3))


def test_in_few_dimensions_each_vector_is_decomposed(decompositions):
    rng = np.random.default_rng(12)
    rows = rng.standard_normal((20, 2)) @ rng.standard_normal((2, 10))
    root = GrowingRoot(10)
    for g in rows:
        root.absorb(g)
    assert decompositions == [10] * 20
    exact = definition(rows.T @ rows)
    np.testing.assert_allclose(root.power(-1) @ g, exact.power(-1) @ g, rtol=0, atol=1e-12)


def test_a_direction_that_comes_in_after_a_small_decomposition_is_absorbed(decompositions):
    """What was cut off is then still far below it."""
    basis = np.linalg.qr(np.random.default_rng(13).standard_normal((40, 9)))[0].T
    sizes = np.append(np.ones(7), [4e-3, 1e-3])
    rows = (np.eye(9)[[*range(8), *range(8), 8]] * sizes) @ basis
    root = GrowingRoot(40, capacity=18)
    for g in rows:
        direction = root.absorb(g)
    assert decompositions == [40, 8]
    exact = definition(rows.T @ rows).power(-1) @ g
    np.testing.assert_allclose(direction, exact, rtol=0, atol=1e-9)
