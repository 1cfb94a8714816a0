"""Gradient files are read in windows, however large they are, and refused where they are wrong."""

import gzip
import os
import subprocess
import sys

import numpy as np
import pytest

from oco.ranks import GradientFile, advise, sketch_file, sketch_on_cluster

# Reads a file of 640 MB with 400 MB less address space than that, and says what it took at most.
LIMITED = """
import resource, sys
import numpy as np
from oco.ranks import GradientFile, advise
from oco.ranks.files import absorb_rows, sketch_file
sketch = sketch_file(sys.argv[1], 4)
used = int(next(l for l in open("/proc/self/status") if l.startswith("VmSize")).split()[1]) << 10
limit = used + (240 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
advice = advise(sketch_file(sys.argv[2], 4))
print(advice.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "g.npy"


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f8", "<i2"])
def test_any_real_numbers_are_read_exactly(path, dtype):
    rows = np.arange(12).reshape(4, 3).astype(dtype)
    np.save(path, rows)
    np.testing.assert_array_equal(GradientFile(path).read(1, 3), rows[1:3].astype(float))


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2"])
def test_columns_in_fortran_order_are_the_same_rows(path, dtype, monkeypatch):
    monkeypatch.setattr("oco.ranks.files.WINDOW", 8 * 3 * 4)
    rows = np.round(np.random.default_rng(0).standard_normal((11, 3)) * 50).astype(dtype)
    sketches = []
    for order in "CF":
        np.save(path, np.array(rows, order=order))
        file = GradientFile(path)
        for start, stop in [(0, 11), (4, 8), (10, 11), *file.windows()]:
            read = file.read(start, stop)
            np.testing.assert_array_equal(read, rows[start:stop].astype(float))
            assert read.flags.c_contiguous and read.dtype == np.float64
        sketches.append(sketch_file(path, 2))
    assert sketches[0].escaped_mass == sketches[1].escaped_mass > 0
    np.save(path, np.asfortranarray(np.where(np.arange(33).reshape(11, 3) == 16, np.nan, 1)))
    with pytest.raises(ValueError, match="row 6: entry 2 is nan"):
        sketch_file(path, 2)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match="truncated"):
        GradientFile(path)


@pytest.mark.parametrize("order", "CF")
def test_gradients_of_a_matrix_are_read_in_their_shape_where_asked_for(path, order, monkeypatch):
    monkeypatch.setattr("oco.ranks.files.WINDOW", 8 * 6 * 4)
    layer = np.random.default_rng(0).standard_normal((11, 3, 2)).astype("<f4")
    np.save(path, np.array(layer, order=order))
    file = GradientFile(path, axes=(1, 2))
    assert (file.rows, file.d, file.shape) == (11, 6, (3, 2))
    np.testing.assert_array_equal(list(file.gradients()), layer.astype(float))
    np.testing.assert_array_equal(file.read(4, 7), layer[4:7].reshape(3, 6))
    with pytest.raises(ValueError, match=r"expected an array of shape \(T, d\), got shape \(11, 3"):
        GradientFile(path)
    np.save(path, layer[:, 0])
    assert [g.shape for g in GradientFile(path, axes=(1, 2)).gradients()] == [(2,)] * 11
    np.save(path, layer[..., None])
    with pytest.raises(ValueError, match=r"shape \(T, d\) or \(T, m, n\), got shape \(11, 3, 2, 1"):
        GradientFile(path, axes=(1, 2))


def test_windows_cover_the_rows(path, monkeypatch):
    monkeypatch.setattr("oco.ranks.files.WINDOW", 8 * 3 * 4)
    np.save(path, np.ones((10, 3)))
    assert list(GradientFile(path).windows()) == [(0, 4), (4, 8), (8, 10)]
    seen = []
    assert sketch_file(path, 2, seen.append).rows == 10 and seen == [4, 8, 10]


def test_a_file_larger_than_memory_is_read_in_a_window(tmp_path):
    small, large = tmp_path / "small.npy", tmp_path / "large.npy"
    np.save(small, np.ones((8, 1000)))
    rows, d = 80_000, 1000
    with open(large, "wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (rows, d)}
        np.lib.format.write_array_header_1_0(file, header)
        # A hole that reads as zeros and takes no room on the disk.
        file.truncate(file.tell() + 8 * rows * d)
        for start in range(0, rows, rows // 8):
            file.seek(128 + 8 * d * start)
            file.write(np.ones(d).tobytes())
    result = subprocess.run(
        [sys.executable, "-c", LIMITED, str(small), str(large)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    read, growth = map(int, result.stdout.split())
    assert read == rows
    assert growth << 10 < 200 << 20, f"{growth} kB for a file of 640 MB"


BAD = {
    "empty": (b"", "not a readable"),
    "text": (b"1 2 3\n4 5 6\n", "not a readable"),
}


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_no_npy_file_is_refused(path, content, words):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        GradientFile(path)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.ones(5), r"expected an array of shape \(T, d\), got shape \(5,\)"),
        (np.ones((0, 3)), r"got shape \(0, 3\)"),
        (np.ones((2, 3), dtype=complex), "expected real numbers, got complex128"),
        (np.array([["a"]]), "expected real numbers"),
    ],
)
def test_other_arrays_are_refused(path, array, words):
    np.save(path, array)
    with pytest.raises(ValueError, match=words):
        GradientFile(path)


def test_a_pickle_is_not_loaded(path):
    np.save(path, np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="expected real numbers, got object"):
        GradientFile(path)


def test_a_truncated_file_is_named(path):
    np.save(path, np.ones((4, 3)))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"truncated: 216 bytes of 224"):
        GradientFile(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_named_with_its_row(path, value):
    rows = np.ones((7, 3))
    rows[5, 1] = value
    np.save(path, rows)
    with pytest.raises(ValueError, match=rf"row 6: entry 2 is {value}"):
        sketch_file(path, 2)


def test_the_advice_is_that_of_the_rows(path):
    rows = np.random.default_rng(0).standard_normal((500, 12)) * 0.5 ** np.arange(12)
    np.save(path, rows)
    advice = advise(sketch_file(path, 13))
    assert advice.total_mass == pytest.approx((rows**2).sum())
    root = np.sqrt(np.linalg.eigvalsh(rows.T @ rows)).sum()
    assert advice.root_trace_lo == pytest.approx(root) == pytest.approx(advice.root_trace_hi)


@pytest.mark.parametrize("order", "CF")
def test_what_is_compressed_or_comes_through_a_pipe_is_read_as_a_file_is(path, order, tmp_path):
    rows = np.random.default_rng(1).standard_normal((60, 5))
    np.save(path, np.array(rows, order=order))
    packed = tmp_path / "g.npy.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    expected = sketch_file(path, 3)
    reading, writing = os.pipe()
    # Short enough for the pipe to hold all of it.
    os.write(writing, path.read_bytes())
    os.close(writing)
    for given in (packed, f"/dev/fd/{reading}"):
        file = GradientFile(given)
        assert sketch_file(file, 3).escaped_mass == expected.escaped_mass > 0
        np.testing.assert_array_equal(file.array(), rows)
        # Again, though a pipe can be read only once.
        np.testing.assert_array_equal(file.read(10, 20), rows[10:20])
        with pytest.raises(ValueError, match="dask: expected gradients in a file that workers"):
            sketch_on_cluster(file, 3, "tcp://nowhere:1")
    os.close(reading)
    assert GradientFile(path).mapped


def test_what_unpacks_to_too_much_is_refused(path, tmp_path, monkeypatch):
    monkeypatch.setattr("oco.losses.sources.PIPE_LIMIT", 1 << 21)
    np.save(path, np.zeros((600, 1000)))
    packed = tmp_path / "g.npy.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(ValueError, match="come out of the compressed file: unpack it first"):
        GradientFile(packed)
    packed.write_bytes(packed.read_bytes()[:-400])
    with pytest.raises(ValueError, match="not a readable"):
        GradientFile(packed)
