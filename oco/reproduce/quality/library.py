"""The text that every machine with Python has: modules of its own standard library.

It differs a little between Python's versions: tasks put its length and hash into their titles.
"""

from __future__ import annotations

import hashlib
import sysconfig
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

__all__ = ["MODULES", "describe", "parts", "text"]

# Modules of one file each, in every version of Python since 3.10.
MODULES = (
    "argparse", "calendar", "configparser", "contextlib", "difflib", "functools", "inspect",
    "optparse", "pickle", "random", "shutil", "statistics", "textwrap", "tokenize", "typing",
)  # fmt: skip
# Fractions of each module to learn from and to choose rates by; the rest is the test set.
LEARN, CHOOSE = 0.8, 0.1
Item = TypeVar("Item")


@cache
def text() -> dict[str, str]:
    """Return the source of each module."""
    folder = Path(sysconfig.get_path("stdlib"))
    return {name: (folder / f"{name}.py").read_text(encoding="utf-8") for name in MODULES}


def describe() -> str:
    """Return how long the text is, and its hash."""
    whole = "".join(text().values())
    return (
        f"{len(whole):,} characters of {len(MODULES)} modules of Python's standard library "
        f"(sha256 {hashlib.sha256(whole.encode()).hexdigest()[:8]}…)"
    )


def parts(items: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item], Sequence[Item]]:
    """Return what to learn from, to choose rates by, and to be judged on, in this order.

    Examples
    --------
    >>> parts("abcdefghij")
    ('abcdefgh', 'i', 'j')
    """
    first, second = (round(part * len(items)) for part in (LEARN, LEARN + CHOOSE))
    return items[:first], items[first:second], items[second:]
