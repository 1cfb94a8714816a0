"""Numbers, times and sizes as people read them."""

import pytest

from oco.results import formats


@pytest.mark.parametrize(
    ("value", "text"), [(2.5, "2.5 s"), (0.0025, "2.5 ms"), (2.5e-6, "2.5 µs"), (1e-8, "0.01 µs")]
)
def test_times_have_units(value, text):
    assert formats.duration(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(48, "48 B"), (8000, "8 kB"), (8e6, "8 MB"), (7.2e11, "720 GB")]
)
def test_sizes_have_units(value, text):
    assert formats.size(value) == text
