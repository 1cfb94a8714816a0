"""Data sets that scikit-learn brings along are played by name, everywhere, offline."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import datasets

import oco
from oco.losses import LOSSES, DataFile
from oco.losses.bundled import BUNDLED
from oco.sweeps.store import key

TAKEN_BY = {
    "breast_cancer": "logistic", "diabetes": "squared", "digits": "softmax", "iris": "softmax",
    "wine": "softmax",
}  # fmt: skip


@pytest.mark.parametrize("name", BUNDLED)
def test_each_is_there_as_scikit_learn_has_it(name):
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    stream = DataFile(path=f"sklearn:{name}", loss=LOSSES[TAKEN_BY[name]])
    chunks = list(stream.chunks())
    np.testing.assert_array_equal(np.concatenate([a for a, _ in chunks]), X)
    labels = np.concatenate([y for _, y in chunks])
    np.testing.assert_array_equal(labels, 2 * y - 1 if name == "breast_cancer" else y)


@pytest.mark.parametrize(
    ("name", "problem"),
    [("iriss", "did you mean 'iris'"), ("", "known: breast_cancer"), ("fetch_rcv1", "unknown")],
)
def test_another_name_is_refused(name, problem):
    with pytest.raises(ValueError, match=f"data: sklearn:{name}: unknown data set") as caught:
        DataFile(path=f"sklearn:{name}")
    assert problem in str(caught.value)


def test_the_number_of_a_label_column_is_none_of_its_options():
    with pytest.raises(ValueError, match="label: a label stands in every row already"):
        DataFile(path="sklearn:iris", label="1")


def test_it_is_run_tuned_and_kept(tmp_path):
    result = oco.run("s-adagrad", data="sklearn:breast_cancer", k=5, T=100, out=tmp_path / "a")
    assert (result.summary.d, result.summary.T) == (31, 100)
    assert oco.load_result(tmp_path / "a") == result and key(result.experiment)
    curve = oco.tune("ogd", [0.01, 1.0], data="sklearn:iris", positive=2, T=50)
    assert all(trial.finished for trial in curve.trials)
