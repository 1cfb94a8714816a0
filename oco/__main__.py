"""``python -m oco``."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def _look_here_last() -> None:
    """Undo that ``python -m`` looks for every module in the current directory before all others.

    A file such as ``numpy.py`` there is not what this program means.  Where the program itself lies
    there, uninstalled, the directory stays, as the last.
    """
    if sys.path and os.path.realpath(sys.path[0]) == os.path.realpath(os.curdir):
        here = sys.path.pop(0)
        if Path(__file__).resolve().parents[1] == Path(here).resolve():
            sys.path.append(here)


if __name__ == "__main__":
    _look_here_last()
    from oco.cli import main

    main(prog_name="oco")
