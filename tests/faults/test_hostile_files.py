"""Files made to hurt: bombs, pickles, lines without end, indices out of this world."""

from __future__ import annotations

import io
import pickle
import struct
import subprocess
import sys
import time
import zipfile
import zlib

import numpy as np
import pytest

import oco
from oco.losses import DataFile, readers
from oco.results import storage
from oco.verification import load_case, load_rows

MEGABYTE = 1 << 20


def member(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def header(shape: tuple) -> bytes:
    buffer = io.BytesIO()
    facts = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, facts)
    return buffer.getvalue()


def bomb(path, megabytes: int, name: str = "X") -> None:
    """Write an .npz whose array `name` is that many megabytes of zeros, a thousandth on disk.

    The compressed zeros are made once and repeated: a full flush makes them independent.
    """
    rows = megabytes * MEGABYTE // 8
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = squeeze.compress(header((rows, 1))) + squeeze.flush(zlib.Z_FULL_FLUSH)
    block = squeeze.compress(bytes(MEGABYTE)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    packed = start + megabytes * block + squeeze.flush()
    crc = zlib.crc32(header((rows, 1)))
    for _ in range(megabytes):
        crc = zlib.crc32(bytes(MEGABYTE), crc)
    size = len(header((rows, 1))) + megabytes * MEGABYTE
    file_name = f"{name}.npy".encode()
    extra = struct.pack("<HHQQ", 1, 16, size, len(packed))
    common = struct.pack("<HHHHHIII", 45, 0, 8, 0, 0, crc, 0xFFFFFFFF, 0xFFFFFFFF)
    local = b"PK\3\4" + common + struct.pack("<HH", len(file_name), len(extra))
    entry = b"PK\1\2" + struct.pack("<H", 45) + common
    entry += struct.pack("<HHHHHII", len(file_name), len(extra), 0, 0, 0, 0, 0)
    body = local + file_name + extra + packed
    directory = entry + file_name + extra
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), len(body), 0)
    path.write_bytes(body + directory + end)


def test_the_bomb_is_one(tmp_path):
    path = tmp_path / "bomb.npz"
    bomb(path, 8)
    assert path.stat().st_size < 8 * MEGABYTE / 500
    with np.load(path) as archive:
        assert archive["X"].shape == (MEGABYTE, 1) and not archive["X"].any()


LIMITED = """
import resource, sys
import oco, oco.verification, oco.losses
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20),) * 2)
load = eval(sys.argv[1])
try:
    load(sys.argv[2])
except ValueError as error:
    print(error)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory by /proc")
@pytest.mark.parametrize(
    "load, name",
    [("lambda p: oco.losses.DataFile(path=p)", "X"), ("oco.verification.load_case", "rows")],
)
def test_a_zip_bomb_beyond_the_memory_is_one_line(tmp_path, load, name):
    path = tmp_path / "bomb.npz"
    bomb(path, 512, name)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, load, str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert str(path) in done.stdout and done.stdout.count("\n") == 1


def test_an_archive_that_says_it_is_larger_than_the_memory_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "bomb.npz"
    bomb(path, 8)
    monkeypatch.setattr(readers, "physical_memory", lambda: 4 * MEGABYTE)
    with pytest.raises(ValueError, match="more than the memory of this machine"):
        DataFile(path=path)


def test_a_header_that_claims_a_petabyte_is_one_line(tmp_path):
    lying = header((1 << 47, 1)) + bytes(64)
    (tmp_path / "a.npy").write_bytes(lying)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("X.npy", lying)
        archive.writestr("y.npy", member(np.ones(3)))
        archive.writestr("rows.npy", lying)
        archive.writestr("about.npy", member(np.array("{}")))
    for load, name in [
        (lambda path: DataFile(path=path), "a.npy"),
        (lambda path: DataFile(path=path), "a.npz"),
        (load_rows, "a.npy"),
        (load_case, "a.npz"),
    ]:
        with pytest.raises(ValueError, match=name):
            load(tmp_path / name)


def test_a_member_that_is_no_array_is_refused(tmp_path):
    """NumPy hands such members out as bytes."""
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("X", "y", "rows"):
            archive.writestr(name, b"not an array")
        archive.writestr("about.npy", member(np.array('{"k":2,"decay":1,"seed":0,"name":""}')))
    with pytest.raises(ValueError, match="X is not an array"):
        DataFile(path=path)
    with pytest.raises(ValueError, match="'X' is not an array"):
        load_case(path)


class Pickled:
    """Leaves a directory behind when it is unpickled."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        import os

        return os.mkdir, (self.trace,)


@pytest.mark.parametrize("container", ["bare", "npy", "npz"])
def test_a_pickle_is_refused_and_not_run(tmp_path, container):
    trace = tmp_path / "unpickled"
    objects = np.array([[Pickled(trace)]], dtype=object)
    saved = tmp_path / "result"
    oco.run("ogd", d=3, T=10, out=saved)
    path = tmp_path / ("a.npy" if container == "npy" else "a.npz")
    if container == "bare":
        path.write_bytes(pickle.dumps(Pickled(trace)))
    elif container == "npy":
        np.save(path, objects, allow_pickle=True)
    else:
        np.savez(path, rows=objects, about=objects, X=objects, y=objects)
    for load in (load_rows, load_case, lambda path: DataFile(path=path)):
        with pytest.raises(ValueError, match=str(path)):
            load(path)
    # In the place of a result's arrays, with the right checksum in the right document.
    storage.write(saved, {"summary": {}}, {"t": np.ones(1)})
    document, _ = storage.read(saved)
    (saved / document["arrays"]["file"]).write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match="does not match its checksum"):
        oco.load_result(saved)
    assert not trace.exists()


@pytest.mark.parametrize(
    "line",
    [
        b"1 " + b"9" * (10 * MEGABYTE),
        b"1 1:" + b"1" * (10 * MEGABYTE),
        b"1" * (10 * MEGABYTE),
        b" " * (10 * MEGABYTE) + b"x",
        b"1 " + b"1:1 " * (2 * MEGABYTE),
        b"\0" * (10 * MEGABYTE),
    ],
    ids=["index", "value", "label", "blanks", "entries", "zeros"],
)
def test_a_line_of_ten_megabytes_is_answered_soon_and_briefly(tmp_path, line):
    path = tmp_path / "rows"
    path.write_bytes(line + b"\n")
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"^data: ") as caught:
        DataFile(path=path)
    assert len(str(caught.value)) < 1000
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "index", [-1, 0, 2**31 - 1, 2**31, 2**32 + 1, 2**63 - 1, 2**63, 2**64 + 1, 10**30]
)
def test_an_index_out_of_range_is_named_with_its_line(tmp_path, index):
    path = tmp_path / "rows"
    path.write_text(f"1 1:1\n-1 {index}:1\n")
    with pytest.raises(ValueError, match=rf"line 2: feature indices run from 1 .*{index}"):
        DataFile(path=path)


@pytest.mark.parametrize("suffix", ["", ".npy", ".npz", ".json"])
def test_a_directory_is_not_a_file(tmp_path, suffix):
    path = tmp_path / f"directory{suffix}"
    path.mkdir()
    for load in (load_rows, load_case, lambda path: DataFile(path=path)):
        with pytest.raises(ValueError, match="directory"):
            load(path)
    with pytest.raises(FileNotFoundError, match="directory"):
        oco.load_result(path)
