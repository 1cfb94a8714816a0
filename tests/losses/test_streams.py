from __future__ import annotations

import hashlib
import inspect
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from oco.losses import (
    LOSSES,
    MARGIN_LOSSES,
    MATRIX_STREAMS,
    STREAMS,
    DataFile,
    Recorded,
    Stream,
    streams,
)

SYNTHETIC = {name: cls for name, cls in STREAMS.items() if name != "data"}
LINEAR_ONLY = ("rademacher", "orthonormal", "matrix-lowrank", "matrix-rotating")
each_stream = pytest.mark.parametrize("cls", SYNTHETIC.values(), ids=SYNTHETIC)


def made(cls, d, T, **options) -> Stream:
    """Return the stream; where x is a matrix, one with d columns."""
    size = {"shape": (3, d)} if cls.name in MATRIX_STREAMS else {"d": d}
    return cls(**size, T=T, **options)


def together(stream, stop=None) -> tuple[np.ndarray, np.ndarray]:
    chunks = list(stream.chunks(stop))
    return np.concatenate([a for a, _ in chunks]), np.concatenate([y for _, y in chunks])


def digests() -> dict[str, str]:
    """Hash the rows of every synthetic stream."""
    result = {}
    for name, cls in SYNTHETIC.items():
        features, labels = together(made(cls, d=37, T=1100, seed=5))
        result[name] = hashlib.sha256(features.tobytes() + labels.tobytes()).hexdigest()
    return result


@each_stream
def test_rows_are_what_they_should_be(cls):
    stream = made(cls, d=37, T=2500, seed=1)
    chunks = list(stream.chunks())
    assert [len(y) for _, y in chunks] == [1024, 1024, 452]
    features, labels = together(stream)
    assert features.dtype == labels.dtype == np.float64
    assert all(a.flags.c_contiguous for a, _ in chunks)
    norms = np.linalg.norm(features, axis=1)
    np.testing.assert_allclose(norms, 1.0, rtol=1e-13)
    assert norms.max() <= stream.feature_norm * (1 + 1e-13)
    if stream.adaptive:
        assert np.isnan(labels).all()
    else:
        assert np.max(np.abs(labels)) <= stream.label_bound


@each_stream
def test_a_second_pass_gives_the_same_rows(cls, monkeypatch):
    monkeypatch.setattr(streams, "MEMORY", 0)
    stream = made(cls, d=9, T=1500, seed=2)
    for first, second in zip(together(stream), together(stream), strict=True):
        np.testing.assert_array_equal(first, second)


@each_stream
@pytest.mark.parametrize("memory", [0, streams.MEMORY])
def test_any_stop_gives_the_first_rows(cls, memory, monkeypatch):
    monkeypatch.setattr(streams, "MEMORY", memory)
    stream = made(cls, d=11, T=2100, seed=2)
    features, labels = together(stream)
    assert list(stream.chunks(0)) == []
    for stop in (1, 2, 1023, 1024, 1025, 2048, 2099, 2100):
        some_features, some_labels = together(stream, stop)
        np.testing.assert_array_equal(some_features, features[:stop])
        np.testing.assert_array_equal(some_labels, labels[:stop])


@each_stream
def test_the_chunk_size_changes_nothing(cls, monkeypatch):
    expected = together(made(cls, d=37, T=1100, seed=5))
    for size in (1, 7, 100, 5000):
        monkeypatch.setattr(streams, "CHUNK", size)
        for whole, cut in zip(expected, together(made(cls, d=37, T=1100, seed=5)), strict=True):
            np.testing.assert_array_equal(cut, whole)


def test_the_chunk_size_changes_no_bit_of_real_labels(monkeypatch):
    arguments = {"d": 203, "T": 700, "loss": LOSSES["squared"]}
    expected = together(STREAMS["stochastic"](**arguments))[1]
    for size in (1, 2, 3, 7, 100):
        monkeypatch.setattr(streams, "CHUNK", size)
        np.testing.assert_array_equal(together(STREAMS["stochastic"](**arguments))[1], expected)


