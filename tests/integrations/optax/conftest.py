"""What is compiled here runs for a moment: JAX need not make it fast."""

from __future__ import annotations

import os

# Before a test imports JAX.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_cpu_multi_thread_eigen=false"
)
