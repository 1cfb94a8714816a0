"""Keep pytest from importing what is not for it, or needs an extra that is not installed."""

from __future__ import annotations

from importlib.util import find_spec

NEED_TORCH = [
    "oco/integrations/torch",
    "oco/plots/quality.py",
    "oco/reproduce/quality",
    "tests/support/sharded_training.py",
    "tests/support/torch_play.py",
]
NEED_RIVER = ["oco/integrations/river.py"]
NEED_JAX = ["oco/integrations/optax", "tests/support/jax_sketch.py", "docs/jax.md"]

# The site's scripts are run when it is made.
collect_ignore = ["docs/conf.py", "docs/figures_of_ours.py"]
collect_ignore_glob = ["docs/gallery/*", "docs/tutorials/*", "docs/auto_*"]
if find_spec("torch") is None:
    collect_ignore += NEED_TORCH
if find_spec("jax") is None or find_spec("optax") is None:
    collect_ignore += NEED_JAX
if find_spec("river") is None:
    collect_ignore += NEED_RIVER
