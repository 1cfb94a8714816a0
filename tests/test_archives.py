"""What a header claims is held against what is there before anything is made."""

import io
import os
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from oco.archives import read_regular, require_shape, unpack

MEGABYTE = 1 << 20


def packed(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def header(shape, descr="<f8"):
    buffer = io.BytesIO()
    facts = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, facts)
    return buffer.getvalue()


def archive(compression=zipfile.ZIP_STORED, **members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as made:
        for name, content in members.items():
            made.writestr(f"{name}.npy", content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3.5),
        np.empty((0, 4)),
        np.array([1, -1], dtype=np.int8),
        np.array("a text, ρ"),
        np.arange(3, dtype=">f4"),
    ],
    ids=["C", "Fortran", "scalar", "empty", "bytes", "text", "big-endian"],
)
def test_what_numpy_writes_is_read(array):
    found = unpack(packed(a=array, b=array))
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(found["a"], array)
    assert found["a"].dtype == array.dtype and found["a"].flags.writeable


def allocated(call):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError) as error:
            call()
        return str(error.value), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def overlapping():
    """Two entries of one member: each may claim the whole file."""
    content = header((MEGABYTE // 8,)) + bytes(MEGABYTE)
    whole = archive(a=content)
    start = whole.index(b"PK\1\2")
    end = whole.index(b"PK\5\6")
    entry = whole[start:end]
    ending = struct.pack("<HHHHIIH", 0, 0, 2, 2, 2 * len(entry), start, 0)
    return whole[:start] + entry + entry.replace(b"a.npy", b"b.npy") + b"PK\5\6" + ending


def hostile():
    zeros = header((256 * MEGABYTE // 8,)) + bytes(256 * MEGABYTE)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=np.zeros(3))
    yield "compressed", buffer.getvalue(), "its arrays are compressed"
    yield "a bomb", archive(zipfile.ZIP_DEFLATED, x=zeros), "its arrays are compressed"
    for shape in ((1 << 47,), (1 << 62, 1 << 62), (10**30,), (-1,), (2,)):
        yield str(shape), archive(x=header(shape) + bytes(64)), "is not what it holds"
    yield "objects", archive(x=header((1,), "|O") + bytes(8)), "holds objects"
    yield "version 9", archive(x=b"\x93NUMPY\t\0" + bytes(64)), "is not an array"
    yield "no array", archive(x=b"no array"), "is not an array"
    yield "overlapping", overlapping(), "more than its size"
    yield "no archive", b"PK", "not a zip file"
    yield "cut", packed(x=np.arange(9.0))[:-30], "not a zip file"


HOSTILE = {name: (content, message) for name, content, message in hostile()}


@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
def test_what_numpy_would_not_write_is_refused_before_it_takes_memory(content, message):
    said, peak = allocated(lambda: unpack(content))
    assert message in said and peak < 4 * MEGABYTE


@pytest.mark.parametrize("kind", ["device", "pipe", "directory", "link to a device"])
def test_only_regular_files_are_opened(tmp_path, kind):
    path = tmp_path / "thing"
    if kind == "device":
        path = "/dev/zero"
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(ValueError, match="not a regular file"):
        read_regular(path)


def test_a_file_of_more_than_the_memory_is_one_line(tmp_path):
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(1 << 42)
    with pytest.raises(ValueError, match="4,398,046,511,104 bytes are more than the memory"):
        read_regular(tmp_path / "sparse")


def test_shapes_are_compared_axis_by_axis():
    require_shape("x", np.zeros((2, 3)), (2, None), "f")
    require_shape("x", np.zeros(0, dtype=float), (0,), "i")
    for array, shape, kind in [
        (np.zeros((2, 3)), (2,), "f"),
        (np.zeros((2, 3)), (None, 2), "f"),
        (np.zeros(3), (3,), "i"),
        (np.zeros(3, dtype=complex), (3,), "f"),
    ]:
        with pytest.raises(ValueError, match=r"^x: expected (real|whole) numbers of shape \("):
            require_shape("x", array, shape, kind)
