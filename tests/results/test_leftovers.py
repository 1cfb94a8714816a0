"""What a killed writer left is swept at the next start; what another is writing is not."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import oco
from oco.results import leftovers, storage
from oco.sweeps import Store

PART = ".oco-0123456789abcdef.part"
# Says that it has begun to write, and then waits in the middle of it.
WRITER = """
import os, sys, time
import numpy as np
from oco.results import storage

def wait(descriptor):
    waits.append(1)
    if len(waits) == int(sys.argv[2]):
        print("writing", flush=True)
        time.sleep(60)

waits, storage.os.fsync = [], wait
storage.write(sys.argv[1], {"summary": {}}, {"number": np.arange(9.0)})
"""


def writing(folder, step):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(step)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout.readline() == "writing\n"
    return writer


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# The first and third call of fsync are within the arrays' and the document's file.
@pytest.mark.parametrize("step", [1, 3], ids=["arrays", "document"])
def test_a_writer_is_not_robbed_and_swept_after_once_it_is_killed(tmp_path, step):
    with writing(tmp_path, step) as writer:
        before = names(tmp_path)
        assert any(name.endswith(".part") for name in before)
        storage.tidy(tmp_path)
        storage.require_writable(tmp_path)
        assert names(tmp_path) == before
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert names(tmp_path) == before
    result = oco.run("ogd", d=3, T=10, out=tmp_path)
    assert oco.load_result(tmp_path) == result and len(names(tmp_path)) == 2


def test_only_what_is_ours_is_swept(tmp_path):
    kept = [
        ".oco-0123456789abcdef.part.txt", ".oco-0123.part", "x.part", "trace-0123456789abcdef.npz",
        "trace-mine.npz", "notes.txt",
    ]  # fmt: skip
    for name in (*kept, PART):
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / ".oco-fedcba9876543210.part").mkdir()
    (tmp_path / ".oco-aaaaaaaaaaaaaaaa.part").symlink_to(tmp_path / "notes.txt")
    before = set(names(tmp_path))
    storage.tidy(tmp_path)
    assert before - set(names(tmp_path)) == {PART}


def test_arrays_that_no_document_names_are_swept_in_a_directory_of_results_alone(tmp_path):
    oco.run("ogd", d=3, T=10, out=tmp_path)
    (own,) = tmp_path.glob("*.npz")
    oco.run("ogd", d=3, T=11, out=tmp_path / "other")
    (other,) = (tmp_path / "other").glob("*.npz")
    copy = tmp_path / other.name
    copy.write_bytes(other.read_bytes())
    storage.require_writable(tmp_path)
    assert copy.exists()
    storage.tidy(tmp_path)
    assert not copy.exists() and own.exists() and oco.load_result(tmp_path)
    # Whoever repairs a document may need the arrays.
    copy.write_bytes(other.read_bytes())
    (tmp_path / "result.json").write_text("damaged")
    storage.tidy(tmp_path)
    assert copy.exists() and own.exists()
    # With no document at all they belong to nothing.
    (tmp_path / "result.json").unlink()
    storage.tidy(tmp_path)
    assert list(tmp_path.glob("*.npz")) == []


def test_a_sweep_sweeps_each_of_its_folders(tmp_path):
    study = [oco.Experiment("ogd", d=3, T=10, seed=seed) for seed in range(2)]
    oco.sweep(study, tmp_path, jobs=1)
    folders = [Store(tmp_path).folder(experiment) for experiment in study]
    (tmp_path / "my own folder").mkdir()
    for folder in (tmp_path, *folders, tmp_path / "my own folder"):
        (folder / PART).write_bytes(b"half")
    (folders[0] / "result.json").unlink()
    assert oco.sweep(study, tmp_path, jobs=1).computed == 1
    assert [folder for folder in (tmp_path, *folders) if (folder / PART).exists()] == []
    assert [len(names(folder)) for folder in folders] == [2, 2]
    assert (tmp_path / "my own folder" / PART).exists()


def test_without_locks_only_what_is_old_is_swept(tmp_path, monkeypatch):
    monkeypatch.setattr(leftovers, "fcntl", None)
    old, new = tmp_path / PART, tmp_path / ".oco-fedcba9876543210.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 2 * leftovers.ABANDONED_AFTER,) * 2)
    storage.tidy(tmp_path)
    assert names(tmp_path) == [new.name]
    storage.write(tmp_path, {"summary": {}}, {"x": np.ones(3)})
    assert storage.read(tmp_path)[1]["x"].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_a_figure_is_written_wholly_or_not_at_all(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"regret{suffix}"
    path.write_bytes(b"the figure before")
    figure = oco.plots.regret(oco.run("ogd", d=3, T=10))

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage.os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            oco.plots.save(figure, path)
    assert path.read_bytes() == b"the figure before" and names(tmp_path) == [path.name]
    oco.plots.save(figure, path)
    assert len(path.read_bytes()) > 1000 and names(tmp_path) == [path.name]
