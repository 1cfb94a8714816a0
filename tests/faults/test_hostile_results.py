"""A saved result is data from anywhere: it opens no other file, takes no room, moves no cursor."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import oco
from oco.cli import main
from oco.results import storage
from oco.sweeps import Store

ESCAPES = "\x1b]0;owned\x07\x1b]52;c;QQ==\x07\x1b[1A\x1b[2K\x9b2J\x85\r\x7f\u202e"


def rewritten(folder: Path, change) -> None:
    """Change a saved document, and seal it again as the package would."""
    document, arrays = storage.read(folder)
    for name in ("arrays", "format", "version"):
        document.pop(name)
    change(document, arrays)
    storage.write(folder, document, arrays)


def oco_process(*arguments, cwd, **settings):
    return subprocess.run(
        [sys.executable, "-m", "oco", *map(str, arguments)],
        cwd=cwd, capture_output=True, timeout=60, **settings,
    )  # fmt: skip


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((40, 3))
    np.save(tmp_path / "rows.npy", np.c_[rows, np.sign(rows[:, 0])])
    return tmp_path / "rows.npy"


def named_elsewhere(folder, path):
    def change(document, arrays):
        document["experiment"]["data"] = str(path)

    rewritten(folder, change)


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/stdin", "a pipe"])
def test_the_data_that_a_result_names_is_not_opened(tmp_path, data, place):
    pytest.importorskip("pandas", reason="needs the extra 'pandas'")
    runs = tmp_path / "runs"
    for algorithm in ("ogd", "adagrad"):
        oco.compare([algorithm], data=str(data), out=runs)
    if place == "a pipe":
        os.mkfifo(tmp_path / "pipe")
        place = tmp_path / "pipe"
    for folder in runs.iterdir():
        named_elsewhere(folder, place)
    program = "import oco; print(sorted(oco.load_table('runs')['key']))"
    for arguments in (
        ["-c", program],
        ["-m", "oco", "show", next(runs.iterdir())],
        ["-m", "oco", "report", "runs", "--out=page.html"],
    ):
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert sorted(oco.load_table(runs)["key"]) == sorted(folder.name for folder in runs.iterdir())


def test_a_sweep_over_a_device_is_refused_not_hashed_for_ever(tmp_path, data):
    with pytest.raises(OSError, match="is not a file"):
        Store(tmp_path).folder(oco.Experiment("ogd", data="/dev/zero"))


@pytest.mark.parametrize("what", ["document", "arrays"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_result_that_is_no_file_is_refused_at_once(tmp_path, what, kind):
    oco.run("ogd", d=3, T=10, out=tmp_path)
    path = tmp_path / "result.json" if what == "document" else next(tmp_path.glob("*.npz"))
    path.unlink()
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
    done = oco_process("show", tmp_path, cwd=tmp_path)
    assert done.returncode == 2 and b"not a regular file" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_small_archive_that_unpacks_to_gigabytes_is_refused(tmp_path):
    """With the right checksum in the right document."""
    oco.run("ogd", d=3, T=10, out=tmp_path)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{"result.x": np.zeros(1 << 24)})
    packed = buffer.getvalue()
    assert len(packed) < 200_000
    digest = hashlib.sha256(packed).hexdigest()
    document, _ = storage.read(tmp_path)
    document["arrays"] = {"file": f"trace-{digest[:16]}.npz", "sha256": digest}
    for name in ("format", "version"):
        document.pop(name)
    (tmp_path / "result.json").write_bytes(
        storage.sealed(storage.FORMAT, storage.VERSION, document)
    )
    (tmp_path / document["arrays"]["file"]).write_bytes(packed)
    with pytest.raises(ValueError, match="its arrays are compressed"):
        oco.load_result(tmp_path)


WRONG = {
    "x too long": ("result.x", lambda a: np.zeros(4)),
    "x a matrix": ("result.x", lambda a: np.zeros((3, 1))),
    "x of whole numbers": ("result.x", lambda a: np.zeros(3, dtype=int)),
    "comparator too short": ("result.comparator", lambda a: a[:-1]),
    "t of real numbers": ("trace.t", lambda a: a.astype(float)),
    "t a number": ("trace.t", lambda a: np.array(3)),
    "loss cut": ("trace.loss", lambda a: a[:-1]),
    "regret doubled": ("trace.regret", lambda a: np.r_[a, a]),
    "seconds as text": ("trace.seconds", lambda a: a.astype(str)),
    "bound a matrix": ("trace.bounds.certificate", lambda a: a[:, None]),
    "verdicts real": ("trace.holds.certificate", lambda a: a.astype(float)),
    "no x": ("result.x", None),
    "no t": ("trace.t", None),
    "no seconds": ("trace.seconds", None),
    "no verdicts": ("trace.holds.certificate", None),
    "no bound": ("trace.bounds.certificate", None),
    "unknown": ("trace.surprise", lambda a: np.zeros(3)),
    "unknown group": ("other.t", lambda a: np.zeros(3)),
}


@pytest.mark.parametrize(("name", "change"), WRONG.values(), ids=WRONG)
def test_arrays_of_wrong_shape_under_a_valid_checksum_are_named(tmp_path, name, change):
    oco.run("s-adagrad", d=3, k=2, T=50, out=tmp_path)

    def damage(document, arrays):
        array = arrays.pop(name, None)
        if change is not None:
            arrays[name] = change(array)

    rewritten(tmp_path, damage)
    with pytest.raises(ValueError, match="not a result that this release can read") as error:
        oco.load_result(tmp_path)
    assert name.split(".")[-1] in str(error.value) or "t" in str(error.value)
    done = oco_process("show", tmp_path, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1


def hostile_result(folder: Path) -> None:
    oco.run("ogd", d=3, T=30, out=folder)

    def change(document, arrays):
        summary, experiment = document["summary"], document["experiment"]
        for name in ("algorithm", "loss", "stream", "domain", "message", "engine"):
            summary[name] = f"{name}{ESCAPES}"
        summary["status"] = f"failed{ESCAPES}"
        summary["notes"] = [f"a note{ESCAPES}"]
        for bound in summary["bounds"]:
            bound["formula"] = f"formula{ESCAPES}"
        summary["comparator"]["method"] = f"method{ESCAPES}"
        experiment["stream"], experiment["data"] = "data", f"data{ESCAPES}"
        document["versions"] = {f"version{ESCAPES}": f"1{ESCAPES}"}

    rewritten(folder, change)


def assert_harmless(shown: bytes) -> None:
    text = shown.decode("utf-8")
    obeyed = {c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)}
    assert not obeyed and "\u202e" not in text


def test_no_escape_in_a_result_reaches_the_terminal(tmp_path):
    hostile_result(tmp_path / "runs" / "one")
    for arguments in (
        ["show", "runs/one"],
        ["show", "runs/one", "--json"],
        ["show", "runs/one", "--plot", "figure.svg"],
        ["report", "runs", "--out", "page.html"],
        ["report", "runs", "--out", "page.html", "--title", f"title{ESCAPES}"],
        ["plot", "runs", "--out", f"no{ESCAPES}.figure"],
        ["plot", "runs", "--where", f"loss={ESCAPES}", "--out", "x.svg"],
        ["show", f"nowhere{ESCAPES}"],
        ["run", "--alg", f"name{ESCAPES}", "--d=3", "--T=5"],
        ["run", f"--option{ESCAPES}"],
        [f"command{ESCAPES}"],
        ["list", f"kind{ESCAPES}"],
    ):
        done = oco_process(*arguments, cwd=tmp_path)
        assert b"Traceback" not in done.stderr, done.stderr
        assert_harmless(done.stdout)
        assert_harmless(done.stderr)
        assert not done.returncode or done.stderr
    assert_harmless((tmp_path / "page.html").read_bytes())
    assert_harmless((tmp_path / "figure.svg").read_bytes())
    content = json.loads(oco_process("show", "runs/one", "--json", cwd=tmp_path).stdout)
    assert content["message"] == f"message{ESCAPES}", "a program gets the text itself"


def test_no_escape_in_a_study_or_a_failure_reaches_the_terminal(tmp_path):
    title = json.dumps(f"title{ESCAPES}")
    study = f"title = {title}\n[experiment]\nalgorithm = 'ogd'\nd = 3\nT = 5\n"
    (tmp_path / "study.toml").write_text(study, encoding="utf-8")
    for dry in (["--dry-run"], ["--jobs=1"]):
        done = oco_process("sweep", "study.toml", "--out=runs", *dry, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert_harmless(done.stdout + done.stderr)
    failure = {"message": f"why{ESCAPES}", "experiment": oco.Experiment("ogd", d=2, T=3).plain()}
    (tmp_path / "runs" / "x").mkdir()
    (tmp_path / "runs" / "x" / "failure.json").write_bytes(
        storage.sealed("oco-failure", 2, failure)
    )
    done = oco_process("report", "runs", "--out=page.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.html").read_bytes()
    assert_harmless(page)
    assert rb"why\x1b]0;owned\x07" in page


NAMES = {
    "markup": "g[red]x.npy",
    "closing markup": "h[/y].npy",
    "formula": "$x_$.npy",
    "formulas": "$a$ $\\frac$ b$.npy",
    "emoji": ":smile: [bold].npy",
    "escapes": f"e{ESCAPES}.npy".replace("/", ""),
    "not UTF-8": b"caf\xe9\xff.npy".decode("utf-8", "surrogateescape"),
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_file_s_name_is_shown_as_it_is(tmp_path, data, name, monkeypatch):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    data.rename(path)
    monkeypatch.chdir(tmp_path)
    options = ["run", "--alg=s-adagrad", "--k=2", "--data", name]
    done = oco_process(*options, "--plot=regret.svg", "--out=runs/one", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first = done.stdout.decode("utf-8").split(", logistic")[0]
    if name.isprintable():
        assert first == f"s-adagrad on {name}"
    elif name.startswith("caf"):
        assert first == r"s-adagrad on caf\xe9\xff.npy"
    assert_harmless(done.stdout)
    assert oco.load_result(tmp_path / "runs" / "one").experiment.data == name
    for arguments in (
        ["rank", name],
        ["show", "runs/one"],
        ["show", "runs/one", "--json"],
        ["report", "runs", "--out=page.html"],
        ["plot", "runs", "--kind=bounds", "--out=bounds.png"],
        ["plot", "runs", "--out=learners.pdf"],
        ["verify", "--grads", name, "--k=2", "--check=guarantees"],
        ["memory", name],
    ):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == (2 if arguments[0] == "memory" else 0), done.output
        assert_harmless(done.stdout_bytes + done.stderr_bytes)
        if "--json" in arguments:
            assert json.loads(done.stdout)["experiment"]["data"] == name


def test_words_in_a_figure_are_no_formulas_and_powers_of_ten_are():
    result = oco.run("ogd", d=3, T=100)
    summary = result.summary.replace(algorithm="$x_$", domain="a^$b$")
    figure = oco.plots.regret(result.replace(summary=summary))
    buffer = io.BytesIO()
    oco.plots.save(figure, buffer, format="svg")
    title = figure.axes[0].title if figure.axes[0].title.get_text() else figure.axes[0]._left_title
    assert "$x_$" in title.get_text() and not title.get_parse_math()
    assert any("10^{" in label.get_text() for label in figure.axes[0].get_xticklabels())
