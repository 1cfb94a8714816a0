"""The sketch size that given gradients need, from one sketch of them."""

from __future__ import annotations

from oco.ranks.advice import Advice, Choice, advise
from oco.ranks.cluster import sketch_array, sketch_on_cluster
from oco.ranks.files import GradientFile, sketch_file

__all__ = [
    "Advice",
    "Choice",
    "GradientFile",
    "advise",
    "sketch_array",
    "sketch_file",
    "sketch_on_cluster",
]
