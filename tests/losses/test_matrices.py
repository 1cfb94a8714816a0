"""Matrix streams: the ranks, norms, spectra and labels that they claim."""

from __future__ import annotations

import numpy as np
import pytest

from oco.losses import MatrixAdversary, MatrixLowRank, MatrixRotating, Multiclass
from oco.losses.matrices import DEFAULT_RANK, LowRankFeatures
from oco.losses.spectra import eigenvalues

# Six standard deviations: a seed fixed here passes once and for all.
SIGMAS = 6
SHAPE = (9, 6)
each_linear = pytest.mark.parametrize("cls", [MatrixLowRank, MatrixRotating, MatrixAdversary])


def together(stream):
    chunks = list(stream.chunks())
    return np.concatenate([a for a, _ in chunks]), np.concatenate([y for _, y in chunks])


@each_linear
@pytest.mark.parametrize("r", [1, 3, 6, None])
def test_gradients_have_the_rank_and_the_norm_that_the_stream_claims(cls, r):
    stream = cls(shape=SHAPE, T=200, r=r)
    features, labels = together(stream)
    singular = np.linalg.svd(features.reshape(-1, *SHAPE), compute_uv=False)
    np.testing.assert_allclose((singular**2).sum(axis=1), 1.0, rtol=1e-12)
    rank = DEFAULT_RANK if r is None else r
    assert stream.gradient_rank == rank and stream.shape == SHAPE and stream.d == 54
    assert np.all(singular[:, rank:] < 1e-13) and np.all(singular[:, rank - 1] > 1e-7)
    assert np.all(np.isnan(labels) if stream.adaptive else labels == -1.0)


@pytest.mark.parametrize("spectrum", ["power:1", "exp:0.6", "lowrank:2:0.2", "flat"])
def test_the_covariance_is_a_kronecker_product_before_scaling(spectrum):
    T, r = 40_000, 2
    features = LowRankFeatures((4, 3), seed=1, spectrum=spectrum, r=r)
    sides = [side.rows(r, 0, T).reshape(T * r, -1) for side in features.sides]
    for factors, size in zip(sides, (4, 3), strict=True):
        found = np.linalg.eigvalsh(factors.T @ factors / len(factors))[::-1]
        np.testing.assert_allclose(
            found, eigenvalues(spectrum, size), atol=SIGMAS * (2 * size / (T * r)) ** 0.5
        )
    # The two sides are independent, though the seed is one.
    correlation = sides[0].T @ sides[1] / (T * r)
    assert np.abs(correlation).max() < SIGMAS / (T * r) ** 0.5


def test_the_two_sides_of_a_square_matrix_have_rotations_of_their_own():
    features = LowRankFeatures((5, 5), seed=0, spectrum="flat", r=1)
    left, right = (side.rotation.apply(np.eye(5)) for side in features.sides)
    assert np.abs(left - right).max() > 0.1


def leading(features, shape, q):
    """Return the projections on the top q eigenvectors of Σ A Aᵀ and Σ Aᵀ A."""
    A = features.reshape(-1, *shape)
    for covariance in (np.einsum("tij,tkj->ik", A, A), np.einsum("tji,tjk->ik", A, A)):
        vectors = np.linalg.eigh(covariance)[1][:, -q:]
        yield vectors @ vectors.T


@pytest.mark.parametrize(("turns", "overlap"), [(0.0, 1.0), (0.25, 0.0), (0.5, 1.0)])
def test_a_quarter_turn_exchanges_the_halves_of_both_sides(turns, overlap):
    stream = MatrixRotating(shape=(8, 6), T=6000, r=2, turns=turns, spectrum="lowrank:3:0.02")
    features, _ = together(stream)
    for start, end in zip(
        leading(features[:300], (8, 6), 3), leading(features[-300:], (8, 6), 3), strict=True
    ):
        assert np.trace(start @ end) / 3 == pytest.approx(overlap, abs=0.05)


def test_without_turns_the_rotating_stream_is_the_plain_one():
    plain, still = (
        together(MatrixLowRank(shape=SHAPE, T=50))[0],
        together(MatrixRotating(shape=SHAPE, T=50, turns=0.0))[0],
    )
    np.testing.assert_allclose(plain, still, atol=1e-15)


class TestMulticlass:
    def test_without_noise_labels_are_the_planted_classes(self):
        stream = Multiclass(shape=(5, 12), T=2000, noise=0.0)
        features, labels = together(stream)
        np.testing.assert_array_equal(labels, (features @ stream.planted.T).argmax(axis=1))
        assert np.linalg.norm(stream.planted) == pytest.approx(1.0)
        assert (stream.d, stream.width, stream.outputs, stream.gradient_rank) == (60, 12, 5, 1)

    @pytest.mark.parametrize("noise", [0.3, 1.0])
    def test_noise_draws_a_class_uniformly(self, noise):
        c, T = 5, 20_000
        stream = Multiclass(shape=(c, 12), T=T, noise=noise, spectrum="flat")
        features, labels = together(stream)
        other = labels != (features @ stream.planted.T).argmax(axis=1)
        expected = noise * (1 - 1 / c)
        assert other.mean() == pytest.approx(expected, abs=SIGMAS * (expected / T) ** 0.5)
        if noise == 1.0:
            shares = np.bincount(labels.astype(int), minlength=c) / T
            np.testing.assert_allclose(shares, 1 / c, atol=SIGMAS / T**0.5)

    def test_one_class_is_refused(self):
        with pytest.raises(ValueError, match=r"^shape: expected at least 2 classes"):
            Multiclass(shape=(1, 5), T=3)

    def test_noise_beyond_one_is_refused(self):
        with pytest.raises(ValueError, match=r"^noise: expected a finite number from 0 to 1"):
            Multiclass(shape=(2, 5), T=3, noise=1.1)


@each_linear
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"r": 7}, "r: expected an integer from 1 to 6, got 7"),
        ({"shape": (9,)}, "shape: expected two sizes such as 256x128, got (9,)"),
        ({"shape": "9by6"}, "shape: expected two sizes such as 256x128, got '9by6'"),
        ({"shape": 9}, "shape: expected two sizes such as 256x128, got 9"),
        ({"shape": (9, 0)}, "shape: expected an integer >= 1, got 0"),
        ({"spectrum": "flt"}, "spectrum: unknown name 'flt'"),
    ],
)
def test_bad_arguments(cls, options, message):
    with pytest.raises(ValueError) as caught:
        cls(**{"shape": SHAPE, "T": 5, **options})
    assert str(caught.value).startswith(message)
