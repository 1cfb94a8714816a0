"""The sketch size that given gradients need, from one sketch of them."""

from __future__ import annotations

from oco.ranks.advice import Advice, Choice, advise
from oco.ranks.cluster import sketch_array, sketch_on_cluster
from oco.ranks.files import GradientFile, sketch_file
from oco.ranks.layers import WATCHING, AxisAdvice, GradientWatch, LayerAdvice
from oco.ranks.recommending import LARGEST, recommend
from oco.ranks.recorded import RecordedGradients, open_gradients, watch_recorded

__all__ = [
    "LARGEST",
    "WATCHING",
    "Advice",
    "AxisAdvice",
    "Choice",
    "GradientFile",
    "GradientWatch",
    "LayerAdvice",
    "RecordedGradients",
    "advise",
    "open_gradients",
    "recommend",
    "sketch_array",
    "sketch_file",
    "sketch_on_cluster",
    "watch_recorded",
]
