"""Shampoo and S-Shampoo for PyTorch; needs the extra ``torch``."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("torch") is None:
    from oco.extras import missing

    raise ImportError(f"torch: {missing('PyTorch')}")

from oco.integrations.torch.optimizer import SShampoo

__all__ = ["SShampoo"]
