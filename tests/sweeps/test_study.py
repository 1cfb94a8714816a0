"""A study is read into experiments, or refused with the path of the key that is wrong."""

import os

import pytest

import oco
from oco.notations import log_grid
from oco.results import Experiment
from oco.sweeps import parse_study, read_study

SHARED = "[experiment]\nd = 12\nT = 30\n"


def test_every_combination_once():
    study = parse_study(
        f"title = 'Ranks'\n{SHARED}"
        "[grid]\nalgorithm = ['s-adagrad', 'ogd']\nk = [3, 5]\nseed = { count = 3 }"
    )
    assert study.title == "Ranks"
    # Gradient descent takes no k: one experiment a seed, not one for each k.
    expected = [
        *(("s-adagrad", k, seed) for k in (3, 5) for seed in range(3)),
        *(("ogd", None, seed) for seed in range(3)),
    ]
    assert [(e.algorithm, e.k, e.seed) for e in study.experiments] == expected
    assert all((e.d, e.T) == (12, 30) for e in study.experiments)


def test_several_grids_are_a_union():
    study = parse_study(
        f"{SHARED}lr = 0.5\n[[grid]]\nalgorithm = ['ogd']\n"
        "[[grid]]\nalgorithm = ['ogd', 'adagrad']\nlr = { from = 0.01, to = 1, count = 3 }"
    )
    assert [(e.algorithm, e.lr) for e in study.experiments] == [
        ("ogd", 0.5), *((name, lr) for name in ("ogd", "adagrad") for lr in (0.01, 0.1, 1.0)),
    ]  # fmt: skip


def test_shapes_are_listed_as_texts_or_pairs():
    study = parse_study(
        """
        [experiment]
        algorithm = "s-shampoo"
        T = 10
        [grid]
        shape = ["8x4", [4, 6]]
        k = [2, 3]
        """
    )
    assert [(e.shape, e.k) for e in study.experiments] == [
        ((8, 4), 2), ((8, 4), 3), ((4, 6), 2), ((4, 6), 3),
    ]  # fmt: skip
    assert {e.stream for e in study.experiments} == {"matrix-lowrank"}
    with pytest.raises(ValueError, match=r"^grid\.shape\[1\]: expected two sizes such as 256x128"):
        parse_study('[experiment]\nalgorithm = "ogd"\nT = 5\n[grid]\nshape = ["2x2", 4]')


def test_no_grid_is_one_experiment():
    (experiment,) = parse_study(SHARED + "algorithm = 'adagrad'").experiments
    assert experiment == Experiment("adagrad", d=12, T=30)


def test_the_rates_of_a_grid_print_short():
    assert log_grid(1e-6, 1, 49)[40] == 0.1 and log_grid(1e-6, 1, 49)[48] == 1.0


