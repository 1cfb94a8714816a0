"""Keep pytest from importing what needs an extra that is not installed."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["oco/integrations/torch", "oco/reproduce/quality"]
