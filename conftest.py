"""Keep pytest from importing what needs an extra that is not installed."""

from __future__ import annotations

from importlib.util import find_spec

NEED_TORCH = ["oco/integrations/torch", "oco/reproduce/quality", "tests/support/torch_play.py"]
NEED_RIVER = ["oco/integrations/river.py"]
NEED_JAX = ["oco/integrations/optax", "tests/support/jax_sketch.py", "docs/jax.md"]

# Scripts that are run, and no modules.
collect_ignore_glob = ["docs/gallery/*", "docs/tutorials/*"]
collect_ignore = [] if find_spec("torch") else NEED_TORCH
if find_spec("jax") is None or find_spec("optax") is None:
    collect_ignore += NEED_JAX
if find_spec("river") is None:
    collect_ignore += NEED_RIVER
