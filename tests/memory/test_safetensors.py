"""A safetensors header is read without its data, and every way to break it is a named error."""

import json
import tracemalloc

import numpy as np
import pytest

from oco.memory import read_declared, read_shapes

GOOD = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def write(path, header, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text)
    return path


def test_a_file_of_the_reference_library(path):
    numpy = pytest.importorskip("safetensors.numpy", reason="writes the file that is read")
    tensors = {
        "weight": np.zeros((3, 4), np.float32),
        "half": np.zeros(5, np.float16),
        "scale": np.zeros((), np.float64),
        "steps": np.zeros(7, np.int64),
        "mask": np.zeros((2, 2), np.bool_),
    }
    numpy.save_file(tensors, path, metadata={"format": "np"})
    found = {parameter.name: parameter.shape for parameter in read_shapes(path)}
    assert found == {"weight": (3, 4), "half": (5,), "scale": ()}


def test_a_header_alone_is_enough(path):
    """A model far larger than the disk, of which nobody fetched the tensors."""
    size = 4 * 10**6 * 10**6
    entry = {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, size]}
    (parameter,) = read_shapes(write(path, {"__metadata__": {"a": "b"}, "w": entry}))
    assert (parameter.name, parameter.shape) == ("w", (10**6, 10**6))


def test_what_is_not_trained_is_left_out_and_said(path):
    kinds = {
        "F4": (4, 5), "F6_E2M3": (6, 7), "F6_E3M2": (6, 7), "F8_E8M0": (8, 9), "C64": (64, 72),
        "I64": (64, 72), "BF16": (16, 18), "F3_NEW": (3, 4),
    }  # fmt: skip
    header = {
        dtype: {"dtype": dtype, "shape": [3, 3], "data_offsets": [0, size]}
        for dtype, (_, size) in kinds.items()
    }
    header["more"] = header["C64"]
    header["nothing"] = {"dtype": "F32", "shape": [0, 7], "data_offsets": [0, 0]}
    declared = read_declared(write(path, header))
    names = {parameter.name for parameter in declared.parameters}
    assert (
        names == {"F4", "F6_E2M3", "F6_E3M2", "BF16"} and read_shapes(path) == declared.parameters
    )
    assert dict(declared.left_out) == {
        "of the type F8_E8M0": 1, "of the type C64": 2, "of the type I64": 1,
        "of the type F3_NEW": 1, "empty": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "it is a git-lfs pointer, not the model itself: run 'git lfs pull'",
        ),
        (
            json.dumps(
                {"metadata": {}, "weight_map": {f"w{i}": f"m-{i % 5}" for i in range(9)}}, indent=2
            ).encode(),
            "it is an index: the tensors are in m-0, m-1, m-2 and 2 more; give one of these",
        ),
        (b'{"weight_map": {"a": 3}}', "a header of"),
        (b'{"weight_map": [1]}', "a header of"),
        (b'{"weight_map"', "a header of"),
        (b"version of another thing", "a header of"),
    ],
)
def test_what_stands_in_for_a_model_is_recognised(path, content, words):
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        read_shapes(path)
    assert words in str(caught.value)


BROKEN = {
    "no object": (b"[1]", "expected a header that is an object"),
    "no JSON": (b"{'a': 1}", "the header is not JSON"),
    "no UTF-8": (b'{"\xff": 1}', "the header is not UTF-8 text"),
    "empty": ({}, "declares no tensor of real numbers"),
    "nested": (b'{"a":' + b"[" * 200_000, "nested too deeply"),
    "twice": (b'{"w": 1, "w": 2}', "names 'w' twice"),
    # The words depend on whether this Python converts that many digits.
    "huge integer": (b'{"w": ' + b"9" * 5000 + b"}", ""),
    "no entry": ({"w": 3}, "tensor 'w': expected data_offsets, dtype, shape, got 3"),
    "no offsets": ({"w": {"dtype": "F32", "shape": [1]}}, "expected data_offsets, dtype, shape"),
    "dtype": ({"w": {**GOOD, "dtype": "a\x1b]0;"}}, "tensor 'w': expected the name of a type, got"),
    "dtype type": ({"w": {**GOOD, "dtype": ["F32"]}}, "expected the name of a type"),
    "no known dtype": ({"w": {**GOOD, "dtype": "F31"}}, "declares no tensor of real numbers"),
    "shape type": ({"w": {**GOOD, "shape": "23"}}, "shape: expected a list of integers"),
    "boolean": ({"w": {**GOOD, "shape": [True, 6]}}, "shape: expected a list of integers"),
    "negative": ({"w": {**GOOD, "shape": [-2, -3]}}, "shape: expected a list of integers"),
    "fraction": ({"w": {**GOOD, "shape": [2.0, 3.0]}}, "shape: expected a list of integers"),
    "not a number": (b'{"w": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 1]}}', "shape"),
    "too large": ({"w": {**GOOD, "shape": [2**63]}}, "shape: expected a list of integers"),
    "axes": ({"w": {**GOOD, "shape": [1] * 65}}, "expected at most 64 axes, got 65"),
    "offsets": ({"w": {**GOOD, "data_offsets": [0]}}, "data_offsets: expected 2, got 1"),
    "room": ({"w": {**GOOD, "data_offsets": [0, 20]}}, "expected room for 24 bytes, got 20"),
    "backwards": ({"w": {**GOOD, "data_offsets": [24, 0]}}, "expected room for 24 bytes, got -24"),
    "empty axis": (
        {"w": {**GOOD, "shape": [2, 0], "data_offsets": [0, 0]}},
        "declares no tensor of real numbers",
    ),
    "room of an empty axis": (
        {"w": {**GOOD, "shape": [2, 0]}},
        "expected room for 0 bytes, got 24",
    ),
    "room of packed numbers": (
        {"w": {"dtype": "F4", "shape": [3, 3], "data_offsets": [0, 9]}},
        "expected room for 5 bytes, got 9",
    ),
}


@pytest.mark.parametrize(("header", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_header_is_named(path, header, words):
    write(path, header)
    with pytest.raises(ValueError, match=r"^safetensors: .*model\.safetensors: ") as error:
        read_shapes(path)
    assert words in str(error.value)
    assert len(str(error.value)) < 400 + len(str(path))


@pytest.mark.parametrize("content", [b"", b"\x01\x02\x03"])
def test_a_file_too_short_for_a_length(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"expected at least 8 bytes, got {len(content)}"):
        read_shapes(path)


@pytest.mark.parametrize(
    ("length", "words"),
    [(50, "truncated: a header of 50 bytes, of which 2 follow"), (2**64 - 1, "the format allows")],
)
def test_a_length_that_lies_costs_no_memory(path, length, words):
    write(path, b"{}", length)
    tracemalloc.start()
    with pytest.raises(ValueError, match=words):
        read_shapes(path)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_no_file(path):
    with pytest.raises(FileNotFoundError, match=r"safetensors: .*: no such file"):
        read_shapes(path)
    with pytest.raises(ValueError, match=r"safetensors: .*directory"):
        read_shapes(path.parent)