BAD = {
    "syntax": ("a = [1", ["not a TOML file"]),
    "table": ("[experimnt]", ["experimnt: unknown key; did you mean 'experiment'?"]),
    "title": ("title = 3", ["title: expected a text, got 3"]),
    "option": (SHARED + "sed = 1", ["experiment.sed: unknown key; did you mean 'seed'?"]),
    "value": (SHARED + "lr = -1", ["experiment.lr: expected a finite number > 0, got -1"]),
    "type": (SHARED + "seed = 'a'", ["experiment.seed: expected an integer"]),
    "no table": ("experiment = 3", ["experiment: expected a table, got 3"]),
    "grid option": (SHARED + "[grid]\nkk = [1]", ["grid.kk: unknown key; did you mean 'k'?"]),
    "grid value": (
        SHARED + "[grid]\nalgorithm = ['ogd']\nlr = [0.1, 0.0]",
        ["grid.lr[1]: expected a finite number > 0, got 0.0"],
    ),
    "second grid": (
        SHARED + "[[grid]]\nalgorithm = ['ogd']\n[[grid]]\nalgorithm = ['ogd']\nT = [0]",
        ["grid[1].T[0]: expected an integer >= 1, got 0"],
    ),
    "not a list": (SHARED + "[grid]\nk = 3", ["grid.k: expected a list of values to try, got 3"]),
    "empty list": (SHARED + "[grid]\nk = []", ["grid.k: expected a list of values to try"]),
    "range": (SHARED + "[grid]\nk = { count = 3 }", ["grid.k: expected a list"]),
    "range's key": (
        SHARED + "[grid]\nlr = { from = 1, too = 2, count = 3 }",
        ["grid.lr.too: unknown key; did you mean 'to'?"],
    ),
    "range's count": (
        SHARED + "[grid]\nlr = { from = 1, to = 2 }",
        ["grid.lr.count: expected an integer from 1 to 100000, got None"],
    ),
    "range's end": (
        SHARED + "[grid]\nlr = { from = 0, to = 2, count = 3 }",
        ["grid.lr.from: expected a finite number > 0, got 0"],
    ),
    "no learner": (SHARED, ["experiment.algorithm: not given"]),
    "learner": (
        SHARED + "[grid]\nalgorithm = ['ogd', 's-adgrad']",
        ["grid.algorithm[1]: unknown name 's-adgrad'; did you mean 's-adagrad'?"],
    ),
    "across options": (
        SHARED + "[grid]\nalgorithm = ['ogd', 's-adagrad']\nk = [5, 99]",
        ["grid.k[1]: expected an integer from 2 to 13, got 99", "algorithm = 's-adagrad'"],
    ),
    "missing option": (
        "[experiment]\nT = 5\nalgorithm = 'ogd'",
        ["experiment.d: not given, and the stream stochastic needs it"],
    ),
    "unused": (
        SHARED + "algorithm = 'ogd'\ndelta = 2.0",
        ["experiment.delta: no learner, stream or domain of the study takes it"],
    ),
    "domain": (
        SHARED + "domain = 'unconstrained'\nalgorithm = 'ogd'",
        ["experiment.lr: expected a number > 0, got None"],
    ),
    "file": (
        "[experiment]\nalgorithm = 'ogd'\ndata = 'absent-file'",
        ["experiment.data: absent-file: no such file"],
    ),
}


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_named_with_its_path(text, words, tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises((ValueError, TypeError)) as caught:
        read_study(path)
    assert str(caught.value).startswith(f"{path}: ")
    for word in words:
        assert word in str(caught.value)


def test_a_missing_study_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.toml: no such study"):
        read_study(tmp_path / "absent.toml")


def test_integers_of_a_study_may_be_written_as_1e1():
    study = parse_study("""
    [experiment]
    T = 1e2
    d = 1_0
    [grid]
    algorithm = ["s-adagrad"]
    k = [3.0, 1e1]
    seed = { count = 2e0 }
    """)
    asked = {(e.T, e.d, e.k, e.seed) for e in study.experiments}
    assert asked == {(100, 10, k, seed) for k in (3, 10) for seed in (0, 1)}
    with pytest.raises(TypeError, match=r"^experiment.T: expected an integer >= 1, got 1.5"):
        parse_study("[experiment]\nalgorithm = 'ogd'\nd = 3\nT = 1.5e0")


def test_a_byte_order_mark_is_passed_over(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text("[experiment]\nalgorithm = 'ogd'\nd = 3\nT = 10\n", encoding="utf-8-sig")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert len(read_study(path).experiments) == 1


def test_options_of_data_are_taken_and_a_pipe_refused(tmp_path):
    (tmp_path / "rows.csv").write_text("a,y\n1,0\n2,1\n3,2\n")
    text = f"""
    [experiment]
    algorithm = "ogd"
    data = '{tmp_path / "rows.csv"}'
    label = "y"
    [grid]
    positive = [0, 1, "2"]
    """
    pytest.importorskip("pyarrow", reason="reads the table")
    (tmp_path / "study.toml").write_text(text)
    study = read_study(tmp_path / "study.toml")
    assert [experiment.positive for experiment in study.experiments] == [0.0, 1.0, 2.0]
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is a pipe, and every run reads the data"):
        oco.sweep([Experiment("ogd", data=str(tmp_path / "pipe"))], tmp_path / "out")