def test_another_process_gives_the_same_rows():
    code = (
        "import importlib.util, json, sys\n"
        "spec = importlib.util.spec_from_file_location('this_test', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print(json.dumps(module.digests()))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "77"}
    done = subprocess.run(
        [sys.executable, "-c", code, __file__],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == digests()


@each_stream
def test_seeds_differ(cls):
    first, second = (together(made(cls, d=20, T=50, seed=seed))[0] for seed in (0, 1))
    assert np.abs(first - second).max() > 0.1


@each_stream
def test_a_longer_game_begins_like_a_shorter_one(cls):
    if "turns" in inspect.signature(cls).parameters:  # by the fraction t/T of its angle
        return
    shorter, longer = made(cls, d=6, T=40), made(cls, d=6, T=1400)
    for some, more in zip(together(shorter), together(longer, 40), strict=True):
        np.testing.assert_array_equal(some, more)


@each_stream
def test_one_dimension(cls):
    features, _ = together(made(cls, d=1, T=5))
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1.0)


def test_huge_games_are_not_held_in_memory():
    stream = STREAMS["stochastic"](d=1000, T=10**6)
    first = next(stream.chunks())[0]
    again = next(stream.chunks())[0]
    assert not np.shares_memory(first, again)
    np.testing.assert_array_equal(first, again)
    assert not stream.kept


def test_games_that_fit_are_generated_once():
    stream = STREAMS["stochastic"](d=10, T=2000)
    for (first, _), (again, _) in zip(stream.chunks(), stream.chunks(1500), strict=True):
        assert np.shares_memory(first, again)
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 0.0


def test_chunks_of_huge_dimension_stay_small():
    for d in (1, 1000, 8192, 8193, 10**6, 10**9):
        rows = streams.chunk_rows(d)
        assert 1 <= rows <= streams.CHUNK
        assert rows == 1 or rows * d * 8 <= streams.CHUNK_BYTES


@each_stream
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"T": 0}, "T: expected an integer >= 1, got 0"),
        ({"T": 1.5}, "T: expected an integer >= 1"),
        ({"d": 0}, "d: expected an integer >= 1"),
        ({"seed": -1}, "seed: expected an integer >= 0"),
    ],
)
def test_bad_arguments(cls, wrong, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        made(cls, **({"d": 3, "T": 5} | wrong))
    size = "shape" if cls.name in MATRIX_STREAMS else "d"
    assert str(caught.value).startswith(message if message[0] != "d" else f"{size}:")


@pytest.mark.parametrize("stop", [-1, 6, 2.0])
def test_bad_stop(stop):
    with pytest.raises((TypeError, ValueError), match=r"^stop: expected an integer from 0 to 5"):
        list(STREAMS["starve"](d=3, T=5).chunks(stop))


def test_which_losses_a_stream_supports():
    for name, cls in STREAMS.items():
        supported = {loss for loss in LOSSES if cls.supports(loss)}
        expected = {
            "multiclass": {"softmax"},
            "data": set(LOSSES),
            **{name: {"linear"} for name in LINEAR_ONLY},
        }.get(name, set(MARGIN_LOSSES))
        assert supported == expected
        assert cls.default_loss in supported
        assert cls.name == name
        for loss in set(MARGIN_LOSSES) - supported:
            with pytest.raises(ValueError, match=rf"^loss: the {name} stream .* got '{loss}'"):
                made(cls, d=3, T=5, loss=LOSSES[loss])


class TestRecorded:
    labels = np.where(np.arange(1500) % 3, 1.0, -1.0)

    def test_it_puts_the_labels_in(self):
        stream = STREAMS["adversary"](d=4, T=1500)
        recorded = Recorded(stream, self.labels)
        features, labels = together(recorded)
        np.testing.assert_array_equal(features, together(stream)[0])
        np.testing.assert_array_equal(labels, self.labels)
        np.testing.assert_array_equal(together(recorded, 1100)[1], self.labels[:1100])
        assert (recorded.d, recorded.T, recorded.adaptive) == (4, 1500, False)
        assert (recorded.feature_norm, recorded.label_bound) == (1.0, 1.0)

    def test_a_game_that_was_cut_short(self):
        recorded = Recorded(STREAMS["starve"](d=4, T=2000), self.labels)
        assert recorded.T == 1500
        assert len(together(recorded)[1]) == 1500
        assert list(Recorded(STREAMS["starve"](d=4, T=2000), []).chunks()) == []

    def test_it_is_replayed_from_memory(self):
        recorded = Recorded(STREAMS["stochastic"](d=4, T=1500), self.labels)
        assert np.shares_memory(next(recorded.chunks())[0], next(recorded.chunks())[0])

    def test_bad_labels(self):
        stream = STREAMS["starve"](d=4, T=3)
        with pytest.raises(ValueError, match=r"^labels: expected at most T = 3 of them, got 4"):
            Recorded(stream, np.ones(4))
        with pytest.raises(ValueError, match=r"^labels: expected finite numbers"):
            Recorded(stream, [1.0, np.nan])
        with pytest.raises(ValueError, match=r"^stop: "):
            list(Recorded(stream, np.ones(2)).chunks(3))


class TestOwnStream:
    def test_rows_is_all_it_takes(self):
        class Basis(Stream):
            def rows(self, start, stop):
                return np.eye(self.d, dtype=int)[np.arange(start, stop) % self.d], [1] * (
                    stop - start
                )

        features, labels = together(Basis(3, 4))
        np.testing.assert_array_equal(features, np.eye(3)[[0, 1, 2, 0]])
        np.testing.assert_array_equal(labels, 1.0)
        assert Basis.supports("anything")

    def test_rows_of_the_wrong_shape_are_refused(self):
        class Transposed(Stream):
            def rows(self, start, stop):
                return np.zeros((self.d, stop - start)), np.zeros(stop - start)

        with pytest.raises(
            ValueError, match=r"^stream: custom must give features of shape \(7, 3\)"
        ):
            list(Transposed(3, 7).chunks())

    def test_writing_to_its_own_arrays_is_its_business(self):
        class Buffered(Stream):
            def __init__(self):
                super().__init__(2, 3)
                self.buffer = np.zeros((3, 2))

            def rows(self, start, stop):
                return self.buffer, np.zeros(3)

        stream = Buffered()
        list(stream.chunks())
        stream.buffer[0, 0] = 1.0


def test_data_is_one_of_the_streams():
    assert STREAMS["data"] is DataFile
