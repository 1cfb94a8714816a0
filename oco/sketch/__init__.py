"""Frequent Directions: matrix sketching with an escaped mass, and nothing about learning."""

from oco.sketch.frequent_directions import FrequentDirections
from oco.sketch.guarantees import Guarantee, escaped_mass_limit, escaped_mass_limit_range

__all__ = [
    "FrequentDirections",
    "Guarantee",
    "escaped_mass_limit",
    "escaped_mass_limit_range",
]
