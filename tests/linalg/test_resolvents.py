"""Resolvents under rank-one terms, against dense inverses."""

import numpy as np

from oco.linalg.resolvents import Resolvents

SHIFTS = np.geomspace(1e-14, 1e4, 19)


def dense(B):
    return [np.linalg.inv(B + shift * np.eye(len(B))) for shift in SHIFTS]


def assert_close(resolvents, B, rng):
    np.testing.assert_allclose(resolvents.matrix(), B, rtol=1e-13, atol=1e-14)
    v = rng.standard_normal(len(B))
    for found, inverse in zip(resolvents.solve(v), dense(B), strict=True):
        np.testing.assert_allclose(
            found, inverse @ v, rtol=0, atol=1e-9 * np.abs(inverse @ v).max()
        )


def test_terms_in_the_given_coordinates():
    rng = np.random.default_rng(0)
    eigenvalues = np.geomspace(1e-3, 1, 7)
    resolvents, B = Resolvents(SHIFTS, dim=7, capacity=10), np.diag(eigenvalues)
    resolvents.restart(eigenvalues)
    for _ in range(10):
        c = rng.standard_normal(7)
        resolvents.append(c)
        B += np.outer(c, c)
        assert_close(resolvents, B, rng)


def test_terms_that_bring_coordinates_of_their_own():
    rng = np.random.default_rng(1)
    resolvents, B = Resolvents(SHIFTS, dim=6, capacity=16), np.diag([1.0, 0.1])
    resolvents.restart(np.array([1.0, 0.1]))
    for t in range(12):
        size = len(B)
        if t % 3 == 0:
            c = np.append(rng.standard_normal(size), 0.1)
            B = np.pad(B, (0, 1)) + np.outer(c, c)
            inverse = resolvents.append_direction(c)
            assert np.isclose(inverse, np.linalg.inv(B)[-1, -1], rtol=1e-9)
        else:
            c = rng.standard_normal(size)
            B = B + np.outer(c, c)
            resolvents.append(c)
        assert_close(resolvents, B, rng)
        weights = rng.random(len(SHIFTS))
        expected = sum(w * inverse @ c for w, inverse in zip(weights, dense(B), strict=True))
        found = resolvents.solve_newest(weights)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10 * np.abs(expected).max())


def test_a_restart_forgets_all_terms():
    resolvents = Resolvents(SHIFTS, dim=3, capacity=4)
    resolvents.restart(np.ones(1))
    resolvents.append_direction(np.array([1.0, 2.0]))
    resolvents.append_direction(np.array([1.0, 2.0, 3.0]))
    eigenvalues = np.array([1.0, 2.0, 3.0])
    resolvents.restart(eigenvalues)
    assert_close(resolvents, np.diag(eigenvalues), np.random.default_rng(2))


def test_before_a_restart_it_has_no_coordinates():
    resolvents, B = Resolvents(SHIFTS, dim=3, capacity=6), np.zeros((0, 0))
    assert resolvents.matrix().shape == (0, 0)
    rng = np.random.default_rng(3)
    for size in range(3):
        c = rng.standard_normal(size + 1)
        B = np.pad(B, (0, 1)) + np.outer(c, c)
        resolvents.append_direction(c)
        assert (resolvents.size, resolvents.terms) == (size + 1, 2 * size + 2)
        np.testing.assert_allclose(resolvents.matrix(), B, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(
        resolvents.solve(np.ones(3))[-1], np.linalg.solve(B + SHIFTS[-1] * np.eye(3), np.ones(3))
    )
