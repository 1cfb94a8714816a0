"""``oco verify``: what a person or a program gets, with and without a violation."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from oco.cli import main
from oco.verification import FAMILIES, PROPERTIES, load_case

BROKEN = """
import numpy as np
import oco
from oco.sketch import FrequentDirections


class Forgetful(FrequentDirections):
    escaped_mass = property(lambda self: self.last_escape)


class Slow(FrequentDirections):
    def append(self, row):
        print("appending", flush=True)
        return super().append(row)


@oco.marks.sketch
class Nothing:
    def __init__(self, d, k, decay):
        pass


number = 3
"""


def invoke(*arguments):
    return CliRunner().invoke(main, ["verify", *map(str, arguments)], prog_name="oco")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty directory: a violation leaves a file behind."""
    (tmp_path / "broken_sketches.py").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


# Enough that every property is looked at: of the many learners, few have bracketed bounds.
CASES = 2 * len(FAMILIES)


def test_a_table_with_every_property():
    result = invoke("--cases", CASES, "--d-max", 8)
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    for name in PROPERTIES:
        assert any(row[:2] == [name, "yes"] for row in rows), name
    verdict = result.stdout.splitlines()[-1]
    assert verdict.startswith(f"PASS: all {len(PROPERTIES)} properties hold ({CASES} cases")
    assert result.stderr == "" and "\x1b" not in result.stdout
    assert f"{CASES} cases" in result.stdout


def test_the_verdict_of_a_violation_names_it():
    result = invoke("--cases=3", "--sketch=broken_sketches:Forgetful", "--check=step")
    assert result.exit_code == 1
    rows = [line.split() for line in result.stdout.splitlines()]
    assert any(row[:2] == ["step", "VIOLATED"] for row in rows)
    verdict = result.stdout.splitlines()[-1]
    assert verdict.startswith("VIOLATED: ") and "step" in verdict and "PASS" not in result.stdout


def test_one_json_object():
    result = invoke("--cases", 4, "--d-max", 6, "--k", 3, "--seed", 7, "--json")
    content = json.loads(result.stdout)
    assert result.exit_code == 0 and content["holds"] is True and content["cases"] == 4
    assert content["counterexamples"] == [] and content["engine"] in ("numba", "numpy")
    for finding in content["properties"]:
        assert PROPERTIES[finding["name"]] == finding["statement"]
        assert finding["margin"] >= -finding["tolerance"] and finding["violated"] == 0


def test_the_same_seed_draws_the_same_cases():
    def findings(seed):
        result = invoke("--cases", 3, "--d-max", 6, "--seed", seed, "--check=steps", "--json")
        return json.loads(result.stdout)["properties"]

    assert findings(1) == findings(1) != findings(2)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int8"])
def test_the_user_s_own_gradients(folder, dtype):
    rows = (10 * np.random.default_rng(0).standard_normal((300, 12))).astype(dtype)
    np.save("gradients.npy", rows)
    result = invoke("--grads", "gradients.npy", "--k", 5, "--json")
    content = json.loads(result.stdout)
    assert result.exit_code == 0 and content["cases"] == 1
    names = {finding["name"] for finding in content["properties"]}
    assert {"P1-under", "P3-escaped", "P6-merging", "ladder", "orthonormal"} <= names
    assert "gradients.npy: T=300, d=12, k=5" in content["properties"][0]["case"]


def test_a_violation_is_loud_minimal_saved_and_replayed(folder):
    options = ("--cases=20", "--d-max=10", "--check=guarantees")
    result = invoke(*options, "--sketch=broken_sketches:Forgetful")
    assert result.exit_code == 1
    assert "P1-P2-over" in result.stdout and "VIOLATED" in result.stdout
    path = folder / "counterexample-P1-P2-over.npz"
    assert f"counterexample: {path.name}" in result.stderr
    case, facts = load_case(path)
    assert case.rows.size <= 9 and facts["property"] == "P1-P2-over"
    (command,) = (
        line.split("replay it with: oco verify ")[1]
        for line in result.stderr.splitlines()
        if "replay" in line and "P1-P2-over" in line
    )
    again = invoke(*command.split())
    assert again.exit_code == 1 and "VIOLATED: P1-P2-over" in again.stderr
    assert "array([[" in again.stdout
    as_json = invoke(*command.split(), "--json")
    assert json.loads(as_json.stdout)["violated"] is True and as_json.exit_code == 1
    # The library's own sketch passes on it.
    sound = invoke("--replay", path)
    assert sound.exit_code == 0 and "P1-P2-over holds" in sound.stdout
    # A second violation does not overwrite the first counterexample.
    assert invoke(*options, "--sketch=broken_sketches:Forgetful").exit_code == 1
    assert (folder / "counterexample-P1-P2-over-2.npz").exists()


