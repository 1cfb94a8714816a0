"""Shampoo and S-Shampoo for PyTorch, and the sketch sizes that a model needs; needs ``torch``."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("torch") is None:
    from oco.extras import missing

    raise ImportError(f"torch: {missing('PyTorch')}")

from oco.integrations.torch.optimizer import SShampoo
from oco.integrations.torch.watching import ModelAdvice, Watch, watch

__all__ = ["ModelAdvice", "SShampoo", "Watch", "watch"]
