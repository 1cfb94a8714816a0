from __future__ import annotations

import numpy as np
import pytest

from oco.losses import LOSSES, Drift, Orthonormal, Rademacher, Stochastic
from oco.losses.spectra import eigenvalues

# Six standard deviations: a seed fixed here passes once and for all.
SIGMAS = 6
SPECTRA = ["power:1", "exp:0.6", "lowrank:2:0.2", "flat"]


def together(stream) -> tuple[np.ndarray, np.ndarray]:
    chunks = list(stream.chunks())
    return np.concatenate([a for a, _ in chunks]), np.concatenate([y for _, y in chunks])


def eigenbasis(stream) -> np.ndarray:
    return stream.features.rotation.apply(np.eye(stream.d)).T


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("cls", [Stochastic, Rademacher])
def test_the_covariance_has_the_chosen_spectrum(cls, spectrum):
    d, T = 7, 20_000
    stream = cls(d=d, T=T, spectrum=spectrum, seed=3)
    features, labels = together(stream)
    gradients = features * (labels[:, None] if cls is Rademacher else 1.0)
    values, Q = eigenvalues(spectrum, d), eigenbasis(stream)
    covariance = Q.T @ (gradients.T @ gradients / T) @ Q
    # Signs square to 1, so the diagonal is exact; off it are means of T random signs.
    np.testing.assert_allclose(np.diag(covariance), values, atol=1e-13)
    off_diagonal = covariance - np.diag(np.diag(covariance))
    limit = SIGMAS * np.sqrt(np.outer(values, values) / T) + 1e-13
    assert np.all(np.abs(off_diagonal) <= limit)
    np.testing.assert_allclose(gradients.mean(axis=0), 0, atol=SIGMAS / T**0.5)


def test_consecutive_features_are_independent():
    features, _ = together(Stochastic(d=64, T=4000, spectrum="flat"))
    lagged = (features[1:] * features[:-1]).sum(axis=1)
    assert np.mean(lagged) == pytest.approx(0, abs=SIGMAS / (64 * 4000) ** 0.5)


class TestBinaryLabels:
    def test_without_noise_they_are_the_planted_signs(self):
        stream = Stochastic(d=10, T=3000, noise=0.0)
        features, labels = together(stream)
        np.testing.assert_array_equal(labels, np.sign(features @ stream.planted))

    @pytest.mark.parametrize("loss", ["logistic", "hinge", "linear"])
    @pytest.mark.parametrize("noise", [0.1, 0.3, 0.5])
    def test_noise_is_the_share_of_flipped_labels(self, noise, loss):
        T = 20_000
        d = 64  # one word of random bits a row
        stream = Stochastic(d=d, T=T, noise=noise, loss=LOSSES[loss], spectrum="flat")
        features, labels = together(stream)
        assert set(labels) == {-1.0, 1.0}
        flipped = labels != np.sign(features @ stream.planted)
        assert np.mean(flipped) == pytest.approx(noise, abs=SIGMAS * (noise / T) ** 0.5)
        # Flips do not depend on the features.
        correlation = (flipped - noise) @ features @ eigenbasis(stream) / T
        assert np.abs(correlation).max() < SIGMAS * (noise / (d * T)) ** 0.5
        assert stream.label_bound == 1.0

    @pytest.mark.parametrize("noise", [-0.1, 0.51, np.nan, "x"])
    def test_bad_noise(self, noise):
        with pytest.raises((TypeError, ValueError), match=r"^noise: .* from 0 to 0.5"):
            Stochastic(d=2, T=2, noise=noise)


class TestRealLabels:
    @pytest.mark.parametrize("loss", ["squared", "absolute"])
    @pytest.mark.parametrize(("noise", "radius"), [(0.0, 1.0), (0.1, 2.5), (3.0, 0.5)])
    def test_they_are_the_planted_values_plus_bounded_noise(self, loss, noise, radius):
        T = 5000
        stream = Stochastic(d=6, T=T, loss=LOSSES[loss], noise=noise, radius=radius)
        features, labels = together(stream)
        residuals = labels - features @ stream.planted
        assert np.max(np.abs(residuals)) <= noise + 1e-14
        # Uniform on [−noise, noise]: mean 0, variance noise²/3.
        assert np.mean(residuals) == pytest.approx(0, abs=SIGMAS * noise / T**0.5 + 1e-14)
        assert np.var(residuals) == pytest.approx(noise**2 / 3, rel=0.1, abs=1e-28)
        assert np.max(np.abs(labels)) <= stream.label_bound == radius + noise

    def test_bad_noise(self):
        with pytest.raises(ValueError, match=r"^noise: expected a finite number >= 0"):
            Stochastic(d=2, T=2, loss=LOSSES["squared"], noise=-1)