def test_a_violation_in_the_user_s_gradients_names_the_row(folder):
    np.save("gradients.npy", np.random.default_rng(0).standard_normal((60, 6)))
    result = invoke(
        "--grads=gradients.npy", "--k=3", "--sketch=broken_sketches:Forgetful", "--json",
        "--check=guarantees",
    )  # fmt: skip
    content = json.loads(result.stdout)
    assert result.exit_code == 1 and content["holds"] is False
    found = {example["property"]: example for example in content["counterexamples"]}
    assert found["P1-P2-over"]["where"].startswith("row ")
    assert found["P1-P2-over"]["replay"].endswith("--sketch broken_sketches:Forgetful")


def test_a_sketch_that_raises_is_a_violation(folder):
    (folder / "raising.py").write_text(
        "from broken_sketches import Forgetful\n"
        "class Raising(Forgetful):\n"
        "    def append(self, row):\n"
        "        raise IndexError('beyond')\n"
    )
    result = invoke("--cases=1", "--check=guarantees", "--sketch=raising:Raising")
    assert result.exit_code == 1
    assert "VIOLATED: completes, at IndexError: beyond" in result.stderr
    assert invoke("--replay", "counterexample-completes.npz", "--sketch=raising:Raising").exit_code


def test_a_counterexample_that_cannot_be_saved_is_still_told(folder):
    result = invoke(
        "--cases=8", "--check=steps", "--sketch=broken_sketches:Forgetful",
        "--out=broken_sketches.py/below",
    )  # fmt: skip
    assert result.exit_code == 1 and "VIOLATED: step" in result.stderr
    assert "the counterexample cannot be saved" in result.stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--cases=0"], "cases: expected an integer >= 1, got 0"),
        (["--seed=-1"], "seed: expected an integer >= 0"),
        (["--d-max=0"], "d-max: expected an integer from 1 to 2000"),
        (["--d-max=9223372036854775808"], "d-max: expected an integer from 1 to 2000"),
        (["--k=1"], "k: expected an integer from 2 to 41, got 1"),
        (["--k=43"], "k: expected an integer from 2 to 41, got 43"),
        (["--check=stepp"], "check: unknown name 'stepp'; did you mean 'step'?"),
        (["--grads=none.npy"], "grads: none.npy: no such file"),
        (["--grads=."], "grads: .: not a readable .npy file (is not a file: it is a directory)"),
        (["--grads=broken_sketches.py"], "grads: broken_sketches.py: not a readable .npy file"),
        (["--grads=vector.npy"], "expected an array of shape (T, d), got shape (3,)"),
        (["--grads=objects.npy"], "grads: objects.npy: expected real numbers, got object"),
        (["--grads=nan.npy"], "grads: nan.npy: row 2 is not finite"),
        (["--grads=huge.npy"], "row 1 is not finite, or its squared length overflows"),
        (["--grads=sum.npy"], "the sum of squares of all rows overflows"),
        (["--grads=eye.npy", "--k=5"], "k: expected an integer from 2 to 4, got 5"),
        (["--replay=none.npz"], "replay: none.npz: no such file"),
        (["--replay=eye.npy"], "replay: eye.npy: not a counterexample of oco"),
        (["--sketch=broken_sketches:Forgetfull"], "did you mean 'Forgetful'?"),
        (["--sketch=broken_sketches:Nothing"], "sketch: Nothing has no 'append'"),
        (["--sketch=broken_sketches:number"], "'broken_sketches:number' is not marked as a sketch"),
        (["--sketch=nowhere:X"], "sketch: there is no module 'nowhere'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(folder, arguments, words):
    np.save("vector.npy", np.ones(3))
    np.save("objects.npy", np.array([[print]]), allow_pickle=True)
    np.save("nan.npy", np.array([[1.0], [np.nan]]))
    np.save("huge.npy", np.array([[1e200]]))
    np.save("sum.npy", np.full((3, 1), 1.2e154))
    np.save("eye.npy", np.eye(3))
    result = invoke(*arguments)
    assert result.exit_code == 2 and result.stdout == ""
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error: "))
    assert words in line


def test_ctrl_c_prints_what_was_seen(folder):
    command = (sys.executable, "-m", "oco", "verify", "--sketch=broken_sketches:Slow")
    with subprocess.Popen(
        [*command, "--check=guarantees", "--cases=1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as running:
        # Well into the first cases: the kernels have been compiled by then.
        for _ in range(300):
            assert running.stdout.readline() == "appending\n"
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 130, stderr
    assert "P1-under" in stdout and "INTERRUPTED" in stderr and "Traceback" not in stderr
