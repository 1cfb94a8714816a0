"""The rank-one eigenvalue update against `numpy.linalg.eigh` of the dense matrix."""

from decimal import Context, Decimal, localcontext

import numpy as np
import pytest

from oco.linalg import rank_one
from oco.linalg.rank_one import lapack_eigh, rank_one_eigh, secular_eigh

EPS = np.finfo(np.float64).eps


def cases():
    rng = np.random.default_rng(0)
    for n in (1, 2, 3, 10, 40):
        yield f"random {n}", rng.uniform(0, 1, n), rng.standard_normal(n)
    yield "equal poles", np.full(6, 2.0), rng.standard_normal(6)
    yield "equal pairs", np.repeat([3.0, 2.0, 0.0], 2), rng.standard_normal(6)
    yield "zero vector", np.array([3.0, 1.0, 2.0]), np.zeros(3)
    yield "zero weights", np.array([4.0, 3.0, 2.0, 1.0]), np.array([0.0, 1.0, 0.0, 1e-200])
    yield "graded", 10.0 ** -np.arange(0.0, 20), 10.0 ** -np.arange(0.0, 10, 0.5)
    yield "tiny", 1e-290 * rng.uniform(0, 1, 5), 1e-145 * rng.standard_normal(5)
    yield "huge", 1e290 * rng.uniform(0, 1, 5), 1e145 * rng.standard_normal(5)
    yield "nearly equal poles", 1 + EPS * np.arange(8)[::-1], rng.standard_normal(8)
    yield "clusters", np.repeat([2.0, 1.0, 0.5], 5) + 1e-13 * np.arange(15)[::-1], np.ones(15)
    yield "small update", np.arange(8.0), 1e-9 * rng.standard_normal(8)
    yield "geometric", 0.5 ** np.arange(60.0), rng.standard_normal(60) * 0.6 ** np.arange(60.0)
    yield "one large weight", np.arange(10.0), np.where(np.arange(10) == 4, 1e6, 1e-3)
    yield "negative weights", np.arange(10.0), -np.arange(10.0)
    yield "zero poles", np.zeros(5), rng.standard_normal(5)
    yield "nothing at all", np.zeros(4), np.zeros(4)
    yield "of norm one", np.array([1.0, 0.5, 0.25]), np.array([0.5, 0.5, 0.5])
    yield "sum above its bound", np.array([1.0, 1.0 - 8000 * EPS]), np.array([0.65, 1e-3])
    yield "negative poles", -np.arange(1.0, 6), rng.standard_normal(5)
    yield "a pole far below", np.array([0.0, -1e300]), np.array([1e-5, 1e-5])
    yield "weights of 1e-130", np.array([1.0, 0.0]), np.array([3.6e-131, 1.3e-130])
    yield "weights of 1e-59", np.array([1.0, 1 - EPS, 0.0]), np.array([1e-59, 1.0, 3e-59])
    yield "nothing and a pole of one", np.array([1.0, 0.0]), np.zeros(2)


@pytest.mark.parametrize("solve", [rank_one_eigh, secular_eigh, lapack_eigh])
@pytest.mark.parametrize("name, poles, z", list(cases()), ids=[name for name, _, _ in cases()])
def test_it_is_the_eigendecomposition(name, poles, z, solve):
    n, poles = len(poles), np.sort(poles)[::-1].copy()
    matrix = np.diag(poles) + np.outer(z, z)
    norm = np.linalg.norm(matrix, 2)
    w, turned = solve(poles, z)
    assert np.all(np.diff(w) <= 0)
    np.testing.assert_allclose(w, np.linalg.eigvalsh(matrix)[::-1], rtol=0, atol=8 * n * EPS * norm)
    np.testing.assert_allclose(turned @ turned.T, np.eye(n), atol=1e-14 * n)
    np.testing.assert_allclose((turned.T * w) @ turned, matrix, rtol=0, atol=16 * n * EPS * norm)


@pytest.mark.parametrize("seed", range(200))
def test_random_updates_of_every_kind(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 30))
    poles = np.sort(10.0 ** rng.uniform(-rng.uniform(0, 20), 0, n))[::-1].copy()
    poles[rng.uniform(size=n) < 0.2] = poles[int(rng.integers(n))]
    poles[rng.uniform(size=n) < 0.1] = 0.0
    poles = np.sort(poles)[::-1].copy()
    z = rng.standard_normal(n) * 10.0 ** rng.uniform(-rng.uniform(0, 20), 1, n)
    test_it_is_the_eigendecomposition("random", poles, z, secular_eigh)


@pytest.mark.parametrize("a", [1e-3, 1e-6, 3e-8, 1e-9, 1e-20])
@pytest.mark.parametrize("gap", [0, 1, 3, 16])
def test_small_weights_turn_tied_poles_as_far_as_they_should(gap, a):
    """By an angle φ with tan 2φ = 2 z₁z₂/(gap + z₁² − z₂²), however little they weigh."""
    poles, z = np.array([1 + gap * EPS, 1.0]), np.array([0.6 * a, 0.8 * a])
    _, turned = secular_eigh(poles, z)
    angle = np.arctan2(2 * z[0] * z[1], (poles[0] - poles[1]) + (z[0] ** 2 - z[1] ** 2)) / 2
    expected = np.array([np.cos(angle), np.sin(angle)])
    np.testing.assert_allclose(np.abs(turned[0]), np.abs(expected), rtol=0, atol=4 * EPS)


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("n", [40, 100])
def test_a_large_weight_that_is_carried_past_many_poles(n, seed):
    """Each merges with the one before; the pole that moves along must not overtake the next."""
    rng = np.random.default_rng(seed)
    poles = 1 - EPS * np.cumsum(rng.integers(16, 60, n))
    poles[:2] = poles[2] + EPS * np.array([rng.integers(20, 30), rng.integers(1, 4)])
    z = np.full(n, 1.1e-8)
    z[2] = rng.uniform(0.05, 0.6)
    test_it_is_the_eigendecomposition("carried", poles, z, secular_eigh)