class TestPlanted:
    @pytest.mark.parametrize(
        ("radius", "length"), [(None, 1.0), (np.inf, 1.0), (0.25, 0.25), (7, 7.0)]
    )
    def test_its_length_is_the_radius(self, radius, length):
        planted = Stochastic(d=5, T=1, radius=radius).planted
        assert np.linalg.norm(planted) == pytest.approx(length, rel=1e-14)

    def test_radius_scales_it_and_nothing_else(self):
        one, two = (Stochastic(d=5, T=30, radius=radius) for radius in (1, 2))
        np.testing.assert_allclose(two.planted, 2 * one.planted)
        for first, second in zip(together(one), together(two), strict=True):
            np.testing.assert_array_equal(first, second)

    @pytest.mark.parametrize("radius", [0, -1.0, np.nan])
    def test_bad_radius(self, radius):
        with pytest.raises(ValueError, match=r"^radius: expected a finite number > 0"):
            Stochastic(d=2, T=2, radius=radius)


class TestDrift:
    @pytest.mark.parametrize("d", [1, 2, 5, 8])
    @pytest.mark.parametrize("turns", [0.25, -1.3])
    def test_it_is_the_still_stream_turned(self, d, turns):
        T = 25
        features, _ = together(Drift(d=d, T=T, turns=turns, seed=6))
        still = Stochastic(d=d, T=T, seed=6)
        Q = eigenbasis(still)
        for t, coordinates in enumerate(together(still)[0] @ Q):
            angle = 2 * np.pi * turns * t / T
            turn = np.eye(d)
            for i in range(d // 2):
                j = i + d // 2
                turn[[i, i, j, j], [i, j, i, j]] = [
                    np.cos(angle),
                    -np.sin(angle),
                    np.sin(angle),
                    np.cos(angle),
                ]
            np.testing.assert_allclose(features[t], Q @ turn @ coordinates, atol=1e-13)

    def test_a_quarter_turn_exchanges_the_halves(self):
        d, T = 6, 40_000
        stream = Drift(d=d, T=T, spectrum="exp:0.5")
        values, Q = eigenvalues("exp:0.5", d), eigenbasis(stream)
        coordinates = together(stream)[0] @ Q
        for part, expected in (
            (coordinates[: T // 100], values),
            (coordinates[-T // 100 :], values[[3, 4, 5, 0, 1, 2]]),
        ):
            np.testing.assert_allclose((part**2).mean(axis=0), expected, atol=0.02)

    def test_no_turns_is_the_stochastic_stream(self):
        first, second = Drift(d=5, T=9, turns=0.0), Stochastic(d=5, T=9)
        for one, other in zip(together(first), together(second), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_its_labels_are_planted_too(self):
        stream = Drift(d=5, T=900, noise=0.0)
        features, labels = together(stream)
        np.testing.assert_array_equal(labels, np.sign(features @ stream.planted))

    @pytest.mark.parametrize("turns", [np.inf, "x", None])
    def test_bad_turns(self, turns):
        with pytest.raises((TypeError, ValueError), match=r"^turns: expected a finite number"):
            Drift(d=2, T=2, turns=turns)


def test_rademacher_signs_are_fair_and_independent_of_the_features():
    d, T = 64, 20_000
    stream = Rademacher(d=d, T=T, spectrum="flat")
    features, labels = together(stream)
    assert set(labels) == {-1.0, 1.0}
    assert np.mean(labels) == pytest.approx(0, abs=SIGMAS / T**0.5)
    correlation = labels @ features @ eigenbasis(stream) / T
    assert np.abs(correlation).max() < SIGMAS / (d * T) ** 0.5


class TestOrthonormal:
    @pytest.mark.parametrize(("d", "r"), [(1, 1), (6, 1), (6, 4), (6, 6), (50, None), (3, None)])
    def test_gradients_are_r_orthonormal_vectors(self, d, r):
        stream = Orthonormal(d=d, T=2000, r=r, seed=4)
        features, labels = together(stream)
        vectors, counts = np.unique(features, axis=0, return_counts=True)
        expected = r or min(20, d)
        assert stream.r == len(vectors) == expected
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(expected), atol=1e-13)
        share = 1 / expected
        np.testing.assert_allclose(counts / 2000, share, atol=SIGMAS * (share / 2000) ** 0.5)
        # The gradient of −y⟨a, x⟩ is a itself.
        np.testing.assert_array_equal(LOSSES["linear"].derivative(0.0, labels), 1.0)

    @pytest.mark.parametrize("r", [0, 4, 1.5])
    def test_bad_r(self, r):
        with pytest.raises((TypeError, ValueError), match=r"^r: expected an integer from 1 to 3"):
            Orthonormal(d=3, T=2, r=r)


@pytest.mark.parametrize("cls", [Stochastic, Drift, Rademacher])
def test_bad_spectrum(cls):
    with pytest.raises(ValueError, match=r"^spectrum: unknown name 'powr'"):
        cls(d=3, T=2, spectrum="powr:1")
