"""The tutorials on estimators run, and what they show is true."""

import os
import re
import subprocess
import sys
from pathlib import Path

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorials"


def output(name, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-W", "error", TUTORIALS / name],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert not list(tmp_path.iterdir())
    return ran.stdout


def numbers(pattern, text):
    found = re.search(pattern, text)
    assert found, f"{pattern}\n{text}"
    return [float(number) for number in found.groups()]


def test_principal_components(tmp_path):
    said = output("plot_8_principal_components.py", tmp_path)
    for i in range(3):
        low, high, exact = numbers(rf"component {i}: (\S+) to (\S+), exactly (\S+)", said)
        assert low - 1e-4 <= exact <= high + 1e-4
    least, most = numbers(r"missed: (\S+) % at least, (\S+) % at most", said)
    assert 0 < least < most < 100
    (ours,) = numbers(r"SketchedPCA +(\S+)", said)
    (theirs,) = numbers(r"IncrementalPCA +(\S+)", said)
    assert 0 <= ours < theirs / 5
    (size,) = numbers(r"sketch size (\d+)", said)
    assert size > 30
    assert "10 of 10 exact variances" in said


def test_linear_models(tmp_path):
    said = output("plot_9_linear_models.py", tmp_path)
    for learner in ("s-adagrad", "ftsl", "adagrad", "ogd"):
        accuracy, cost = numbers(rf"{learner} +accuracy (\S+), log-loss (\S+)", said)
        assert accuracy > 0.93 and cost < 0.25
    low, high = numbers(r"2000 rounds: (\S+) to (\S+)", said)
    (bound,) = numbers(r"theory: (\S+)", said)
    assert 0 < low <= high < bound
    (weights,) = numbers(r"262,144 features, (\d+) weights", said)
    assert weights < 20
