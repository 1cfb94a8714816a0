"""Whatever a text says, the parsers of values and studies understand it or raise the one error."""

from __future__ import annotations

from dataclasses import fields

import hypothesis_profiles  # registers the profiles
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oco.algorithms import ALGORITHMS
from oco.domains import DOMAINS
from oco.losses import LOSSES, STREAMS
from oco.losses.spectra import eigenvalues
from oco.notations import MOST_NUMBERS, SPECTRA, Grid, Shape, Spectrum
from oco.results import Experiment
from oco.sweeps.study import parse_study

assert hypothesis_profiles.LOADED
# Numbers at the ends of what Python, C and floating point can hold, and what only looks like one.
ODD = ["", "1", "0", "-1", "-0.0", "nan", "inf", "1e400", "1e308", "5e-324", "1_0", "٣", "0x10"]
ODD += ["9223372036854775808", "9" * 400, "9" * 5000]
FIELDS = st.one_of(st.sampled_from(ODD), st.floats().map(str), st.integers().map(str))


def texts(separator: str, *words: str):
    """Texts of a few fields, or of any characters."""
    field = st.one_of(FIELDS, st.sampled_from(words)) if words else FIELDS
    return st.one_of(st.text(max_size=20), st.lists(field, max_size=4).map(separator.join))


@given(text=texts(":", *SPECTRA), d=st.integers(1, 20))
@example(text="power:1e5", d=3)
@example(text="power:1e400", d=3)
@example(text="exp:5e-324", d=3)
@example(text="lowrank:" + "9" * 5000, d=3)
@example(text="lowrank:1:5e-324", d=3)
def test_spectra(text, d):
    try:
        spectrum = Spectrum.read("spectrum", text)
        assert Spectrum.read("spectrum", str(spectrum)) == spectrum
        values = eigenvalues(spectrum, d)
    except (ValueError, TypeError) as error:
        assert str(error).startswith("spectrum")
        return
    assert values.shape == (d,) and np.all(values >= 0) and np.all(np.diff(values) <= 0)
    assert values.sum() == pytest.approx(1.0)


@given(text=texts(":"))
@example(text="1e-6:1:49")
@example(text="5e-324:1.7976931348623157e308:7")
@example(text="1:1:3")
@example(text="2:1:3")
@example(text="1:2:" + "9" * 19)
@example(text="1:2:" + "9" * 5000)
def test_grids(text):
    try:
        grid = Grid.read("grid", text)
    except (ValueError, TypeError) as error:
        assert str(error).startswith("grid: ")
        return
    assert Grid.read("grid", str(grid)) == grid
    values = grid.values
    low, high, count = text.split(":")
    assert len(values) == int(count) <= MOST_NUMBERS
    assert values[0] > 0 and np.isfinite(values[-1]) and np.all(np.diff(values) >= 0)
    np.testing.assert_allclose(values[0], float(low), rtol=1e-11)
    if len(values) > 1:
        np.testing.assert_allclose(values[-1], float(high), rtol=1e-11)


@given(text=texts("x"))
@example(text="256x128")
@example(text="3xx4")
@example(text="x3x4")
@example(text="3x-1x4")
@example(text="٣x4")
def test_shapes(text):
    try:
        m, n = shape = Shape.read("shape", text)
    except (ValueError, TypeError) as error:
        assert str(error).startswith("shape: ")
        return
    assert Shape.read("shape", str(shape)) == shape == Shape.read("shape", list(shape))
    assert [int(part) for part in text.split("x")] == [m, n] and min(m, n) >= 1


NAMES = [field.name for field in fields(Experiment)]
WORDS = [*ALGORITHMS, *LOSSES, *STREAMS, *DOMAINS, "power:1", "lowrank:2:0.1", "3x4", "x.toml"]
LITERALS = ["true", "1979-05-27", "07:32:00", "[]", "{}", "nan", "-inf", "1e400", "-0.0", "0.5"]
LITERALS += [str(number) for number in (10**400, 2**63, 10**19, -1, 0, 10**7)]
SCALARS = st.one_of(
    st.integers(-2, 20).map(str),
    st.sampled_from(LITERALS),
    st.sampled_from([f'"{word}"' for word in WORDS]),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
RANGES = st.dictionaries(st.sampled_from(["from", "to", "count", "x"]), SCALARS, max_size=3)
VALUES = st.recursive(
    st.one_of(
        SCALARS,
        RANGES.map(lambda r: "{" + ", ".join(f"{k} = {v}" for k, v in r.items()) + "}"),
    ),
    lambda inner: st.lists(inner, max_size=4).map(lambda items: "[" + ", ".join(items) + "]"),
    max_leaves=6,
)
TABLES = st.dictionaries(st.sampled_from([*NAMES, "x"]), VALUES, max_size=5).map(
    lambda table: "".join(f"{name} = {value}\n" for name, value in table.items() if name != "d")
)
RUNNABLE = "[experiment]\nd = 5\n"


@st.composite
def studies(draw):
    """Tables of an experiment's options, with values of every kind; the dimension stays small."""
    text = draw(st.sampled_from(["", RUNNABLE, RUNNABLE + "T = 20\nalgorithm = 'ogd'\n"]))
    if text.count("=") < 2:
        text += draw(TABLES)
    for _ in range(draw(st.integers(0, 2))):
        text += "[[grid]]\n" + draw(TABLES)
    return text


# A study makes the things that it names: half as many are as slow as all others.
@settings(max_examples=settings.default.max_examples // 2)
@given(text=st.one_of(studies(), st.text(max_size=40)))
@example(text="[experiment]\nd = 5\nT = 9\nalgorithm = 'ogd'\nlr = 1" + "0" * 400)
@example(text="[experiment]\nd = 5\nT = 9\nalgorithm = 'ogd'\nT = 1" + "0" * 5000)
@example(text="title = " + "[" * 100_000)
@example(text=RUNNABLE + "T = 9\n[grid]\nalgorithm = ['ogd']\nseed = { count = 10000000000 }")
@example(
    text=RUNNABLE + "T = 9\nalgorithm = 'ogd'\n[grid]\nseed = { count = 99999 }\ngap = [0.1, 0.2]\n"
)
@example(text=RUNNABLE + "T = 9\nalgorithm = 'ogd'\ncheckpoints = 9223372036854775808")
@example(text=RUNNABLE + "T = 9\nalgorithm = 'ogd'\nradius = 1e308")
@example(text="[experiment]\nT = 9\nalgorithm = 'ogd'\nd = 9223372036854775808")
def test_studies(text):
    try:
        study = parse_study(text)
    except (ValueError, TypeError, FileNotFoundError) as error:
        assert str(error)
        return
    plain = [repr(experiment.plain()) for experiment in study.experiments]
    assert 1 <= len(plain) == len(set(plain)) <= MOST_NUMBERS
