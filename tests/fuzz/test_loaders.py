"""Whatever bytes a file holds, a loader returns data or raises the one error it promises."""

from __future__ import annotations

import io
import json

import hypothesis_profiles  # registers the profiles
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import oco
from oco.losses import DataFile
from oco.results import storage
from oco.verification import load_case, load_rows, make, save_case

assert hypothesis_profiles.LOADED
SVMLIGHT = b"+1 1:0.5 3:-2e3 # comment\n-1 2:1\n1 qid:3 1:nan\n\n0 4:1e400\n"
# Pieces that parsers treat in a way of their own.
PIECES = [b"1:", b":1", b"-1", b" ", b"\n", b"\0", b"#", b"qid:1", b"nan", b"inf", b"1e999"]
PIECES += [b"9223372036854775808:1", b"-9223372036854775809:1", b"4294967296:1", b"1_0:1_0"]
PIECES += [b"\xff\xfe", "١:٢".encode(), b"0x10:1", b"1:1 1:1", b"2:1 1:1", b"PK\3\4", b"\x93NUMPY"]


def packed(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def plain(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


NPZ = packed(X=np.eye(3), y=np.array([1.0, -1.0, 1.0]))
NPY = plain(np.eye(3))


@st.composite
def damaged(draw, *seeds: bytes) -> bytes:
    """One of the seeds with a few edits: bytes changed, pieces put in, parts cut or repeated."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        edit = draw(st.sampled_from(["change", "insert", "cut", "repeat", "truncate"]))
        if edit == "change" and at < len(data):
            data[at] = draw(st.integers(0, 255))
        elif edit == "insert":
            data[at:at] = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8)))
        elif edit == "cut":
            del data[at : at + draw(st.integers(1, 32))]
        elif edit == "repeat":
            data[at:at] = data[at : at + draw(st.integers(1, 64))]
        elif edit == "truncate":
            del data[at:]
    return bytes(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@given(content=damaged(SVMLIGHT), bias=st.booleans())
@example(content=b"1 9223372036854775808:1\n", bias=False)
@example(content=b"1 -1:1\n-1 1:1\n", bias=True)
@example(content=b"1 1:1e308 2:1e308\n-1 1:1\n", bias=False)
@example(content=b"1\n-1\n", bias=False)
def test_svmlight(folder, content, bias):
    _read_as(folder / "rows", content, bias)


@given(content=damaged(NPZ), bias=st.booleans())
def test_npz(folder, content, bias):
    _read_as(folder / "rows.npz", content, bias)


@given(content=damaged(NPY), bias=st.booleans())
def test_npy(folder, content, bias):
    _read_as(folder / "rows.npy", content, bias)


def _read_as(path, content, bias):
    path.write_bytes(content)
    try:
        stream = DataFile(path=path, bias=bias)
    except ValueError as error:
        assert str(error).startswith("data: ")
        return
    for features, labels in stream.chunks():
        assert np.isfinite(features).all() and np.isfinite(labels).all()
        assert features.shape == (len(labels), stream.d)
        lengths = np.sqrt(np.einsum("ij,ij->i", features / 1e200, features / 1e200)) * 1e200
        assert np.all(lengths <= stream.feature_norm * (1 + 1e-12) + 1e-150)


@given(content=damaged(NPY, plain(np.array([[1e200, 0.0]])), plain(np.array(["x"]))))
def test_gradients(folder, content):
    path = folder / "gradients.npy"
    path.write_bytes(content)
    try:
        rows = load_rows(path)
    except ValueError as error:
        assert str(error).startswith("grads: ")
        return
    with np.errstate(over="ignore"):
        assert np.isfinite(np.sum(np.square(rows, dtype=np.float64)))


@pytest.fixture(scope="module")
def counterexample(folder):
    case = make("signs", T=3, d=2, k=2, decay=0.5, seed=1)
    return save_case(
        folder / "seed.npz", case, property="P1-under", check="guarantees"
    ).read_bytes()


@given(data=st.data())
def test_counterexamples(folder, counterexample, data):
    path = folder / "replay.npz"
    path.write_bytes(data.draw(damaged(counterexample)))
    _loads_or_refuses(load_case, path)


ABOUT = {"k": 2, "decay": 1.0, "seed": 0, "name": "x"}
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(about=st.one_of(JSON, st.fixed_dictionaries({name: JSON for name in ABOUT})))
def test_counterexamples_about_anything(folder, about):
    path = folder / "about.npz"
    path.write_bytes(packed(rows=np.eye(2), about=np.array(json.dumps(about))))
    _loads_or_refuses(load_case, path)


def _loads_or_refuses(load, path):
    try:
        load(path)
    except (ValueError, TypeError) as error:
        assert str(error)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    directory = tmp_path_factory.mktemp("result")
    oco.run("s-adagrad", d=4, k=2, T=20, out=directory)
    return directory


@given(data=st.data())
def test_result_documents(saved, folder, data):
    content = data.draw(damaged((saved / storage.DOCUMENT).read_bytes()))
    path = folder / storage.DOCUMENT
    path.write_bytes(content)
    _loads_or_refuses(oco.load_result, path)


@given(data=st.data())
def test_result_documents_with_a_sound_checksum(saved, data):
    """Anything in the place of any part, sealed again: as far as a forger would go."""
    document = json.loads((saved / storage.DOCUMENT).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        holder = document
        while True:
            key = data.draw(st.sampled_from(_keys(holder)))
            if _keys(holder[key]) and data.draw(st.booleans()):
                holder = holder[key]
                continue
            holder[key] = data.draw(JSON)
            break
        if not _keys(document):
            break
    forged = saved / "forged.json"
    try:
        document.pop("checksum", None)
        kind, version = document.pop("format", None), document.pop("version", None)
        sealed = storage.sealed(kind, version, document)
    except ValueError:
        return
    forged.write_bytes(sealed)
    _loads_or_refuses(oco.load_result, forged)


def _keys(value) -> list:
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []
