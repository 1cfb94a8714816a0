"""The page on learners of one's own does what it says."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "your-own.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


def test_the_page_runs(tmp_path):
    (tmp_path / "mine.py").write_text("\n".join(blocks("python")), encoding="utf-8")
    commands = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 6
    averages = []
    for command in commands:
        assert command[:2] == ["oco", "run"]
        ran = subprocess.run(
            [sys.executable, "-m", "oco", *command[1:], "--json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        result = json.loads(ran.stdout)
        assert result["T"] == 2000 and result["regret"]["lo"] <= result["regret"]["hi"]
        averages.append(result["average_loss"])
        if "mine:Doubling" in command:
            (bound,) = result["bounds"]
            assert bound["name"] == "doubling" and bound["holds"] is True
            assert bound["formula"] == "(2 + √2)·D·G·√T"
            assert bound["value"] == pytest.approx((2 + 2**0.5) * 2 * 0.731 * 2000**0.5, rel=1e-3)
    assert averages[0] < 0.6931, "the learner learns: log 2 is what playing 0 costs"
    assert averages[4] < 1.6094, "so does the learner of matrices, with five classes"


def test_a_learner_takes_at_most_twenty_lines():
    source = blocks("python")[0]
    learner = source.split("class Pinball")[0].strip()
    assert len(learner.splitlines()) <= 20
