"""How many threads are worth starting."""

from __future__ import annotations

import os

__all__ = ["CORES"]

# More than a few threads gain nothing here: what they work on is made, or read, by one.
MOST = 4


def _usable() -> int:
    """Return how many cores this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


CORES = min(_usable(), MOST)
