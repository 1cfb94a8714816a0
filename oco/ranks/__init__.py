"""The sketch size that given gradients need, from one sketch of them."""

from __future__ import annotations

from oco.ranks.advice import Advice, Choice, advise
from oco.ranks.cluster import sketch_array, sketch_on_cluster
from oco.ranks.files import GradientFile, sketch_file
from oco.ranks.layers import AxisAdvice, GradientWatch, LayerAdvice
from oco.ranks.recommending import LARGEST, recommend

__all__ = [
    "LARGEST",
    "Advice",
    "AxisAdvice",
    "Choice",
    "GradientFile",
    "GradientWatch",
    "LayerAdvice",
    "advise",
    "recommend",
    "sketch_array",
    "sketch_file",
    "sketch_on_cluster",
]
