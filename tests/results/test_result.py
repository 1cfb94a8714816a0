"""Results come back from disk equal, and say what happened."""

import dataclasses
import json
import math

import numpy as np
import pytest

import oco
from oco.results import storage

RUNS = {
    "sketched": {"algorithm": "s-adagrad", "d": 12, "k": 4, "T": 60, "prefix_regret": True},
    "plain": {"algorithm": "ogd", "d": 3, "T": 20, "loss": "hinge"},
    "box": {"algorithm": "adagrad", "d": 2, "T": 9, "domain": oco.Box([-1.0, -2.0], 1.0)},
    "free": {"algorithm": "s-adagrad", "d": 5, "T": 40, "lr": 0.1, "domain": "unconstrained"},
    "one round": {"algorithm": "ada-fd", "d": 1, "k": 2, "T": 1, "delta": 0.5},
}


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_a_saved_result_loads_equal(options, tmp_path):
    result = oco.run(**options)
    path = result.save(tmp_path / "out")
    assert oco.load_result(path) == oco.load_result(tmp_path / "out") == result
    assert repr(oco.load_result(path)) == repr(result)


def test_numbers_that_are_not_finite_survive(tmp_path):
    result = oco.run("ogd", d=3, T=20, lr=1.0)
    bound = result.summary.bounds[0].replace(value=math.inf, margin=-math.inf)
    summary = result.summary.replace(average_loss=math.nan, bounds=(bound,))
    regret = np.full_like(result.trace.regret, np.nan)
    strange = result.replace(summary=summary, trace=result.trace.replace(regret=regret))
    strange.save(tmp_path)
    assert oco.load_result(tmp_path) == strange != result
    content = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert content["summary"]["average_loss"] == "NaN"
    assert content["summary"]["bounds"][0]["value"] == "Infinity"


def test_results_that_differ_are_not_equal():
    result = oco.run("ogd", d=3, T=20)
    assert result != oco.run("ogd", d=3, T=20, seed=1).without_timings()
    x = result.x.copy()
    x[0] = np.nextafter(x[0], 1)
    assert result.replace(x=x) != result
    assert result.replace(comparator=None) != result
    assert result.replace(versions={"oco": "0"}) != result


def test_without_timings_removes_times_and_nothing_else():
    result = oco.run("ogd", d=3, T=20)
    bare = result.without_timings()
    assert bare.summary.seconds == bare.summary.seconds_per_round == 0
    assert not bare.trace.seconds.any()
    restored = bare.replace(
        summary=bare.summary.replace(
            seconds=result.summary.seconds, seconds_per_round=result.summary.seconds_per_round
        ),
        trace=bare.trace.replace(seconds=result.trace.seconds),
    )
    assert restored == result


@pytest.mark.parametrize("part", ["summary", "experiment", "versions"])
def test_a_document_that_lacks_a_part_is_refused(part, tmp_path):
    result = oco.run("ogd", d=3, T=5)
    document = result.document()
    del document[part]
    storage.write(tmp_path, document, {"result.x": result.x})
    with pytest.raises(ValueError, match=f"not a result that this release can read.*{part}"):
        oco.load_result(tmp_path)


@pytest.mark.parametrize("key", ["x", "other.x", "trace.more"])
def test_foreign_arrays_are_refused(key, tmp_path):
    result = oco.run("ogd", d=3, T=5)
    result.save(tmp_path)
    _, arrays = storage.read(tmp_path)
    storage.write(tmp_path, result.document(), arrays | {key: result.x})
    with pytest.raises(ValueError, match="not a result that this release can read"):
        oco.load_result(tmp_path)


def test_results_cannot_be_changed():
    result = oco.run("ogd", d=3, T=5)
    for record in (result, result.summary, result.trace, result.experiment):
        with pytest.raises(dataclasses.FrozenInstanceError):
            record.x = 1


def test_a_notebook_shows_the_report():
    result = oco.run("s-adagrad", d=12, k=4, T=60)
    assert result._repr_html_().startswith("<pre")
    for word in ("s-adagrad", "regret", "certificate", "theorem-3", "holds"):
        assert word in repr(result) and word in result._repr_html_()
