"""A case on disk: all of it or nothing, whole again when it is read."""

from __future__ import annotations

import numpy as np
import pytest

from oco.verification import Case, load_case, load_rows, make, save_case


def test_a_case_comes_back_whole(tmp_path):
    case = make("signs", T=5, d=3, k=2, decay=0.5, seed=7)
    found, facts = load_case(save_case(tmp_path / "case.npz", case, property="step"))
    np.testing.assert_array_equal(found.rows, case.rows)
    assert (found.k, found.decay, found.seed, found.name) == (2, 0.5, 7, "signs")
    assert facts == {"property": "step"}


def test_a_writer_that_is_cut_short_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "case.npz"
    save_case(path, make("signs", T=5, d=3, k=2, decay=1.0, seed=0))
    before = path.read_bytes()

    def cut(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", cut)
    with pytest.raises(OSError, match="No space left"):
        save_case(path, make("signs", T=50, d=30, k=2, decay=1.0, seed=1))
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_checkpoints_are_the_first_rounds_the_last_and_some_between():
    rounds = Case(np.ones((1000, 2)), k=2).checkpoints
    assert {*range(1, 9), 1000} < rounds <= set(range(1, 1001)) and len(rounds) <= 24
    assert Case(np.ones((3, 2)), k=2).checkpoints == {1, 2, 3}


def test_gradients_of_one_s_own_are_mapped(tmp_path):
    np.save(tmp_path / "g.npy", np.eye(4))
    rows = load_rows(tmp_path / "g.npy")
    assert isinstance(rows, np.memmap)
    np.testing.assert_array_equal(rows, np.eye(4))
