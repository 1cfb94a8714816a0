"""The command line as a person calls it, and what a refusal must look like."""

from __future__ import annotations

from click.testing import CliRunner, Result

from oco.cli import main


def invoke(*arguments) -> Result:
    """Call ``oco`` with these arguments."""
    return CliRunner().invoke(main, list(map(str, arguments)), prog_name="oco")


def assert_refused(result: Result, *words: str) -> None:
    """Check that a call ended as bad usage does: one line, which holds these words."""
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error: "))
    for word in words:
        assert word in line
