"""Shampoo and S-Shampoo for PyTorch; needs ``pip install 'oco-sketch[torch]'``."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("torch") is None:
    raise ImportError("torch: PyTorch is not installed; pip install 'oco-sketch[torch]'")

from oco.integrations.torch.optimizer import SShampoo

__all__ = ["SShampoo"]
