"""``python -m oco``, and the start of the program ``oco``, where Ctrl-C is answered already."""

from __future__ import annotations

import os
import sys

__all__ = ["main"]

INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C while it is being loaded ends it like later."""
    try:
        from oco.cli import main as program

        program(prog_name="oco")
    except KeyboardInterrupt:
        print("INTERRUPTED", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _look_here_last() -> None:
    """Undo that ``python -m`` looks for every module in the current directory before all others.

    A file such as ``numpy.py`` there is not what this program means.  Where the program itself lies
    there, uninstalled, the directory stays, as the last.
    """
    if sys.path and os.path.realpath(sys.path[0]) == os.path.realpath(os.curdir):
        here = sys.path.pop(0)
        home = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
        if os.path.realpath(here) == home:
            sys.path.append(here)


if __name__ == "__main__":
    _look_here_last()
    main()
