"""A verification as a table to read and as a JSON document."""

from __future__ import annotations

import math

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from oco.linalg.engine import ENGINE
from oco.verification.running import Finding, Verification

__all__ = ["document", "table"]

CAPTION = (
    "Margin: how far the inequality is from failing, relative to its scale (the trace of G, a "
    "bound, 1); a little below 0 is rounding, and up to the rounding granted it counts as 0."
)


def table(result: Verification) -> Group:
    """Return the findings for a rich console to print."""
    grid = Table(box=SIMPLE_HEAD, pad_edge=False, expand=True)
    grid.add_column("property", no_wrap=True, style="bold")
    grid.add_column("what it says", ratio=5)
    grid.add_column("cases", justify="right")
    grid.add_column("tightest\nmargin", justify="right", no_wrap=True)
    grid.add_column("rounding\ngranted", justify="right", no_wrap=True)
    grid.add_column("where", ratio=5)
    for finding in _ordered(result):
        seen = finding.tightest
        style = "bold red" if finding.violated else None
        grid.add_row(
            finding.name,
            finding.statement,
            f"{finding.violated} of {finding.cases}\nVIOLATED"
            if finding.violated
            else str(finding.cases),
            f"{seen.margin:.1e}",
            f"{seen.tolerance:.0e}",
            f"{seen.where} of {finding.where}",
            style=style,
        )
    count = sum(finding.observations for finding in result.findings.values())
    title = Text(
        f"{result.cases} cases, {count} observations, {result.seconds:.1f} s, engine {ENGINE}"
    )
    return Group(title, Padding(grid, (1, 0, 0, 0)), Text(CAPTION, style="dim"))


def document(result: Verification) -> dict:
    """Return the findings as strict JSON: numbers that are not finite are null."""
    return {
        "holds": result.holds,
        "interrupted": result.interrupted,
        "cases": result.cases,
        "seconds": result.seconds,
        "engine": ENGINE,
        "properties": [
            {
                "name": finding.name,
                "statement": finding.statement,
                "cases": finding.cases,
                "observations": finding.observations,
                "violated": finding.violated,
                "margin": _number(finding.tightest.margin),
                "tolerance": _number(finding.tightest.tolerance),
                "where": finding.tightest.where,
                "case": finding.where,
            }
            for finding in _ordered(result)
        ],
    }


def _ordered(result: Verification) -> list[Finding]:
    """Return the findings, violations first."""
    return sorted(result.findings.values(), key=lambda finding: not finding.violated)


def _number(value: float) -> float | None:
    return float(np.float64(value)) if math.isfinite(value) else None
