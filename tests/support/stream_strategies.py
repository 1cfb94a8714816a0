"""Hypothesis strategies for cases: the library's families of streams, and raw rows of numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from oco.verification import FAMILIES, Case, make

# Numbers at which arithmetic changes its manners: signs, ties, rounding, and the ends of the range
# in which squares and their sums stay finite.
SPECIAL = [0.0, 1.0, 2.0, 3.0, 0.1, 1 + 2**-52, 1e-8, 1e8, 1e-150, 1e150, 1e-160, 1e-310, 5e-324]
NUMBERS = st.one_of(
    st.sampled_from([sign * x for x in SPECIAL for sign in (1.0, -1.0)]),
    st.integers(-4, 4).map(float),
    st.floats(-1e150, 1e150, allow_nan=False),
)
DECAYS = st.one_of(st.just(1.0), st.floats(1e-3, 1.0), st.sampled_from([1e-300, 0.5, 1 - 2**-53]))


@st.composite
def family_cases(draw, d_max: int = 24, families=tuple(FAMILIES), decays=DECAYS) -> Case:
    """A case of one of the library's families."""
    d = draw(st.integers(1, d_max))
    k = draw(st.integers(2, d + 1))
    T = draw(st.integers(1, 3 * d))
    return make(
        draw(st.sampled_from(families)), T, d, k, draw(decays), draw(st.integers(0, 2**32 - 1))
    )


@st.composite
def raw_cases(draw, decays=DECAYS) -> Case:
    """A few rows of numbers chosen one by one, many of them repeated."""
    d = draw(st.integers(1, 5))
    T = draw(st.integers(1, 8))
    rows = draw(nps.arrays(np.float64, (T, d), elements=NUMBERS, fill=st.just(0.0)))
    return Case(rows, draw(st.integers(2, d + 1)), draw(decays), draw(st.integers(0, 3)), "raw")


cases = st.one_of(family_cases(), raw_cases())
