"""What tells a stale output from one that another machine prints otherwise."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "docs"))
import outputs  # noqa: E402

PAGE = """
<!-- file: g.csv -->
```text
1,2
```

<!-- run -->
```python
import numpy as np
np.save("g.npy", np.eye(4)[np.arange(12) % 2])
```

```sh
oco spectra g.npy
oco rank g.npy --k-max 4     # words
```

<!-- output, last 1 line -->
```text
recommended: k = 4, the smallest
```
"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ogd  22.8 µs  2.41 kB", "ogd       3 ms 2.41 kB"),
        ("a ─────── b", "a ── b"),
        ("loss 0.662142452 a round", "loss 0.662142451 a round"),
        ("× 1.373e+05", "× 1.374e+05"),
        ("1,234.5 and 21.3 µs", "1,234.6 and 1.2 s"),
    ],
)
def test_the_same(one, other):
    assert outputs.alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ogd  2.41 kB", "ogd  2.43 kB"),
        ("k = 56,", "k = 57,"),
        ("holds 1.5", "violated 1.5"),
        ("1.373e+05", "1.376e+05"),
        ("1.373e+05", "1.373e+06"),
        ("ogd 1.5", "ogd 1.5 2.5"),
        ("regret 0.5", "regret -0.5"),
        ("d = 1,000", "d = 1,001"),
    ],
)
def test_not_the_same(one, other):
    assert not outputs.alike(one, other)


def test_a_part_of_an_output():
    lines = list(range(1, 10))
    parts = {"": lines, ", slow": lines, ", first 2 lines": [1, 2], ", last 1 line": [9]}
    parts[", slow, lines 7 to 8"] = [7, 8]
    assert {how: lines[outputs.part_of(how)] for how in parts} == parts


def test_a_page_is_made_and_what_is_stale_is_written(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    made, wrong = outputs.visit(page, slow=False, update=False)
    assert made == 1
    assert wrong[0] == "page.md: oco rank g.npy --k-max 4     # words" and len(wrong) == 2
    assert wrong[1].startswith(
        "- recommended: k = 4, the smallest\n+ recommended: k = 3, the small"
    )
    outputs.visit(page, slow=False, update=True)
    assert "recommended: k = 3, the smallest proven to keep the bound within" in page.read_text()
    assert outputs.visit(page, slow=False, update=False) == (1, [])
    assert page.read_text().startswith(PAGE[: PAGE.index("recommended")])


def test_a_command_that_fails_is_named(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```sh\noco rank none.npy\n```\n\n```text\nfine\n```\n")
    with pytest.raises(outputs.Stale, match=r"oco rank none\.npy: exit code 2"):
        outputs.visit(page, slow=False, update=False)


def test_every_output_in_the_pages_has_a_command():
    found = {}
    for path in [TOP / "README.md", *(TOP / "docs").glob("*.md")]:
        if path.name not in outputs.RECORDS:
            steps = list(outputs.steps(path.read_text(encoding="utf-8")))
            found[path.name] = [step.of for step in steps if step.what == "output"]
    assert sum(map(len, found.values())) >= 10
    assert all(command.startswith("oco ") for commands in found.values() for command in commands)
    assert set(outputs.RECORDS) <= {path.name for path in (TOP / "docs").glob("*.md")}
