"""The preconditioners as training steps, in NumPy: the reference for other array libraries."""

from __future__ import annotations

from oco.optimizers.methods import OPTIMIZERS, adam, s_shampoo, sgd, shampoo
from oco.optimizers.stepping import Optimizer

__all__ = ["OPTIMIZERS", "Optimizer", "adam", "s_shampoo", "sgd", "shampoo"]
