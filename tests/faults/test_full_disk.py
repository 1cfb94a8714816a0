"""A disk that is full, and one that may only be read, for real."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

import oco

resource = pytest.importorskip("resource", reason="limits the size of files by setrlimit")
RUN = (sys.executable, "-m", "oco", "run", "--alg=s-adagrad", "--d=6", "--k=3", "--T=50")


def test_files_that_cannot_grow_leave_the_earlier_result(tmp_path):
    """RLIMIT_FSIZE: every write beyond 2 kB fails, as on a full disk."""
    earlier = oco.run("s-adagrad", d=4, k=2, T=30, out=tmp_path)
    before = sorted(tmp_path.iterdir())
    done = subprocess.run(
        [*RUN, f"--out={tmp_path}", "--overwrite", "--json"],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)),
        # Nothing else may write: no compiled code, no bytecode.
        env={**os.environ, "OCO_ENGINE": "numpy", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 1, done.stderr
    assert "Error: " in done.stderr and "Traceback" not in done.stderr
    assert json.loads(done.stdout)["d"] == 6, "the result is printed all the same"
    assert oco.load_result(tmp_path) == earlier and sorted(tmp_path.iterdir()) == before


def mounted(tmp_path, options):
    """Mount a file system there, or skip: only root may, and only where the kernel lets it."""
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("there is no mount command")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", options, "tmpfs", str(tmp_path)], capture_output=True
    )
    if done.returncode != 0:
        pytest.skip("mounting is not permitted here")


@pytest.fixture
def tiny_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted(disk, "size=16k")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_of_four_pages_fills_up(tiny_disk):
    (tiny_disk / "filling").write_bytes(bytes(8192))
    done = subprocess.run([*RUN, f"--out={tiny_disk}"], capture_output=True, text=True)
    assert done.returncode == 1 and "No space left on device" in done.stderr
    assert "certificate" in done.stdout
    assert [path.name for path in tiny_disk.iterdir()] == ["filling"]


@pytest.fixture
def read_only_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted(disk, "ro")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_read_only_disk_is_found_before_the_run(read_only_disk):
    done = subprocess.run([*RUN, f"--out={read_only_disk}"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert "out: cannot write to" in done.stderr and "Read-only file system" in done.stderr


@pytest.mark.parametrize("below", ["file", "file/deeper"])
def test_a_place_below_a_file_is_found_before_the_run(tmp_path, below):
    """Binds root too, who may write anywhere else."""
    (tmp_path / "file").touch()
    done = subprocess.run([*RUN, f"--out={tmp_path / below}"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert "out: cannot write to" in done.stderr and "Traceback" not in done.stderr
