"""A directory of runs: named by content, whole or not there, readable as a table."""

import hashlib
import json

import numpy as np
import pytest

import oco
from oco.results import Experiment
from oco.sweeps import Outcome, Store
from oco.sweeps.outcomes import attempt
from oco.sweeps.store import key

SMALL = Experiment("s-adagrad", d=6, k=3, T=40)


def test_the_key_depends_on_every_option():
    changes = {
        "algorithm": "ogd", "loss": "hinge", "stream": "drift", "domain": "box", "d": 7, "k": 4,
        "shape": (3, 2), "T": 41, "seed": 1, "lr": 0.1, "delta": 2.0, "alpha": 0.5,
        "grid": "0.1:1:3",
        "radius": 2.0, "lower": -2.0, "upper": 2.0,
        "spectrum": "flat", "noise": 0.2, "turns": 0.5, "r": 2, "bias": False, "features": 9,
        "positive": 1.0, "label": "y", "checkpoints": 4, "prefix_regret": True, "gap": 0.01,
        "dynamic": 2,
        "semiaxes": 2.0, "spectra": "none", "bracket_k": 5,
    }  # fmt: skip
    assert set(changes) | {"data", "labels"} == set(Experiment.__dataclass_fields__)
    keys = {key(SMALL.replace(**{name: value})) for name, value in changes.items()} | {key(SMALL)}
    assert len(keys) == len(changes) + 1


def test_a_data_file_counts_with_its_content(tmp_path):
    paths = [tmp_path / name for name in ("a.npy", "b.npy", "c.npy")]
    rows = np.array([[1.0, 2.0, 1.0], [0.5, 1.0, -1.0]])
    for path, content in zip(paths, (rows, rows, 2 * rows), strict=True):
        np.save(path, content)
    first, same, other = (key(Experiment("ogd", data=str(path))) for path in paths)
    assert first == same != other


def test_a_file_of_labels_counts_with_its_content(tmp_path):
    rows = tmp_path / "X.npy"
    np.save(rows, np.eye(2))
    keys = []
    for name, labels in (("a", "0 1"), ("b", "0 1"), ("c", "1 0")):
        (tmp_path / name).write_text(labels.replace(" ", "\n"))
        keys.append(key(Experiment("ogd", data=rows, labels=tmp_path / name)))
    assert keys[0] == keys[1] != keys[2]


def test_an_option_that_was_not_given_names_no_run():
    content = {name: value for name, value in SMALL.plain().items() if value is not None}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())
    assert key(SMALL) == f"s-adagrad-{digest.hexdigest()[:16]}"


def test_an_outcome_survives(tmp_path):
    store, outcome = Store(tmp_path), attempt(SMALL)
    store.save(outcome)
    assert store.saved(SMALL).result == outcome.result
    assert store.saved(SMALL.replace(seed=1)) is None


def test_a_failure_is_kept_until_it_succeeds(tmp_path):
    store = Store(tmp_path)
    store.save(Outcome(SMALL, None, "ValueError: it broke"))
    (found,) = store.outcomes()
    assert (found.result, found.message, found.experiment) == (None, "ValueError: it broke", SMALL)
    assert store.saved(SMALL) is None
    store.save(attempt(SMALL))
    (found,) = store.outcomes()
    assert found.result is not None and found.fault == ""


def test_a_damaged_result_is_named_when_read_and_run_again_when_swept(tmp_path):
    store = Store(tmp_path)
    folder = store.save(attempt(SMALL))
    path = folder / "result.json"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"result\.json: damaged"):
        store.outcomes()
    assert store.saved(SMALL) is None
    assert oco.sweep([SMALL], tmp_path, jobs=1).computed == 1
    assert len(store.outcomes()) == 1


def test_a_damaged_failure_is_named(tmp_path):
    store = Store(tmp_path)
    path = store.folder(SMALL) / "failure.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"format": "other"}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"failure\.json: not a result of oco"):
        store.outcomes()
    store.save(Outcome(SMALL, None, "ran out of memory"))
    assert [outcome.message for outcome in store.outcomes()] == ["ran out of memory"]
    path.write_bytes(path.read_bytes().replace(b"ran out", b"RAN OUT"))
    with pytest.raises(ValueError, match=r"failure\.json: damaged: .* its checksum"):
        store.outcomes()


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such directory of runs"):
        Store(tmp_path / "absent").outcomes()
    with pytest.raises(FileNotFoundError, match="holds no runs"):
        Store(tmp_path).outcomes()


def test_a_directory_of_runs_loads_as_a_table(tmp_path):
    pandas = pytest.importorskip("pandas", reason="needs the extra 'pandas'")
    experiments = [SMALL, SMALL.replace(seed=1), Experiment("ogd", d=6, T=40)]
    oco.sweep(experiments, tmp_path, jobs=1)
    Store(tmp_path).save(Outcome(SMALL.replace(seed=2), None, "killed"))
    frame = oco.load_table(tmp_path)
    assert isinstance(frame, pandas.DataFrame) and len(frame) == 4
    row = frame[(frame.algorithm == "s-adagrad") & (frame.seed == 1)].iloc[0]
    summary = attempt(experiments[1]).result.summary
    assert row.regret_hi == summary.regret.hi and row.escaped_mass == summary.escaped_mass
    assert row["bound.certificate"] == summary.certificate and row["holds.theorem-3"]
    assert (row.d, row.k, row.stream, row.loss) == (6, 3, "stochastic", "logistic")
    assert list(frame[frame.status == "error"].message) == ["killed"]


def test_the_sides_of_a_matrix_learner_s_metric_are_columns(tmp_path):
    pytest.importorskip("pandas", reason="needs the extra 'pandas'")
    oco.sweep([Experiment("s-shampoo", shape=(5, 2), k=3, T=40)], tmp_path, jobs=1)
    Store(tmp_path).save(attempt(Experiment("ogd", shape=(5, 2), T=40)))
    frame = oco.load_table(tmp_path).set_index("algorithm")
    assert set(frame["shape"]) == {(5, 2)}
    row = frame.loc["s-shampoo"]
    assert (row.axis_1_k, row.axis_2_dim, row.axis_2_escaped_mass) == (3, 2, 0.0)
    assert 0 < row.axis_1_escaped_mass <= row.axis_1_omega


def test_a_single_result_is_a_table_of_one_row(tmp_path):
    pytest.importorskip("pandas", reason="needs the extra 'pandas'")
    result = oco.run("ogd", d=3, T=10, out=tmp_path)
    assert oco.load_result(tmp_path) == result == oco.load_result(tmp_path / "result.json")
    (row,) = oco.load_table(tmp_path).to_dict("records")
    assert (row["algorithm"], row["regret_hi"]) == ("ogd", result.summary.regret.hi)


def test_pandas_is_named_where_it_is_missing(tmp_path, monkeypatch):
    oco.sweep([SMALL], tmp_path, jobs=1)
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install '\.\[pandas\]'"):
        oco.load_table(tmp_path)


def test_runs_of_before_are_found_again_and_one_spectrum_has_one_name():
    sketched = Experiment("s-adagrad", d=6, T=50, k=3, spectrum="exp:0.9", seed=1)
    # As they were named when spectra and shapes were kept as they were written.
    assert key(sketched) == "s-adagrad-245cf403cf867fbd"
    assert key(sketched.replace(spectrum="exp:0.90")) == key(sketched)
    shaped = Experiment("s-shampoo", shape="6x5", T=40, k=3, spectrum="lowrank:2:0.1")
    assert key(shaped) == "s-shampoo-f682feafe9c3ed5c"
