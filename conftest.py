"""Keep pytest from importing what needs an extra that is not installed."""

from __future__ import annotations

from importlib.util import find_spec

NEED_TORCH = ["oco/integrations/torch", "oco/reproduce/quality", "tests/support/torch_play.py"]

collect_ignore = [] if find_spec("torch") else NEED_TORCH
