from __future__ import annotations

import numpy as np
import pytest

from oco.losses.randomness import Purpose, RandomSequence

# Six standard deviations: a seed fixed here passes once and for all.
SIGMAS = 6


@pytest.fixture
def sequence():
    return RandomSequence(3, Purpose.FEATURES)


def test_the_sequence_is_the_one_it_always_was():
    # PCG64 seeded by SeedSequence: NumPy promises that these never change, and so do replays.
    words = RandomSequence(0, Purpose.FEATURES).words(0, 2)
    reference = np.random.PCG64(np.random.SeedSequence(0, spawn_key=(0,))).random_raw(2)
    np.testing.assert_array_equal(words, reference)


@pytest.mark.parametrize(("start", "stop"), [(0, 50), (1, 2), (17, 50), (49, 50), (20, 20)])
def test_reading_from_the_middle(sequence, start, stop):
    np.testing.assert_array_equal(
        sequence.words(start, stop - start), sequence.words(0, 50)[start:stop]
    )
    np.testing.assert_array_equal(
        sequence.uniforms(start, stop), sequence.uniforms(0, 50)[start:stop]
    )
    for width in (1, 63, 64, 65, 200):
        np.testing.assert_array_equal(
            sequence.bits(start, stop, width), sequence.bits(0, 50, width)[start:stop]
        )


def test_seeds_and_purposes_are_independent():
    sequences = [RandomSequence(seed, purpose) for seed in (0, 1, 2**70) for purpose in Purpose]
    bits = np.array([s.bits(0, 1, 4096)[0] for s in sequences]) * 2.0 - 1
    correlation = bits @ bits.T / 4096
    np.testing.assert_allclose(correlation, np.eye(len(bits)), atol=SIGMAS / 64)


def test_bits_are_fair_in_every_column(sequence):
    bits = sequence.bits(0, 4000, 70)
    assert set(np.unique(bits)) == {0, 1}
    np.testing.assert_allclose(bits.mean(axis=0), 0.5, atol=SIGMAS * 0.5 / 4000**0.5)


def test_uniforms_are_uniform(sequence):
    u = np.sort(sequence.uniforms(0, 10_000))
    assert u[0] > 0
    assert u[-1] < 1
    # Kolmogorov–Smirnov: P(√n·sup > 2.3) ≈ 5e-5.
    assert np.max(np.abs(u - np.arange(10_000) / 10_000)) < 2.3 / 100


def test_extreme_words_stay_inside_the_open_interval(sequence, monkeypatch):
    extremes = np.array([0, 2**64 - 1], dtype=np.uint64)
    monkeypatch.setattr(sequence, "words", lambda start, count: extremes)
    low, high = sequence.uniforms(0, 2)
    assert 0 < low < 1e-15
    assert 1 - 1e-15 < high < 1


@pytest.mark.parametrize("d", [1, 2, 1000])
def test_direction_is_a_unit_vector(sequence, d):
    assert np.linalg.norm(sequence.direction(d)) == pytest.approx(1, rel=1e-15)


def test_direction_has_no_preferred_axis():
    directions = np.array([RandomSequence(s, Purpose.COMPARATOR).direction(3) for s in range(2000)])
    np.testing.assert_allclose(directions.mean(axis=0), 0, atol=SIGMAS / (3 * 2000) ** 0.5)
    np.testing.assert_allclose(directions.T @ directions / 2000, np.eye(3) / 3, atol=0.05)


@pytest.mark.parametrize("seed", [-1, 1.5, True, None])
def test_bad_seeds(seed):
    with pytest.raises((TypeError, ValueError), match=r"^seed: expected an integer >= 0"):
        RandomSequence(seed, Purpose.LABELS)
