"""The page on learners of one's own does what it says."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "your-own.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


def test_the_page_runs(tmp_path):
    (source,) = blocks("python")
    (tmp_path / "mine.py").write_text(source, encoding="utf-8")
    commands = [shlex.split(line) for line in blocks("sh")[0].splitlines()]
    assert len(commands) == 3
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
    assert averages[0] < 0.6931, "the learner learns: log 2 is what playing 0 costs"


def test_a_learner_takes_at_most_twenty_lines():
    (source,) = blocks("python")
    learner = source.split("class Pinball")[0].strip()
    assert len(learner.splitlines()) <= 20
