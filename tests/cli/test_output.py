"""Standard output that is full, closed or not listened to loses nothing, and one line says so."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import oco
import oco.cli.output

if sys.platform == "win32":
    pytest.skip("needs a shell of POSIX", allow_module_level=True)

FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
PLACES = {
    "full": pytest.param(">/dev/full", "No space left on device", marks=FULL),
    "closed": pytest.param(">&-", "Bad file descriptor"),
    "nobody listens": pytest.param("| true", "Broken pipe"),
}
COMMANDS = {
    "run": "run --alg ogd --d 3 --T 10 --out out --plot figure.svg",
    "run, JSON": "run --alg ogd --d 3 --T 10 --out out --plot figure.svg --json",
    "compare": "compare --alg ogd --alg adagrad --d 3 --T 10 --out out --plot figure.svg",
    "tune": "tune --alg ogd --d 3 --T 10 --grid 0.1:1:2 --jobs 1 --out out --plot figure.svg",
    "spectra": "reproduce spectra --layer 3 --steps 2 --k 4 --out out --plot figure.svg",
}


def shell(command, place, cwd, **environment):
    # Waits for the listener to be gone before anything is written.
    script = f'{{ sleep 0.2; exec "$0" -m oco {command}; }} {place}'
    if place.startswith("|"):
        script = f"set -o pipefail; {script}"
    return subprocess.run(
        ["bash", "-c", script, sys.executable],
        cwd=cwd, capture_output=True, text=True, timeout=120, env={**os.environ, **environment},
    )  # fmt: skip


def said(done) -> list[str]:
    return [line for line in done.stderr.splitlines() if line and not line.startswith("saved in")]


@pytest.mark.parametrize(("place", "reason"), PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_result_is_kept_and_one_line_says_what_is_not_printed(command, place, reason, tmp_path):
    done = shell(command, place, tmp_path)
    assert done.returncode == 1
    assert said(done) == [f"Error: standard output cannot be written to ({reason})"]
    assert (tmp_path / "out").exists()
    assert (tmp_path / "figure.svg").read_bytes().startswith(b"<?xml")
    if command.startswith("run"):
        assert oco.load_result(tmp_path / "out").summary.status == "complete"


@pytest.mark.parametrize("command", ["--help", "list", "list algs", "--version", "run --help"])
@pytest.mark.parametrize("place", [">&-", pytest.param(">/dev/full", marks=FULL)])
def test_so_do_the_commands_that_only_print(command, place, tmp_path):
    done = shell(command, place, tmp_path)
    assert done.returncode == 1 and len(said(done)) == 1 and "Traceback" not in done.stderr


def test_nothing_is_printed_where_nothing_is_asked_for(tmp_path):
    done = shell("run --alg ogd --d 3 --T 10 --out out --quiet", ">&-", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert oco.load_result(tmp_path / "out").summary.T == 10


def test_a_closed_standard_error_is_nobody_s_fault(tmp_path):
    done = shell("run --alg ogd --d 3 --T 10 --out out", "2>&-", tmp_path)
    assert done.returncode == 0 and "regret" in done.stdout
    refused = shell("run --alg odg --d 3 --T 10", "2>&-", tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    failed = shell("run --alg ogd --d 3 --T 10 --out other", ">&- 2>&-", tmp_path)
    assert failed.returncode == 1 and oco.load_result(tmp_path / "other")


def test_no_file_takes_the_place_of_a_closed_standard_output(tmp_path):
    """The next file that is opened would get its number, and all that is printed."""
    shell("run --alg ogd --d 3 --T 10 --out out", "<&- >&- 2>&-", tmp_path)
    assert oco.load_result(tmp_path / "out").summary.T == 10


@pytest.mark.parametrize("columns", ["x", "", "0", "-5", "1", "²", "٣٤", "9" * 30, "80.5", " 80"])
def test_a_width_that_is_none_is_not_looked_at(columns, tmp_path):
    done = shell("run --alg ogd --d 3 --T 10", "", tmp_path, COLUMNS=columns, LINES=columns)
    assert (done.returncode, done.stderr) == (0, "") and "regret" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 140


def test_all_that_is_printed_goes_through_one_place():
    """So that a terminal obeys nothing in it, and a stream that is closed loses nothing."""
    folder = os.path.dirname(oco.cli.output.__file__)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py") and name != "output.py":
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                source = file.read()
            for way in ("click.echo(", "click.secho(", " print(", " Console("):
                assert way not in source, (name, way)
