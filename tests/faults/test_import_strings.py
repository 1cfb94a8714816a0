"""What a study or a command line names is called only if it is a learner, a loss or a stream."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

OCO = Path(sys.executable).with_name("oco")
SHADOWS = ("numpy", "scipy", "click", "rich", "joblib", "numba", "sklearn", "matplotlib", "tomllib")

MINE = """
import numpy as np
import oco

open("imported", "w").close()

@oco.learner
class Still:
    def __init__(self, d):
        open("called", "w").close()
        self.x = np.zeros(d)

    def update(self, g):
        pass
"""

# Every way in: what the study says, and the command line that says the same.
HOSTILE = {
    "loss": ["--alg=ogd", "--loss=shutil:rmtree"],
    "data": ["--alg=ogd", "--stream=data", "--data=victim", "--loss=shutil:rmtree"],
    "stream": ["--alg=ogd", "--stream=mine:remove"],
    "learner": ["--alg=mine:remove"],
    "method": ["--alg=mine:Remover.remove"],
    "instance": ["--alg=mine:remover"],
    "class": ["--alg=mine:Remover"],
}
REMOVER = """
import shutil

def remove(d=None, T=None):
    shutil.rmtree("victim")

class Remover:
    def __init__(self, d=None):
        remove()

    @staticmethod
    def remove():
        remove()

class Call:
    def __call__(self, d=None):
        remove()

    def __getattr__(self, name):
        raise AttributeError(name) if name.startswith("__") else RuntimeError("asked")

remover = Call()
"""


def run(*arguments, cwd):
    """Run the installed program, whose first place for modules is not the current directory."""
    program = [OCO] if OCO.exists() else [sys.executable, "-m", "oco"]
    return subprocess.run(
        [*map(str, program), *arguments], cwd=cwd, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def victim(tmp_path):
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").touch()
    (tmp_path / "mine.py").write_text(REMOVER, encoding="utf-8")
    return tmp_path / "victim" / "file"


@pytest.mark.parametrize("arguments", HOSTILE.values(), ids=HOSTILE)
def test_no_command_calls_what_is_not_marked(arguments, victim):
    folder = victim.parents[1]
    for command in (["run"], ["compare"], ["tune", "--jobs=1"]):
        done = run(*command, *arguments, "--d=3", "--T=5", cwd=folder)
        assert victim.exists()
        assert done.returncode == 2 and "is not marked as a" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr and done.stderr.count("Error: ") == 1


@pytest.mark.parametrize("dry", [["--dry-run"], ["--jobs=1"]], ids=["dry", "wet"])
@pytest.mark.parametrize("arguments", HOSTILE.values(), ids=HOSTILE)
def test_no_study_calls_what_is_not_marked(arguments, dry, victim):
    folder = victim.parents[1]
    options = dict(argument[2:].split("=") for argument in arguments)
    options["algorithm"] = options.pop("alg")
    lines = [f"{name} = {json.dumps(value)}" for name, value in options.items()]
    study = "\n".join(["[experiment]", "d = 3", "T = 5", *lines])
    (folder / "study.toml").write_text(study, encoding="utf-8")
    done = run("sweep", "study.toml", "--out=runs", *dry, cwd=folder)
    assert victim.exists() and not (folder / "runs").exists()
    assert done.returncode == 2 and "is not marked as a" in done.stderr, done.stderr
    assert done.stderr.startswith("Error: study.toml: experiment.") and done.stderr.count("\n") == 1


def test_verify_calls_no_sketch_that_is_not_marked(victim):
    done = run("verify", "--cases=1", "--sketch=mine:remove", cwd=victim.parents[1])
    assert victim.exists() and done.returncode == 2
    assert "sketch: 'mine:remove' is not marked as a sketch" in done.stderr


def test_a_dry_run_imports_what_is_marked_and_does_not_call_it(tmp_path):
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    study = "[experiment]\nalgorithm = 'mine:Still'\nT = 5\n[grid]\nd = [3, 4]"
    (tmp_path / "study.toml").write_text(study, encoding="utf-8")
    dry = run("sweep", "study.toml", "--out=runs", "--dry-run", cwd=tmp_path)
    assert dry.stdout == "study: 2 experiments, 0 of them done in runs\n", dry.stderr
    assert (tmp_path / "imported").exists() and not (tmp_path / "called").exists()
    wet = run("sweep", "study.toml", "--out=runs", "--jobs=1", cwd=tmp_path)
    assert wet.returncode == 0 and (tmp_path / "called").exists(), wet.stderr


def test_a_dry_run_still_checks_what_is_built_in(tmp_path):
    study = "[experiment]\nalgorithm = 's-adagrad'\nd = 3\nT = 5\nk = 9"
    (tmp_path / "study.toml").write_text(study, encoding="utf-8")
    done = run("sweep", "study.toml", "--out=runs", "--dry-run", cwd=tmp_path)
    assert done.returncode == 2 and "experiment.k: expected an integer from 2 to 4" in done.stderr


@pytest.mark.parametrize("as_module", [False, True], ids=["oco", "python -m oco"])
def test_a_module_in_the_current_directory_never_stands_in_for_an_installed_one(
    as_module, tmp_path
):
    for name in SHADOWS:
        (tmp_path / f"{name}.py").write_text(
            f"import pathlib\npathlib.Path('ran-{name}').touch()\nraise SystemExit('ran {name}')\n",
            encoding="utf-8",
        )
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    study = "[experiment]\nalgorithm = 'mine:Still'\nd = 3\nT = 5\n[grid]\nseed = {count = 2}"
    (tmp_path / "study.toml").write_text(study, encoding="utf-8")
    program = [sys.executable, "-m", "oco"] if as_module or not OCO.exists() else [str(OCO)]
    commands = [["run", "--alg=mine:Still", "--d=3", "--T=10", "--plot=regret.svg"]]
    if sys.version_info >= (3, 11):
        # Older Pythons start worker processes with the current directory first.
        commands.append(["sweep", "study.toml", "--out=runs", "--jobs=2"])
    for command in commands:
        done = subprocess.run(
            [*program, *command], cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("ran-*"))
