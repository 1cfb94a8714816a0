"""What a sketch and the trace prove of the sums over a spectrum, against spectra that it leaves."""

import numpy as np
import pytest

from oco.sketch import FrequentDirections, escaped_mass_limit
from oco.sketch.brackets import Bracket
from oco.sketch.scatter import ScatterSketch


def admissible(bracket, rng):
    """Return spectra of the trace, each within what is known of every eigenvalue."""
    floors = np.append(bracket.eigenvalues, np.zeros(bracket.count))[: bracket.count]
    missed = bracket.total_mass - floors.sum()
    for _ in range(300):
        share = np.zeros(bracket.count)
        left = missed
        for i in rng.permutation(bracket.count):
            most = min(left, bracket.escaped_mass)
            share[i] = most * (1.0 if rng.uniform() < 0.7 else rng.uniform())
            left -= share[i]
        room = bracket.escaped_mass - share
        share += left * room / room.sum() if left > 0 else 0.0
        yield floors + share


@pytest.mark.parametrize(
    ("values", "tau", "total", "count"),
    [
        ([9.0, 4.0], 1.0, 16.0, 9),
        ([9.0, 4.0, 0.2], 0.5, 15.0, 6),
        ([3.0], 2.0, 8.0, 4),
        ([], 2.0, 7.0, 5),
        ([5.0, 1.0], 1.5, 11.9, 6),
    ],
)
def test_no_spectrum_that_the_sketch_leaves_is_outside_and_the_ends_are_reached(
    values, tau, total, count
):
    bracket = Bracket(np.array(values), tau, total, 0.0, count)
    found = list(admissible(bracket, np.random.default_rng(0)))
    roots = np.array([np.sqrt(spectrum).sum() for spectrum in found])
    low, high = bracket.root_trace()
    assert low <= roots.min() and roots.max() <= high
    assert roots.min() < low + 0.3 * (high - low)
    for size in (1, 2, 4):
        ends = bracket.escaped_mass_limit(size)
        limits = [escaped_mass_limit(spectrum, size) for spectrum in found]
        assert ends[0] <= min(limits) * (1 + 1e-12) and max(limits) <= ends[1] * (1 + 1e-12)
    least, most = bracket.largest()
    tops = [spectrum.max() for spectrum in found]
    assert least <= min(tops) and max(tops) <= most


@pytest.mark.parametrize("scale", [1e-140, 1e-6, 1.0, 1e130])
@pytest.mark.parametrize("rank", [3, 30])
def test_the_exact_sums_of_a_stream_lie_within(rank, scale):
    rng = np.random.default_rng(rank)
    rows = (
        rng.standard_normal((80, rank)) * 0.7 ** np.arange(rank) @ rng.standard_normal((rank, 30))
    )
    spectrum = np.linalg.svd(rows, compute_uv=False) ** 2
    one_by_one, blocks = FrequentDirections(30, 6), ScatterSketch(30, 6, center=False, deflated=1)
    one_by_one.extend(scale * rows)
    blocks.extend(scale * rows)
    for bracket in (one_by_one.bracket(), blocks.spectrum().bracket()):
        for (low, high), exact in (
            (bracket.root_trace(), scale * np.sqrt(spectrum).sum()),
            (bracket.largest(), scale**2 * spectrum[0]),
            (bracket.escaped_mass_limit(6), scale**2 * escaped_mass_limit(spectrum, 6)),
        ):
            assert low <= exact * (1 + 1e-7) + scale**2 * 1e-9 and exact * (1 - 1e-7) <= high
        low, high = bracket.root_trace()
        if rank < 6:
            assert high - low < 0.01 * low
        else:
            assert high - low > 0.1 * low


def test_an_empty_sketch_has_no_mass():
    bracket = FrequentDirections(4, 3).bracket()
    assert bracket.root_trace() == (0.0, 0.0) and bracket.largest() == (0.0, 0.0)


def test_deflating_all_of_a_sketch_bounds_the_lost_mass_from_below():
    rows = np.random.default_rng(0).standard_normal((60, 12)) * 0.8 ** np.arange(12)
    spectrum = np.linalg.svd(rows, compute_uv=False) ** 2
    sketch = ScatterSketch(12, 4, center=False, block=6, deflated=1)
    sketch.extend(rows)
    found = sketch.spectrum()
    assert 4 * found.escaped_mass <= found.total_mass - found.eigenvalues.sum() + found.rounding
    assert found.escaped_mass <= escaped_mass_limit(spectrum, 4)
    assert (found.eigenvalues <= spectrum[:3]).all()
    assert (spectrum[:3] <= found.eigenvalues + found.escaped_mass).all()
