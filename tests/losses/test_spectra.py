from __future__ import annotations

import numpy as np
import pytest

from oco.losses.spectra import eigenvalues
from oco.notations import DEFAULT_SPECTRUM, SPECTRA, Spectrum

TEXTS = ["power:1", "power:0", "power:2.5", "exp:0.9", "exp:1", "exp:1e-3", "lowrank:1", "flat"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("d", [1, 2, 5, 1000])
def test_sums_to_one_and_descends(text, d):
    values = eigenvalues(text, d)
    assert values.shape == (d,)
    assert values.sum() == pytest.approx(1, rel=1e-14)
    assert np.all(np.diff(values) <= 0)
    assert np.all(values >= 0)


def test_power_ratios():
    values = eigenvalues("power:1.5", 8)
    np.testing.assert_allclose(values / values[0], [i**-1.5 for i in range(1, 9)], rtol=1e-14)


def test_exponential_ratios():
    values = eigenvalues("exp:0.25", 6)
    np.testing.assert_allclose(values[1:] / values[:-1], 0.25, rtol=1e-14)


def test_low_rank_masses():
    values = eigenvalues("lowrank:3:0.1", 10)
    np.testing.assert_allclose(values[:3], 0.9 / 3, rtol=1e-14)
    np.testing.assert_allclose(values[3:], 0.1 / 7, rtol=1e-14)
    np.testing.assert_allclose(eigenvalues("lowrank:2", 4), [0.5, 0.5, 0, 0])
    np.testing.assert_allclose(eigenvalues("lowrank:4", 4), [0.25] * 4)


def test_flat_is_the_end_of_every_family():
    for text in ("power:0", "exp:1", "lowrank:5", "lowrank:2:0.6"):
        np.testing.assert_allclose(eigenvalues(text, 5), eigenvalues("flat", 5), rtol=1e-15)


@pytest.mark.parametrize("text", ["exp:1e-300", "exp:5e-324", "power:1e308"])
def test_extremes_put_all_mass_on_one_direction(text):
    values = eigenvalues(text, 1000)
    np.testing.assert_allclose(values, np.eye(1000)[0], atol=1e-290)


def test_long_exponential_underflows_quietly():
    values = eigenvalues("exp:0.5", 5000)
    assert values[0] == 0.5
    assert values[-1] == 0.0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("pover:1", "did you mean 'power'"),
        ("", "unknown name ''"),
        ("power", "expected 'power:α', got 'power'"),
        ("power:1:2", "expected 'power:α'"),
        ("flat:1", "expected 'flat'"),
        ("power:", "the exponent: expected a number, got ''"),
        ("power:x", "the exponent: expected a number, got 'x'"),
        ("power:-1", "the exponent: expected a finite number >= 0"),
        ("power:nan", "the exponent: expected a finite number"),
        ("power:inf", "the exponent: expected a finite number"),
        ("exp:0", "the ratio: expected a finite number > 0"),
        ("exp:1.1", "the ratio: expected"),
        ("lowrank:0", "the rank: expected an integer >= 1, got 0"),
        ("lowrank:5", "the rank: expected an integer from 1 to 4, got 5"),
        ("lowrank:1.5", "the rank: expected an integer, got '1.5'"),
        ("lowrank:2:-0.1", "the noise: expected"),
        ("lowrank:2:0.6", "the noise: expected"),
        ("lowrank:2:0.1:0", "expected 'lowrank:r"),
    ],
)
def test_bad_texts(text, problem):
    with pytest.raises(ValueError, match=r"^spectrum: ") as caught:
        eigenvalues(text, 4)
    assert problem in str(caught.value)


@pytest.mark.parametrize("value", [None, 1.0, ["power:1"]])
def test_not_a_text(value):
    with pytest.raises(TypeError, match=r"^spectrum: expected a text"):
        eigenvalues(value, 4)


def test_the_default_is_one_of_them():
    assert DEFAULT_SPECTRUM.kind in SPECTRA
    assert Spectrum.read("spectrum", str(DEFAULT_SPECTRUM)) == DEFAULT_SPECTRUM
