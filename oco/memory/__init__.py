"""What an optimizer keeps for parameters of given shapes, counted before anything is trained."""

from __future__ import annotations

from oco.memory.ledger import Entry, Ledger, StateSize, ledger
from oco.memory.safetensors import Declared, read_declared, read_shapes, read_tensors
from oco.memory.shapes import Parameter, parse_shape, shapes_of

__all__ = [
    "Declared",
    "Entry",
    "Ledger",
    "Parameter",
    "StateSize",
    "ledger",
    "parse_shape",
    "read_declared",
    "read_shapes",
    "read_tensors",
    "shapes_of",
]
