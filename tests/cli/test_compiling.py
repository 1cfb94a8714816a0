"""What a terminal shows while kernels are compiled."""

from __future__ import annotations

import io
import sys

import click
import pytest
from rich.console import Console
from rich.progress import Progress

from oco.cli.compiling import announced
from oco.linalg.compilation import tell


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def look(monkeypatch):
    """Replaces standard error; in the test itself, as pytest replaces it before that too."""

    def replace(stderr):
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys, "stderr", stderr)
        return stderr

    return replace


def test_compilation_is_announced_while_it_lasts(look):
    shown = look(Terminal())
    with announced():
        assert shown.getvalue() == ""
        tell(True)
        assert shown.getvalue() != ""
        tell(False)
        done = shown.getvalue()
        assert "compiling kernels, once for this version: ~" in done
        # The line is taken back, and the cursor shown again.
        assert done.endswith("\x1b[?25h\r\x1b[1A\x1b[2K") and "not kept" not in done
    tell(True)
    assert shown.getvalue() == done


def test_it_is_said_when_they_cannot_be_kept(look):
    shown = look(Terminal())
    with announced():
        tell(True)
        tell(False, "No space left on device")
    assert "not kept (No space left on device)" in shown.getvalue()


def test_an_interrupt_ends_it(look):
    shown = look(Terminal())
    with pytest.raises(KeyboardInterrupt), announced():
        tell(True)
        raise KeyboardInterrupt
    assert shown.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K")


def test_it_stands_above_what_is_live_already(look):
    shown = look(Terminal())
    with announced(), Progress(console=Console(stderr=True)) as progress:
        progress.add_task("rows", total=3)
        tell(True)
        tell(False)
    assert shown.getvalue().count("compiling kernels") == 1


@pytest.mark.parametrize("quiet", [True, False])
def test_nothing_is_shown_to_who_wants_quiet_or_has_no_terminal(quiet, look):
    shown = look(Terminal() if quiet else io.StringIO())
    with click.Context(click.Command("run")) as context, announced():
        context.params["quiet"] = quiet
        tell(True)
        tell(False, "No space left on device")
    assert shown.getvalue() == ""
