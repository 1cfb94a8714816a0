"""What the advisor proves from a sketch is true of the full spectrum."""

import numpy as np
import pytest

from oco.ranks import advise
from oco.sketch import FrequentDirections, escaped_mass_limit

D = 24
SPECTRA = {
    "fast": 0.5 ** np.arange(D),
    "slow": np.arange(1.0, D + 1) ** -0.5,
    "flat": np.ones(D),
    "low rank": (np.arange(D) < 5).astype(float),
}


def sketched(scales, size, seed=0):
    rows = np.random.default_rng(seed).standard_normal((200, D)) * scales
    sketch = FrequentDirections(D, size)
    for start in range(0, 200, 16):
        sketch.update(rows[start : start + 16])
    return sketch, np.linalg.svd(rows, compute_uv=False) ** 2


@pytest.mark.parametrize("size", [4, 12, 25])
@pytest.mark.parametrize("scales", SPECTRA.values(), ids=SPECTRA)
def test_every_bracket_holds_the_truth(scales, size):
    sketch, spectrum = sketched(scales, size)
    advice = advise(sketch)
    total, root = spectrum.sum(), np.sqrt(spectrum).sum()
    # The square root of an eigenvalue at rounding level, 1e-16 of the largest, is 1e-8 of its own.
    slack = 1e-6
    assert advice.root_trace_lo <= root * (1 + slack) and root <= advice.root_trace_hi * (1 + slack)
    assert [choice.k for choice in advice.choices] == list(range(2, size + 1))
    for choice in advice.choices:
        omega = escaped_mass_limit(spectrum, choice.k)
        ratio = (np.sqrt(2) * root + D * np.sqrt(omega / 2)) / (np.sqrt(2) * root)
        captured = spectrum[: choice.k - 1].sum() / total
        # The square root turns rounding of 1e-15 in Ω into 1e-8.
        for low, truth, high, room in (
            (choice.omega_lo, omega, choice.omega_hi, 1e-9 * total),
            (choice.ratio_lo, ratio, choice.ratio_hi, 1e-5),
            (choice.captured_lo, captured, choice.captured_hi, 1e-9),
        ):
            assert low <= truth + room and truth <= high + room


def test_the_recommendation_is_the_smallest_that_meets_the_target():
    sketch, spectrum = sketched(SPECTRA["fast"], 25)
    best = advise(sketch, target=1.2).recommended
    root = np.sqrt(spectrum).sum()
    limits = {k: escaped_mass_limit(spectrum, k) for k in range(2, 26)}
    enough = [k for k, omega in limits.items() if 1 + D * np.sqrt(omega) / (2 * root) <= 1.2]
    assert best.k == min(enough)


def test_low_rank_needs_one_more_than_its_rank():
    sketch, _ = sketched(SPECTRA["low rank"], 12)
    advice = advise(sketch)
    assert advice.recommended.k == 6 and 1 < advice.recommended.ratio_hi < 1 + 1e-9


def test_hopeless_is_proven_and_undecided_is_not():
    flat, _ = sketched(SPECTRA["flat"], 4)
    assert advise(flat).hopeless and advise(flat).recommended is None
    coarse, _ = sketched(SPECTRA["slow"], 12)
    between = [c for c in advise(coarse).choices if c.ratio_lo < c.ratio_hi - 0.05][-1]
    undecided = advise(coarse, target=(between.ratio_lo + between.ratio_hi) / 2)
    assert undecided.recommended is None and not undecided.hopeless


def test_memory_is_what_a_sketch_of_that_size_holds():
    sketch, _ = sketched(SPECTRA["fast"], 12)
    advice = advise(sketch, sizes=[3, 7])
    assert [c.state_bytes for c in advice.choices] == [
        FrequentDirections(D, k).state_bytes for k in (3, 7)
    ]
    assert (advice.full_bytes, advice.adam_bytes) == (8 * D * D, 16 * D)


def test_what_is_wrong_is_refused():
    sketch, _ = sketched(SPECTRA["fast"], 4)
    with pytest.raises(ValueError, match="target: expected a finite number > 1"):
        advise(sketch, target=1.0)
    with pytest.raises(ValueError, match="k: expected an integer from 2 to 4, got 5"):
        advise(sketch, sizes=[5])
    with pytest.raises(ValueError, match="every row is 0"):
        advise(FrequentDirections(3, 2))
    with pytest.raises(ValueError, match="without decay"):
        advise(FrequentDirections(3, 2, decay=0.9))
