"""The map of the house names every room, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
MAP = (TOP / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_every_path_on_it_exists():
    named = re.findall(r"`((?:oco|tests|benchmarks)/[\w/.]+)`", MAP)
    assert len(named) > 40
    assert [path for path in named if not (TOP / path).exists()] == []


def test_every_room_is_on_it():
    rooms = {path.parent for path in (TOP / "oco").glob("*/__init__.py")}
    rooms |= {path for path in (TOP / "oco").glob("*.py") if not path.name.startswith("__")}
    missing = [room.name for room in rooms if f"`{room.relative_to(TOP).as_posix()}`" not in MAP]
    assert missing == []
