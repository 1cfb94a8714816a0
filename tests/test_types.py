"""What a type checker, and with it an editor, tells the users of `oco` about their code."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import types
import typing
from pathlib import Path

import pytest

import oco
from oco.options import OPTIONS
from oco.results import options

ROOT = Path(oco.__file__).parents[1]

# Every line that ends in "# error: WORD" has a fault, which is reported with that word, and every
# other line has none.
SCRIPT = """
from pathlib import Path
from typing import Any

import numpy as np

import oco
from oco.algorithms import s_adagrad


@oco.learner
class Still:
    def __init__(self, d: int) -> None:
        self.x = np.zeros(d)

    def update(self, g: "np.ndarray[Any, Any]") -> None:
        pass


result: oco.Result = oco.run("s-adagrad", d=50, k=10, T=200, seed=0, out=Path("here"))
spent: float = result.summary.seconds
oco.run(Still, loss=oco.losses.LOSSES["hinge"], domain=oco.Ball(2.0), d=3, T=10)
oco.run("ogd", X=np.eye(3), y=[1, -1, 1], overwrite=True, progress=print)
both = oco.compare(["ogd", Still], d=20, T=100, lower=(-1.0, 0.0), shape="5x4")
points = [one.x.shape for one in both]
best = oco.tune("adagrad", [0.1, 1.0], deltas=[1.0], d=10, T=200, domain="unconstrained").best
if best is not None:
    best.experiment.replace(seed=3)
learner = s_adagrad(d=5, k=2, domain=oco.Ball(1.0))
learner.update(np.ones(5))
oco.sweep(oco.read_study("study.toml").experiments, "runs", jobs=2)
rooms = oco.verification, oco.sketch.FrequentDirections, oco.__version__.upper()

oco.run("s-adagrad", d=50, kk=3)  # error: kk
oco.run("s-adagrad", d="fifty")  # error: int
oco.run("ogd", d=3, T=10, domain=7)  # error: Domain
oco.compare(["ogd"], d=20, TT=100)  # error: TT
oco.compare(3, d=20)  # error: Iterable
oco.tune("ogd", [0.1], lr=0.1)  # error: lr
oco.tune("ogd", ["0.1"], d=3)  # error: float
oco.runn("ogd")  # error: runn
oco.Ball("one")  # error: float
result.sumary  # error: sumary
both[0].summary.regrets  # error: regrets
oco.losses.Hinge  # error: Hinge
learner.updat(np.ones(5))  # error: updat
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def _faults(script: Path) -> dict[int, str]:
    lines = script.read_text(encoding="utf-8").splitlines()
    marked = {i: re.search(r"# error: (\w+)$", line) for i, line in enumerate(lines, 1)}
    return {i: found[1] for i, found in marked.items() if found}


def _with_mypy(script: Path) -> list[tuple[int, str]]:
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--hide-error-context"),
            *("--follow-imports=silent", "--ignore-missing-imports", "--no-pretty"),
            *("--cache-dir", str(script.parent / "cache"), script.name),
        ],
        capture_output=True,
        text=True,
        cwd=script.parent,
        env={**os.environ, "MYPYPATH": str(ROOT)},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    found = re.findall(r"^script\.py:(\d+): error: (.*)$", done.stdout, flags=re.MULTILINE)
    return [(int(line), message) for line, message in found]


def _with_pyright(script: Path) -> list[tuple[int, str]]:
    if importlib.util.find_spec("pyright") is None:
        pytest.skip("pyright is not installed")
    if shutil.which("node") is None:
        pytest.skip("there is no Node.js, which pyright would download")
    settings = {"extraPaths": [str(ROOT)], "typeCheckingMode": "standard"}
    (script.parent / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pyright", "--outputjson"),
            *("--pythonpath", sys.executable, "-p", str(script.parent)),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    found = [
        one for one in json.loads(done.stdout)["generalDiagnostics"] if one["severity"] == "error"
    ]
    return [(one["range"]["start"]["line"] + 1, one["message"]) for one in found]


@pytest.mark.parametrize("check", [_with_mypy, _with_pyright])
def test_a_wrong_keyword_type_or_attribute_is_reported_and_nothing_else(script, check):
    reported = check(script)
    faults = _faults(script)
    assert len(faults) == SCRIPT.count("# error: ") > 0
    unexpected = [one for one in reported if one[0] not in faults]
    assert not unexpected
    for line, word in faults.items():
        said = [message for at, message in reported if at == line]
        assert any(word in message for message in said), (line, word, said)


def _keys(table: type) -> set[str]:
    return set(table.__annotations__)


def _classes(hint) -> set[type]:
    """Return the classes of a hint, without what it says of their items."""
    members = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return {typing.get_origin(member) or member for member in members}


def test_the_keywords_that_checkers_know_are_the_options_of_an_experiment():
    known = set(OPTIONS) - {"algorithm"}
    assert _keys(options.ExperimentOptions) == known
    assert _keys(options.RunOptions) == known | {"X", "y"}
    # Beside the keywords of its own.
    assert _keys(options.TuneOptions) == known - {"lr", "delta"}


def test_what_checkers_know_an_experiment_to_hold_is_what_it_holds():
    hints = typing.get_type_hints(options.StoredOptions)
    assert hints == {name: option.stored for name, option in OPTIONS.items()}
    assert hints == typing.get_type_hints(oco.Experiment)


def test_each_shared_option_may_be_given_as_it_is_held():
    for name, taken in typing.get_type_hints(options.SharedOptions).items():
        for held in _classes(OPTIONS[name].stored):
            assert issubclass(held, tuple(_classes(taken))), name


def test_the_names_that_checkers_know_are_those_that_load():
    source = (ROOT / "oco" / "__init__.py").read_text(encoding="utf-8")
    known = re.findall(r"^    from (\S+) import (\w+) as \2$", source, flags=re.MULTILINE)
    assert {name for _, name in known} == set(oco.__all__) - {"__version__"}
    for home, name in known:
        module = importlib.import_module(home)
        assert getattr(module, name, None) is getattr(oco, name)


def test_importing_oco_loads_neither_numpy_nor_a_room():
    code = "import sys, oco; print([m for m in sys.modules if m.split('.')[0] in ('numpy', 'oco')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['oco']"
