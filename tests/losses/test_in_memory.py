"""Rows in memory are played as those of a file are, and a result names them by their hash."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from scipy import sparse

import oco
from oco.losses.in_memory import rows_of
from oco.sweeps.store import key

RNG = np.random.default_rng(0)
X = np.round(RNG.standard_normal((30, 4)) * (RNG.random((30, 4)) < 0.6), 3)
Y = np.resize([0.0, 1.0], 30)


def average(**options) -> float:
    result = oco.run("s-adagrad", k=3, **options)
    assert result.summary.T == 30 and result.summary.d == 5
    return result.summary.average_loss


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "rows.npz"
    np.savez(path, X=X, y=Y)
    return average(data=path)


def test_every_way_to_hand_in_the_same_rows(expected):
    for options in (
        {"X": X, "y": Y},
        {"X": X.astype(">f8"), "y": Y.astype(int).tolist()},
        {"X": X.tolist(), "y": Y > 0},
        {"data": (X, Y)},
        {"data": np.c_[X, Y]},
        {"data": np.c_[Y, X], "label": 1},
        {"data": np.asfortranarray(np.c_[X, Y]), "label": "-1"},
        {"X": sparse.csr_array(X), "y": Y},
        {"X": sparse.coo_matrix(X), "y": Y},
        {"X": sparse.csc_array(X), "y": Y},
        {"data": sparse.csr_array(np.c_[X, Y]), "label": -1},
        {"X": X, "y": np.where(Y > 0, "yes", "no")},
        {"X": np.ma.masked_array(X), "y": np.ma.masked_array(Y)},
    ):
        assert average(**options) == pytest.approx(expected, rel=1e-12)


def test_data_frames(expected):
    pandas = pytest.importorskip("pandas", reason="makes the data frames")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    whole = frame.assign(target=Y.astype(int))
    for options in (
        {"X": frame, "y": whole["target"]},
        {"data": (frame, Y)},
        {"data": whole, "label": "target"},
        {"X": whole, "label": "target"},
        {"data": whole[["a", "target", "b", "c", "d"]], "label": "target"},
        {"data": whole.assign(target=np.where(Y > 0, "p", "n")), "label": "target"},
        {"data": whole.astype({"target": "category"}), "label": "target"},
    ):
        assert average(**options) == expected
    for options, problem in (
        ({"data": whole}, "label: not given, and a data frame needs it"),
        ({"data": whole, "label": "goal"}, "no column 'goal'; the columns are a, b, c, d, target"),
        ({"data": whole.assign(a="x"), "label": "target"}, "row 1: column 'a' is 'x'"),
        ({"X": whole.assign(a=np.nan), "label": "target"}, "row 1: column 'a' is missing"),
    ):
        with pytest.raises(ValueError, match=problem):
            oco.run("ogd", **options)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"X": X}, "y: not given"),
        ({"y": Y}, "X: not given"),
        ({"X": X, "y": Y, "data": "rows"}, "data: expected none beside X and y"),
        ({"X": X, "y": Y[:7]}, "X has 30 rows, y has 7"),
        ({"X": X, "y": Y[:, None]}, r"y must be 1-dimensional, got shape \(30, 1\)"),
        ({"X": X, "y": sparse.csr_array(Y[:, None])}, "y: expected a dense array"),
        ({"X": X, "y": Y + 1j}, "y must be real numbers or texts, got complex128"),
        ({"X": X + 1j, "y": Y}, "X: expected a 2-dimensional array of real numbers"),
        ({"X": X[0], "y": Y[:4]}, "X: expected a 2-dimensional array of real numbers"),
        ({"X": X.astype(object), "y": Y}, "X: expected a 2-dimensional array of real numbers"),
        ({"X": np.ma.masked_equal(X, 0), "y": Y}, "X: entries are masked"),
        ({"X": X, "y": np.ma.masked_equal(Y, 0)}, "y: entries are masked"),
        ({"data": (X,)}, r"data: expected a pair \(X, y\), got a tuple of 1"),
        ({"data": (X, Y), "label": 1}, "label: expected none beside y"),
        ({"data": sparse.csr_array(X)}, "label: not given, and a sparse array needs it"),
        ({"data": X, "label": 5}, "expected a number from 1 to 4"),
        ({"data": 3}, "data: expected the path of a file, an array, a data frame or a pair"),
        ({"X": np.where(X > 2, np.nan, X), "y": Y}, r"memory:30x4:\w+: row \d+: feature \d is nan"),
        ({"X": 1e200 * X, "y": Y}, r"feature \d is .*, beyond ±1e\+150"),
        ({"X": X, "y": np.ones(30)}, "every label is 1, a single class"),
        ({"X": X, "y": Y, "d": 4}, "expected d = 4"),
        ({"X": X[:0], "y": Y[:0]}, "holds 0 rows"),
        ({"X": X[:, :0], "y": Y}, "0 features"),
        ({"X": X, "y": Y, "features": 5}, "holds 4 features, expected features = 5"),
        ({"X": X, "y": Y, "labels": "y.txt"}, "labels: expected none beside rows in memory"),
    ],
)
def test_what_is_wrong_is_named(options, problem):
    with pytest.raises((TypeError, ValueError), match=problem):
        oco.run("ogd", **options)


def test_the_name_is_a_hash_of_the_values():
    text = hashlib.sha256(X.tobytes() + Y.tobytes()).hexdigest()[:16]
    assert rows_of((X, Y)).name == f"memory:30x4:{text}"
    assert rows_of((X.astype(">f8"), Y.astype(int))).name == rows_of((X, Y)).name
    others = [(X, 1 - Y), (-X, Y), (X[::-1], Y[::-1]), (X, Y.astype(str))]
    assert len({rows_of(data).name for data in [(X, Y), *others]}) == 5
    dense = X.copy()
    dense[0, 0] = 9
    same = rows_of((sparse.csr_array(dense), Y)).name
    assert (
        same == rows_of((sparse.csc_array(dense), Y)).name != rows_of((sparse.csr_array(X), Y)).name
    )


def test_a_result_names_them_and_says_that_they_cannot_be_read_again(tmp_path):
    result = oco.run("ogd", X=X, y=Y, out=tmp_path / "run")
    name = rows_of((X, Y)).name
    assert result.experiment.data == name and name in repr(result)
    loaded = oco.load_result(tmp_path / "run")
    assert loaded == result and key(loaded.experiment) == key(result.experiment)
    with pytest.raises(ValueError, match="was in memory and is stored nowhere: pass the same X"):
        oco.run("ogd", data=loaded.experiment.data)


def test_learners_are_compared_on_them(tmp_path, expected):
    results = oco.compare(["ogd", "s-adagrad"], X=X, y=Y, k=3, out=tmp_path)
    assert results[1].summary.average_loss == expected
    assert {result.experiment.data for result in results} == {rows_of((X, Y)).name}
    assert len(list(tmp_path.iterdir())) == 2


def test_runs_in_processes_of_their_own_ask_for_a_file():
    with pytest.raises(TypeError, match=r"data: expected a path, got tuple; oco\.run and oco\.com"):
        oco.tune("ogd", [0.1], data=(X, Y))
