"""Compiled kernels on disk: found again, never stale, and never in the way."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import pkgutil
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import oco

pytest.importorskip("numba", reason="numba is not installed")
from oco.linalg import cache

PACKAGE = Path(oco.__file__).parent
# Plays one gradient, by a kernel that calls others of another file; and tells of compilation.
PLAY = """
import json, sys
import numpy as np
from oco.linalg import compilation
told = []
with compilation.watched(lambda begins, problem: told.append([begins, problem])):
    from oco.algorithms.ogd import RoundCount
    direction = RoundCount(2).update(np.array([3.0, 4.0]), 25.0)
print(json.dumps({"direction": direction.tolist(), "told": told}))
"""
RIGHT = [3.0, 4.0]
KEPT = [[True, ""], [False, ""]]


def start(folder, package=PACKAGE, program=PLAY, without=(), **options):
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("NUMBA_") and name not in without
    }
    environment |= {"OCO_ENGINE": "numba", "PYTHONDONTWRITEBYTECODE": ""}
    environment |= {} if folder is None else {"NUMBA_CACHE_DIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment | options.pop("environment", {}),
        # Where Python looks first.
        cwd=package.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finish(running):
    stdout, stderr = running.communicate(timeout=120)
    assert (running.returncode, stderr) == (0, "")
    done = json.loads(stdout)
    return done["direction"], done["told"]


def play(folder, **options):
    return finish(start(folder, **options))


def files(folder):
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())


def test_what_was_compiled_is_found_again(tmp_path):
    assert play(tmp_path) == (RIGHT, KEPT)
    written = files(tmp_path)
    assert written and play(tmp_path) == (RIGHT, [])
    assert files(tmp_path) == written and not list(PACKAGE.rglob("*.nb[ic]"))


def test_a_damaged_file_is_compiled_anew(tmp_path):
    play(tmp_path)
    for path in files(tmp_path):
        whole = path.read_bytes()
        middle = len(whole) // 2
        changed = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        foreign = pickle.dumps(("another", "format"))
        for content in (b"", whole[:middle], bytes(len(whole)), changed, foreign):
            with pytest.raises(ValueError, match="damaged"):
                cache.undamaged(content)
        path.write_bytes(changed)
    assert play(tmp_path) == (RIGHT, KEPT)
    for damage in (lambda path: b"", lambda path: bytes(path.stat().st_size)):
        for path in files(tmp_path):
            path.write_bytes(damage(path))
        assert play(tmp_path) == (RIGHT, KEPT)
    assert play(tmp_path) == (RIGHT, [])


def test_a_folder_in_the_place_of_a_file_only_keeps_it_from_being_kept(tmp_path):
    play(tmp_path)
    for path in files(tmp_path):
        path.unlink()
        path.mkdir()
    direction, told = play(tmp_path)
    assert direction == RIGHT and told[0] == [True, ""] and told[-1] == [False, "Is a directory"]


def test_where_there_is_no_folder_kernels_are_compiled_each_time(tmp_path):
    """A file in its place stops root too, whom permissions do not."""
    (tmp_path / "file").touch()
    for _ in range(2):
        assert play(tmp_path / "file") == (RIGHT, [[True, ""], [False, "Not a directory"]])


def test_a_disk_that_is_full_only_keeps_them_from_being_kept(tmp_path):
    resource = pytest.importorskip("resource", reason="limits the size of files by setrlimit")
    direction, told = play(
        tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (256, 256)),
        environment={"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert direction == RIGHT and told == [[True, ""], [False, "File too large"]]
    assert files(tmp_path) == [], "nothing half written is left"


def test_a_user_without_a_home_whom_the_system_does_not_know_needs_no_cache(tmp_path):
    unknown = "import pwd\ndef unknown(user): raise KeyError(user)\npwd.getpwuid = unknown\n"
    pytest.importorskip("pwd", reason="the system has no list of users")
    homeless = ("HOME", "XDG_CACHE_HOME")
    direction, told = play(None, program=unknown + PLAY, without=homeless)
    assert direction == RIGHT and told == [[True, ""], [False, "the user has no home directory"]]
    assert not (PACKAGE.parent / "~").exists()


def test_several_processes_may_compile_at_once(tmp_path):
    for running in [start(tmp_path) for _ in range(3)]:
        assert finish(running)[0] == RIGHT
    assert play(tmp_path) == (RIGHT, [])


@pytest.fixture
def copied(tmp_path):
    """The package in a folder of its own, to be edited, without bytecode."""
    return Path(
        shutil.copytree(PACKAGE, tmp_path / "copy/oco", ignore=shutil.ignore_patterns("*.pyc"))
    )


def test_an_edited_callee_in_another_file_counts_and_both_versions_stay(copied, tmp_path):
    kept = tmp_path / "kept"
    assert play(kept, package=copied) == (RIGHT, KEPT)
    callee = copied / "linalg/products.py"
    before = callee.read_text()
    assert "= x[j] + b * y[j]" in before
    callee.write_text(before.replace("= x[j] + b * y[j]", "= x[j] + 3 * b * y[j]"))
    assert play(kept, package=copied) == ([3 * g for g in RIGHT], KEPT)
    assert play(kept, package=PACKAGE) == (RIGHT, [])
    assert play(kept, package=copied) == ([3 * g for g in RIGHT], [])


def test_what_python_took_for_unchanged_is_not_kept_as_the_new_version(copied, tmp_path):
    """Edited within the second, to a text of the same length, old bytecode is run."""
    kept, callee = tmp_path / "kept", copied / "linalg/products.py"
    assert play(kept, package=copied)[0] == RIGHT
    before, edited = callee.read_text(), callee.stat()
    callee.write_text(before.replace("= x[j] + b * y[j]", "= x[j] - b * y[j]"))
    os.utime(callee, ns=(edited.st_atime_ns, edited.st_mtime_ns))
    assert play(kept, package=copied)[0] == RIGHT, "Python's own limit"
    os.utime(callee)
    os.utime(callee, (time.time() + 10, time.time() + 10))
    assert play(kept, package=copied)[0] == [-g for g in RIGHT]


def test_old_folders_go_when_a_new_one_is_made(tmp_path):
    def folders(*ages):
        for age in ages:
            folder = tmp_path / f"{age} days"
            folder.mkdir()
            (folder / "kernel").touch()
            os.utime(folder, (time.time() - age * 86_400,) * 2)

    folders(1, 29, 31, 400)
    new = tmp_path / "new"
    new.mkdir()
    (tmp_path / "not a folder").touch()
    cache.remove_old(new)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "1 days", "29 days", "new", "not a folder",
    ]  # fmt: skip
    folders(*range(2, 20))
    cache.remove_old(new)
    remain = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert remain == {"new", *(f"{age} days" for age in range(1, cache.KEPT))}


def test_a_folder_in_use_is_no_old_folder(tmp_path):
    play(tmp_path)
    (folder,) = {path.parent for path in files(tmp_path)}
    os.utime(folder, (time.time() - 40 * 86_400,) * 2)
    assert play(tmp_path) == (RIGHT, [])
    assert time.time() - folder.stat().st_mtime < 3600


@pytest.mark.parametrize(
    "program",
    [
        "import oco, oco.algorithms, oco.experiment, oco.sketch, oco.domains, oco.regret",
        "from oco.cli import main; main(['list', 'algs'], standalone_mode=False)",
        "from oco.cli import main; main(['--help'], standalone_mode=False)",
        "import oco.integrations.torch",
    ],
)
def test_who_needs_no_kernel_loads_no_numba_and_no_cache(program, tmp_path):
    if "torch" in program:
        pytest.importorskip("torch", reason="PyTorch is not installed")
    environment = {**os.environ, "OCO_ENGINE": "numba", "XDG_CACHE_HOME": str(tmp_path / "kept")}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nassert 'numba' not in sys.modules"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "kept").exists()


WITHOUT_KERNELS = (
    *(f"oco.integrations.{name}" for name in ("torch", "optax", "river")),
    *("oco.reproduce.quality", "oco.__main__"),
)


def kernels():
    from oco.linalg.engine import Kernel

    for found in pkgutil.walk_packages([str(PACKAGE)], "oco."):
        # What needs PyTorch, JAX or river has no kernels.
        if found.name.startswith(WITHOUT_KERNELS):
            continue
        for value in vars(importlib.import_module(found.name)).values():
            if isinstance(value, Kernel) and value.__module__ == found.name:
                yield value


@pytest.mark.skipif(
    os.environ.get("OCO_ENGINE") == "numpy", reason="there are kernels where they are compiled"
)
def test_all_that_kernels_are_made_of_is_in_the_files_that_name_the_folder():
    names, _ = cache.kernel_sources()
    found = list(kernels())
    # What is written there becomes kernels of the files whose steps are put into it.
    templates = {"oco.algorithms.fused"}
    assert len(found) > 30 and {kernel.__module__ for kernel in found} | templates == names
    for kernel in found:
        function = kernel.__wrapped__
        used = {
            name: function.__globals__[name]
            for name in function.__code__.co_names
            if name in function.__globals__
        }
        for name, value in used.items():
            if getattr(value, "__module__", "").startswith("oco."):
                assert value.__module__ in names, (kernel.__qualname__, name)


@pytest.mark.skipif(
    os.environ.get("OCO_ENGINE") == "numpy", reason="there are kernels where they are compiled"
)
def test_a_number_that_a_callee_uses_counts_whatever_file_it_comes_from(monkeypatch):
    from oco.algorithms import sketched
    from oco.linalg import operators

    before = cache.loaded_code(sketched._step)
    assert cache.loaded_code(sketched._step) == before
    monkeypatch.setattr(operators, "RANK_CUTOFF", 2 * operators.RANK_CUTOFF)
    assert cache.loaded_code(sketched._step) != before
