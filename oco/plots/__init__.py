"""Figures: one a file, each a function of results that returns a matplotlib Figure."""

from __future__ import annotations

from oco.plots.regret import regret

__all__ = ["regret"]
