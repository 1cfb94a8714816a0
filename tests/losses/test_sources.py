"""Bytes are found whatever a file is called, however it is compressed, and through a pipe."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import threading

import numpy as np
import pytest

from oco.losses import DataFile, sources
from oco.losses.sources import fingerprint, source

TEXT = b"1 1:1 2:2\n0 2:1\n1 1:0.5\n"
ROWS = [[1.0, 2.0], [0.0, 1.0], [0.5, 0.0]]
COMPRESSED = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def rows(path, **options) -> np.ndarray:
    features, labels = next(DataFile(path=path, **options).chunks())
    np.testing.assert_array_equal(labels, [1, -1, 1])
    return features


@pytest.fixture
def write(tmp_path):
    def write(name: str, content: bytes):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("kind", COMPRESSED)
@pytest.mark.parametrize("name", ["a", "a.gz", "a.GZ", "a.bz2", "A.XZ", "a.svm.xz", "a.txt"])
def test_compression_is_told_by_the_first_bytes(kind, name, write):
    np.testing.assert_array_equal(rows(write(name, COMPRESSED[kind](TEXT))), ROWS)


@pytest.mark.parametrize("kind", COMPRESSED)
def test_arrays_are_decompressed_too(kind, write):
    table = np.c_[ROWS, [1, 0, 1]]
    for name, save, content in (
        (f"a.npy.{kind}", np.save, {"arr": table}),
        (f"a.npz.{kind}", np.savez, {"X": table[:, :2], "y": table[:, 2]}),
        (f"b.{kind}", np.save, {"arr": table}),
    ):
        buffer = io.BytesIO()
        save(buffer, **content)
        path = write(name, COMPRESSED[kind](buffer.getvalue()))
        np.testing.assert_array_equal(rows(path), ROWS)


@pytest.mark.parametrize("kind", COMPRESSED)
@pytest.mark.parametrize("name", ["a", "a.npy", "a.csv"])
def test_a_cut_or_damaged_file_is_one_line(kind, name, write):
    whole = COMPRESSED[kind](TEXT * 2000)
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    for content in (whole[: len(whole) // 2], whole[:-4], whole[:7], bytes(damaged)):
        path = write(name, content)
        options = {"label": "-1"} if name == "a.csv" else {}
        with pytest.raises(ValueError, match=r"^data: .*a(\.npy|\.csv)?: ") as caught:
            DataFile(path=path, **options)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull"),
        (b"\x28\xb5\x2f\xfd" + bytes(9), "Zstandard"),
        ("1 1:1\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(content, words, write):
    with pytest.raises(ValueError, match=words):
        DataFile(path=write("a", content))


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + TEXT,
        b"\xef\xbb\xbf\n\n  \n" + TEXT,
        TEXT.replace(b":", b": "),
        TEXT.replace(b":", b":\t  "),
        TEXT.replace(b"\n", b"\r\n"),
        TEXT.replace(b"\n", b" # 1_0:x: y\n", 1),
    ],
    ids=["mark", "mark and blank lines", "blank", "tab", "windows", "comment"],
)
def test_text_that_people_have(content, write):
    np.testing.assert_array_equal(rows(write("a", content)), ROWS)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"1_0 1:1", "the label '1_0' is not a number"),
        (b"1 1_0:1_0", "expected index:value, got '1_0:1_0'"),
        (b"1 1:1_0", "expected index:value, got '1:1_0'"),
        (b"1 qid:1_0 1:1", "an underscore is no part of a number"),
        (b"1 1 :1", "expected index:value, got '1'"),
        (b"1 1: ", "expected index:value, got '1:'"),
    ],
)
def test_malformed_entries_are_named(line, problem, write):
    with pytest.raises(ValueError) as caught:
        DataFile(path=write("a", TEXT + line + b"\n"))
    assert f": line 4: {problem}" in str(caught.value)


def test_a_line_without_an_end_is_refused(write, monkeypatch):
    monkeypatch.setattr("oco.losses.svmlight.LONGEST_LINE", 1000)
    with pytest.raises(ValueError, match="line 4: longer than 1,000 bytes"):
        DataFile(path=write("a", TEXT + b"1 1:" + b"1" * 2000))


class TestPipes:
    @pytest.fixture
    def pipe(self, tmp_path):
        """Return a named pipe into which bytes are written once."""
        writers = []

        def made(content: bytes):
            path = tmp_path / f"pipe-{len(writers)}"
            os.mkfifo(path)
            writer = threading.Thread(target=path.write_bytes, args=(content,))
            writer.start()
            writers.append(writer)
            return path

        yield made
        for writer in writers:
            writer.join()

    @pytest.mark.parametrize("compress", [bytes, *COMPRESSED.values()])
    def test_it_is_read_once_and_played_more_often(self, pipe, compress):
        path = pipe(compress(TEXT))
        for _ in range(2):
            np.testing.assert_array_equal(rows(path), ROWS)
        stream = DataFile(path=path)
        assert [len(a) for a, _ in stream.chunks()] == [len(a) for a, _ in stream.chunks()] == [3]
        assert fingerprint(str(path)) in stream.notes[0]

    def test_tables_and_arrays_come_through_it(self, pipe):
        text = b"a,b,y\n1,2,1\n0,1,0\n0.5,0,1\n"
        np.testing.assert_array_equal(rows(pipe(text), label="y"), ROWS)
        buffer = io.BytesIO()
        np.save(buffer, np.c_[ROWS, [1, 0, 1]])
        np.testing.assert_array_equal(rows(pipe(buffer.getvalue())), ROWS)

    def test_a_fault_in_it_is_named_with_its_line(self, pipe):
        with pytest.raises(ValueError, match="line 4: the label 'x' is not a number"):
            DataFile(path=pipe(TEXT + b"x 1:1\n"))

    def test_an_empty_one(self, pipe):
        with pytest.raises(ValueError, match="nothing came through the pipe"):
            DataFile(path=pipe(b""))

    def test_more_than_the_limit_is_refused(self, pipe, monkeypatch):
        monkeypatch.setattr(sources, "PIPE_LIMIT", 1 << 30)
        monkeypatch.setattr(sources, "BLOCK", 10)
        path = pipe(TEXT)
        monkeypatch.setattr(sources, "PIPE_LIMIT", 15)
        with pytest.raises(ValueError, match="came through the pipe: save them to a file"):
            DataFile(path=path)

    @pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
    def test_a_device_is_no_pipe(self, path):
        with pytest.raises(ValueError, match=f"data: {path}: is not a file: it is a device"):
            DataFile(path=path)

    def test_a_pipe_that_was_not_read_has_no_fingerprint(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        for name in (str(tmp_path / "pipe"), "-", "/dev/zero"):
            with pytest.raises(OSError, match="was not read"):
                fingerprint(name)


def test_the_head_is_that_of_the_content(write):
    found = source(write("a.npy.gz", gzip.compress(b"\x93NUMPY and so on")))
    assert (found.suffix, found.head[:6], found.path) == (".npy", b"\x93NUMPY", None)
    assert source(write("A.NPY", b"\x93NUMPY")).suffix == ".npy"