def test_what_lapack_cannot_decompose_is_an_error():
    with pytest.raises(np.linalg.LinAlgError):
        lapack_eigh(np.array([1.0, np.nan, 2.0]), np.ones(3))


@pytest.fixture
def evaluations(monkeypatch):
    """List where the search for the roots evaluates the secular function: (origin, distance)."""
    places, sums = [], rank_one.secular_sums
    monkeypatch.setattr(
        rank_one, "secular_sums", lambda *given: (places.append(given[2:]), sums(*given))[1]
    )
    return places


# Compiled, the search would not see that what it calls is counted.
roots = getattr(rank_one.secular_roots, "__wrapped__", rank_one.secular_roots)


def random_poles(rng, n, decades):
    d = np.sort(10.0 ** rng.uniform(-decades, 0, n))[::-1].copy()
    return d, (rng.standard_normal(n) * 10.0 ** rng.uniform(-decades, 0, n) / 2) ** 2


# How many a root takes on average: the largest, and the others.
TYPICAL = {0.3: (3.15, 3.75), 1: (3.7, 3.75), 3: (3.5, 3.5), 8: (3.05, 3.35)}


@pytest.mark.parametrize("decades", TYPICAL)
def test_a_root_takes_a_handful_of_evaluations(evaluations, decades):
    """Of a wrong step the bisection behind it makes a slow one: the root would still be found."""
    rng, largest, others = np.random.default_rng(0), [], []
    for _ in range(40):
        d, z2 = random_poles(rng, int(rng.integers(2, 30)), decades)
        evaluations.clear()
        roots(d, z2)
        top, *rest = np.bincount([interval(d, *place) for place in evaluations])
        largest.append(top)
        others += rest
        widths = np.append(2 * z2.sum(), d[:-1] - d[1:])
        assert all(0 < abs(mu) <= widths[interval(d, o, mu)] for o, mu in evaluations)
    assert np.mean(largest) <= TYPICAL[decades][0] and np.mean(others) <= TYPICAL[decades][1]
    assert max(largest + others) <= 10


@pytest.mark.parametrize("z2", np.random.default_rng(0).uniform(0, 1, 50))
def test_the_root_beside_a_single_pole_is_where_the_search_starts(evaluations, z2):
    origin, mu = roots(np.array([0.5]), np.array([z2]))
    assert origin == [0.5] and len(evaluations) <= 3
    np.testing.assert_allclose(mu, z2, rtol=4 * EPS)


def interval(d, origin, distance):
    """Return between which poles a place is: 0 above the largest, then one more for each."""
    return int(np.flatnonzero(d == origin)[0]) + (distance < 0)


@pytest.mark.parametrize(
    "distance, share",
    [
        ("0x1.1be94c730p-6", "0x1.7675a4p-53"),
        ("0x1p-40", "0x1.fffp-1"),
        ("0x1p-6", "0x1.ffffffp-1"),
    ],
)
def test_the_largest_root_is_found_at_the_end_of_its_interval(evaluations, distance, share):
    """It is there, or by rounding beyond, where a single pole has nearly all the weight."""
    share = float.fromhex(share)
    d = np.array([float.fromhex(distance), 0.0]) + 2.0**-44
    origin, mu = roots(d, np.array([1 - share, share]))
    largest, _ = exact_roots(d, [1 - share, share])
    np.testing.assert_allclose(mu[0], float(largest - Decimal(origin[0])), rtol=1e-13)
    assert [interval(d, *place) for place in evaluations].count(0) <= 4


def two_poles():
    """Yield poles and weights: of all sizes, and with the smaller root anywhere between the two."""
    for seed in range(20):
        yield random_poles(np.random.default_rng(seed), 2, 2)
    for weights in ([0.1, 1.2], [0.3, 1.5], [0.01, 1.1], [1e-3, 1.9], [1e-6, 50.0], [50.0, 1e-6]):
        yield np.array([2.0, 0.0]), np.array(weights)


@pytest.mark.parametrize("d, z2", list(two_poles()))
def test_two_poles_are_fitted_exactly(evaluations, d, z2):
    """The rational function of the fit is then the secular function itself."""
    origin, mu = roots(d, z2)
    for i, (exact, accuracy) in enumerate(zip(exact_roots(d, z2), (1e-12, 1e-11), strict=True)):
        np.testing.assert_allclose(mu[i], float(exact - Decimal(origin[i])), rtol=accuracy)
    # One in the middle, and one where the fit says; for the largest root it is of one pole alone.
    largest, smallest = np.bincount([interval(d, *place) for place in evaluations])
    assert smallest == 2 and largest <= 4
    middle = (Decimal(d[0]) + Decimal(d[1])) / 2
    assert origin.tolist() == [d[0], d[1] if exact <= middle else d[0]]


def exact_roots(d, z2):
    """Return the two eigenvalues of diag(d) + z zᵀ in 50 digits."""
    with localcontext(Context(prec=50)):
        (a, b), (p, q) = [Decimal(float(x)) for x in d], [Decimal(float(x)) for x in z2]
        trace, determinant = a + b + p + q, a * b + a * q + b * p
        root = (trace * trace - 4 * determinant).sqrt()
        return (trace + root) / 2, (trace - root) / 2
