"""A stored pair is old, new or absent: never half of one, never damaged unnoticed."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from oco.results import storage

ARRAYS = {"a": np.arange(5.0), "b.c": np.array([1, -1], dtype=np.int8)}
DOCUMENT = {"summary": {"x": 1.5, "note": "ρ ≤ Ω"}}


def fresh(folder, number=0):
    return storage.write(
        folder, {"summary": {"number": number}}, {"number": np.full(50, float(number))}
    )


def test_what_was_written_is_read(tmp_path):
    path = storage.write(tmp_path / "deep" / "er", DOCUMENT, ARRAYS)
    for where in (path, path.parent, str(path.parent)):
        document, arrays = storage.read(where)
        assert document["summary"] == DOCUMENT["summary"]
        assert list(arrays) == list(ARRAYS)
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(arrays[name], array)
            assert arrays[name].dtype == array.dtype


def test_a_second_result_replaces_the_first_and_leaves_nothing_behind(tmp_path):
    for number in (0, 1, 1, 2):
        fresh(tmp_path, number)
        document, arrays = storage.read(tmp_path)
        assert document["summary"]["number"] == number == arrays["number"][0]
        assert len(list(tmp_path.iterdir())) == 2


def test_files_are_readable_like_any_other(tmp_path):
    previous = os.umask(0o022)
    try:
        path = fresh(tmp_path)
    finally:
        os.umask(previous)
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o644}


def test_every_truncation_is_noticed(tmp_path):
    path = fresh(tmp_path)
    for file in tmp_path.iterdir():
        whole = file.read_bytes()
        for length in range(0, len(whole), 7):
            file.write_bytes(whole[:length])
            with pytest.raises(ValueError, match=r"damaged|not a result"):
                storage.read(path)
        file.write_bytes(whole)
    storage.read(path)


def test_every_flipped_bit_is_noticed_or_harmless(tmp_path):
    path = fresh(tmp_path, 3)
    document, arrays = storage.read(path)
    noticed = 0
    for file in tmp_path.iterdir():
        whole = file.read_bytes()
        for position in range(len(whole)):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << (position % 8)
            file.write_bytes(damaged)
            try:
                again, same_arrays = storage.read(path)
            except ValueError:
                noticed += 1
            else:
                # White space of the JSON: another character, the same content.
                assert file == path and again == document
                np.testing.assert_array_equal(same_arrays["number"], arrays["number"])
        file.write_bytes(whole)
    assert noticed > 500


def edited(path, **changes):
    content = json.loads(path.read_text(encoding="utf-8"))
    content.update(changes)
    del content["checksum"]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    content["checksum"] = hashlib.sha256(canonical.encode()).hexdigest()
    path.write_text(json.dumps(content), encoding="utf-8")


def test_foreign_documents_are_refused(tmp_path):
    path = fresh(tmp_path)
    edited(path, version=99)
    with pytest.raises(ValueError, match="version 99 of the format; this release reads version 1"):
        storage.read(path)
    edited(path, version=1, format="other")
    with pytest.raises(ValueError, match="not a result of oco"):
        storage.read(path)
    for text in ("[]", "3", "{}", "[" * 100_000, '{"format": NaN}', "\xff"):
        path.write_text(text, encoding="latin-1")
        with pytest.raises(ValueError, match="not a result of oco"):
            storage.read(path)


def test_a_document_cannot_name_a_file_elsewhere(tmp_path):
    path = fresh(tmp_path / "inner")
    entry = json.loads(path.read_text(encoding="utf-8"))["arrays"]
    outside = tmp_path / entry["file"]
    (tmp_path / "inner" / entry["file"]).rename(outside)
    edited(path, arrays=entry | {"file": f"../{entry['file']}"})
    with pytest.raises(ValueError, match="that oco would not write"):
        storage.read(path)


def test_objects_are_refused_not_pickled(tmp_path):
    with pytest.raises(ValueError, match="a: expected an array of numbers, got object"):
        storage.write(tmp_path, DOCUMENT, {"a": np.array([{}], dtype=object)})
    assert not (tmp_path / storage.DOCUMENT).exists()


def test_a_missing_half_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such result"):
        storage.read(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such result"):
        storage.read(tmp_path / "nowhere")
    path = fresh(tmp_path)
    next(tmp_path.glob("*.npz")).unlink()
    with pytest.raises(ValueError, match=r"trace-[0-9a-f]+\.npz that belongs to it is missing"):
        storage.read(path)


def test_a_reader_that_meets_a_writer_reads_the_new_pair(tmp_path, monkeypatch):
    fresh(tmp_path, 0)
    read_arrays, overtaken = storage.read_arrays, []

    def overtake(path, entry):
        if not overtaken:
            overtaken.append(True)
            fresh(tmp_path, 1)
        return read_arrays(path, entry)

    monkeypatch.setattr(storage, "read_arrays", overtake)
    document, arrays = storage.read(tmp_path)
    assert document["summary"]["number"] == 1 == arrays["number"][0]


def test_a_full_disk_leaves_the_old_pair(tmp_path, monkeypatch):
    fresh(tmp_path, 0)
    before = sorted(tmp_path.iterdir())

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        fresh(tmp_path, 1)
    assert sorted(tmp_path.iterdir()) == before
    assert storage.read(tmp_path)[0]["summary"]["number"] == 0


def test_a_document_that_is_not_json_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        storage.write(tmp_path, {"x": float("nan")}, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", [False, True])
def test_a_directory_that_is_a_file_is_refused(tmp_path, below):
    (tmp_path / "file").touch()
    directory = tmp_path / "file" / "deep" if below else tmp_path / "file"
    with pytest.raises(ValueError, match=r"^out: cannot write to .*directory"):
        storage.require_writable(directory)


def test_a_read_only_directory_is_refused(tmp_path, monkeypatch):
    def refuse(**settings):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(storage.tempfile, "TemporaryFile", refuse)
    with pytest.raises(ValueError, match=r"^plot: cannot write to .* \(Read-only file system\)"):
        storage.require_writable(tmp_path, "plot")


WRITER = """
import sys
import numpy as np
from oco.results import storage

number = 0
while True:
    number += 1
    values = np.full(20_000, float(number))
    storage.write(sys.argv[1], {"summary": {"number": number}}, {"number": values})
    print(number, flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_pair(tmp_path):
    rng = random.Random(0)
    for attempt in range(8):
        folder = tmp_path / str(attempt)
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True
        ) as writer:
            first = writer.stdout.readline()
            time.sleep(rng.uniform(0, 0.03))
            writer.send_signal(signal.SIGKILL)
            finished = int((first + writer.stdout.read()).split()[-1])
        document, arrays = storage.read(folder)
        number = document["summary"]["number"]
        # The pair that was reported last, or the one that was being written.
        assert number in (finished, finished + 1)
        np.testing.assert_array_equal(arrays["number"], np.full(20_000, float(number)))
