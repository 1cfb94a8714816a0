"""Hypothesis profiles: a reproducible one for every day, ``OCO_HYPOTHESIS=deep`` for more.

Importing this module loads the profile that the environment names.
"""

from __future__ import annotations

import os

import hypothesis

# Examples are made by compiled code on a machine that may be busy: no deadline.
LOADED = True
COMMON = {"deadline": None, "suppress_health_check": list(hypothesis.HealthCheck)}
hypothesis.settings.register_profile(
    "default", max_examples=200, derandomize=True, database=None, **COMMON
)
hypothesis.settings.register_profile("deep", max_examples=5000, print_blob=True, **COMMON)
hypothesis.settings.load_profile(os.environ.get("OCO_HYPOTHESIS") or "default")
