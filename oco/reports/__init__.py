"""A directory of runs as one page to read, print and pass on."""

from __future__ import annotations

from oco.reports.page import report

__all__ = ["report"]
