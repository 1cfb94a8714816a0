"""A verification as a table to read and as a JSON document."""

from __future__ import annotations

import math

import numpy as np
from rich.text import Text

from oco.linalg.engine import ENGINE
from oco.results.layout import Column, Sheet, line, words
from oco.verification.running import Finding, Verification

__all__ = ["document", "table"]

CAPTION = (
    "Margin: how far the inequality is from failing, relative to its scale (the trace of G, a "
    "bound, 1); a little below 0 is rounding, and up to the rounding granted it counts as 0."
)


def table(result: Verification) -> tuple[Sheet, Text, Text, Text, Text]:
    """Return the findings, what their margins are and the verdict, for a console to print."""
    sheet = Sheet(
        "property", Column("pass", left=True), "cases", "tightest margin",
        Column("rounding granted", joined=True), words("what it says"), words("where"),
    )  # fmt: skip
    for finding in _ordered(result):
        seen = finding.tightest
        sheet.add(
            finding.name,
            "VIOLATED" if finding.violated else "yes",
            f"{finding.violated} of {finding.cases}" if finding.violated else str(finding.cases),
            f"{seen.margin:.1e}",
            f"{seen.tolerance:.0e}",
            finding.statement,
            f"{seen.where} of {finding.where}",
            style="bold red" if finding.violated else "",
        )
    return sheet, Text(), Text(CAPTION, style="dim"), Text(), _verdict(result)


def _verdict(result: Verification) -> Text:
    """Return in a sentence what the findings come to."""
    findings = result.findings.values()
    violated = [finding.name for finding in findings if finding.violated]
    count = sum(finding.observations for finding in findings)
    seen = (
        f"{result.cases:,} cases, {count:,} observations, {result.seconds:.1f} s, engine {ENGINE}"
    )
    if violated:
        return line(f"VIOLATED: {', '.join(violated)} ({seen})", "bold red")
    if result.interrupted:
        return line(f"interrupted; until then every property holds ({seen})", "yellow")
    if not findings:
        return line(f"nothing was looked at ({seen})", "yellow")
    return line(f"PASS: all {len(findings)} properties hold ({seen})", "bold green")


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
