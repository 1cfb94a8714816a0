"""The command line: parse, call, print.  No numerics.

Everything but click is imported by the command that needs it: ``oco --help`` is immediate.
"""

from __future__ import annotations

from oco.cli.main import main

__all__ = ["main"]
