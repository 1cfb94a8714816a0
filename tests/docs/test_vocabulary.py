"""One thing has one name, and one name means one thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

OCO = Path(__file__).resolve().parent.parent.parent / "oco"


def test_no_two_public_classes_share_a_name():
    homes = defaultdict(list)
    for path in sorted(OCO.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(path.relative_to(OCO).as_posix())
    assert homes["FrequentDirections"] == ["sketch/frequent_directions.py"]
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}
