"""``oco``, ``oco list`` and ``oco show``."""

import json
import subprocess
import sys
from importlib import metadata

import pytest
from click.testing import CliRunner

import oco
from oco.algorithms import ALGORITHMS
from oco.cli import main
from oco.domains import DOMAINS
from oco.losses import LOSSES, STREAMS
from oco.optimizers import OPTIMIZERS
from oco.results import Experiment


def invoke(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)), prog_name="oco")


def test_help_needs_no_numerics():
    program = (
        "import sys; from oco.cli import main; main(['--help'], standalone_mode=False);"
        "print([name for name in ('numpy', 'scipy', 'rich', 'matplotlib') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "[]" and "oco list algs" in result.stdout


def test_a_run_loads_what_it_needs_and_collects_garbage_once_it_is_loaded():
    program = (
        "import gc, sys; from oco.cli import main\n"
        "main(['run', '--alg=ogd', '--d=5', '--T=20', '--json'], standalone_mode=False)\n"
        "unused = ('rich', 'matplotlib', 'joblib', 'sklearn', 'pandas')\n"
        "print([name for name in unused if name in sys.modules])\n"
        "print('scipy.sparse.csgraph' in sys.modules)\n"
        "print(gc.isenabled(), gc.get_freeze_count() > 10_000)"
    )
    # Older versions of SciPy load it themselves.
    alone = "import sys, scipy.sparse; print('scipy.sparse.csgraph' in sys.modules)"
    found, of_scipy = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for code in (program, alone)
    )
    assert found.stdout.splitlines()[-3:] == ["[]", of_scipy.stdout.strip(), "True True"]


def test_the_version_is_the_distribution_s():
    assert invoke("--version").stdout == f"oco {metadata.version('oco-sketch')}\n"


def test_help_lists_every_option_of_an_experiment():
    text = invoke("run", "--help").stdout
    for name in Experiment.__dataclass_fields__:
        flag = {"algorithm": "alg"}.get(name, name.replace("_", "-"))
        assert f"--{flag}" in text


@pytest.mark.parametrize(
    ("kind", "registry"),
    [
        ("algs", ALGORITHMS),
        ("learners", ALGORITHMS),
        ("algorithms", ALGORITHMS),
        ("losses", LOSSES),
        ("streams", STREAMS),
        ("domains", DOMAINS),
        ("optimizers", OPTIMIZERS),
    ],
)
def test_list_names_everything_there_is(kind, registry):
    result = invoke("list", kind)
    assert result.exit_code == 0
    first_words = [line.split()[0] for line in result.stdout.splitlines() if line[:1].strip()]
    assert [word for word in first_words if word in registry] == list(registry)


def test_list_alone_names_all_there_is():
    result = invoke("list")
    assert result.exit_code == 0
    words = result.stdout.replace(",", " ").split()
    for registry in (ALGORITHMS, LOSSES, STREAMS, DOMAINS, OPTIMIZERS):
        assert set(registry) <= set(words)


def test_list_shows_the_options_each_takes():
    assert "--k --lr --delta" in invoke("list", "algs").stdout
    assert "--data" in invoke("list", "streams").stdout
    assert "momentum weight_decay" in invoke("list", "optimizers").stdout


@pytest.mark.parametrize("arguments", [["lst"], ["list", "alg"], ["show"]])
def test_wrong_commands_are_refused(arguments):
    result = invoke(*arguments)
    assert result.exit_code == 2 and "Error: " in result.stderr and result.stdout == ""


def test_show_prints_what_was_saved(tmp_path):
    result = oco.run("s-adagrad", d=10, k=4, T=60, out=tmp_path)
    shown = invoke("show", tmp_path, "--plot", tmp_path / "figure.svg")
    assert shown.exit_code == 0 and shown.stdout.strip() == repr(result)
    assert b"<svg" in (tmp_path / "figure.svg").read_bytes()
    content = json.loads(invoke("show", tmp_path, "--json").stdout)
    assert content["regret"]["lo"] == result.summary.regret.lo


def test_show_refuses_what_is_no_result(tmp_path):
    result = invoke("show", tmp_path)
    assert result.exit_code == 2 and "no such result" in result.stderr
    (tmp_path / "result.json").write_text("{", encoding="utf-8")
    result = invoke("show", tmp_path)
    assert result.exit_code == 2 and "damaged, or not a result" in result.stderr


def test_the_package_knows_its_version_without_numerics():
    program = "import sys, oco; print(oco.__version__, 'numpy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout == f"{metadata.version('oco-sketch')} False\n"


def pages(command=main, path=()):
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from pages(below, (*path, name))


@pytest.mark.parametrize("path", list(pages()), ids=" ".join)
def test_every_help_page_fits_80_columns(path):
    result = CliRunner().invoke(main, [*path, "--help"], prog_name="oco", terminal_width=80)
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    # The list of commands says what each does in full.
    assert path or result.stdout.count("...") == result.stdout.count("[ARGS]...")


@pytest.mark.parametrize("columns", ["x", "", "0", "-4", "1", "5", "1e9", "99999999999"])
def test_no_width_is_a_crash(columns):
    for arguments in (["list"], ["run", "--alg=ogd", "--d=3", "--T=9"], ["--help"]):
        result = CliRunner().invoke(main, arguments, prog_name="oco", env={"COLUMNS": columns})
        assert result.exit_code == 0 and result.exception is None, result.output
        assert "ogd" in result.stdout or "oco" in result.stdout
