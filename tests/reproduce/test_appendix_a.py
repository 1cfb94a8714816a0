"""What is reproduced is what was published, where the data are at hand."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from oco.reproduce import AppendixA, appendix_a
from oco.reproduce.appendix_a import REFERENCES, Reference


def test_the_known_figures_of_a9a_are_met(a9a, monkeypatch):
    """The cheap learners, at the rates of the known figures alone."""
    names = ("ogd", "adagrad", "s-adagrad")
    rates = tuple(sorted({ref.lr for ref in REFERENCES if ref.algorithm in names}))
    monkeypatch.setattr(sys.modules["oco.reproduce.appendix_a"], "RATES", rates)
    test = a9a.with_name("a9a.t")
    if not test.is_file():
        pytest.skip(f"needs the a9a test set at {test}")
    found = appendix_a(a9a, test, k=10, jobs=2, algorithms=names)
    assert found.test_rows == 16_281 and found.missed == ()
    assert [reference.algorithm for reference, _ in found.references] == list(names)
    for entry in found.entries:
        assert 0.30 < entry.test_loss < 0.37 and 0.14 < entry.test_error < 0.18


def test_a_figure_that_is_missed_is_told():
    good, bad = Reference("ogd", 1.0, 0.5, 1e-3), Reference("adagrad", 1.0, 0.5, 1e-3)
    known = ((good, 0.5004), (bad, 0.5011), (bad, None))
    assert AppendixA((), known, 10, 3, 5, 5).missed == (bad, bad)


def test_the_labels_of_both_files_are_the_same_two(tmp_path):
    rows = np.random.default_rng(0).standard_normal((40, 2))
    paths = []
    for name, labels in (("train", [1, 2]), ("test", [0, 1]), ("three", [0, 1, 2])):
        paths.append(tmp_path / f"{name}.npz")
        np.savez(paths[-1], X=rows, y=np.resize(labels, 40))
    train, test, three = paths
    with pytest.raises(ValueError, match=r"test: expected \+1 to stand for the label 2"):
        appendix_a(train, test, k=2, jobs=1, algorithms=("ogd",))
    with pytest.raises(ValueError, match="the labels take 3 values"):
        appendix_a(three, three, k=2, jobs=1, algorithms=("ogd",))


def test_a_positive_label_travels_to_every_run(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["oco.reproduce.appendix_a"], "RATES", (0.1, 1.0))
    rng = np.random.default_rng(0)
    y = np.resize([0, 1, 2], 60)
    X = rng.standard_normal((60, 2)) * 0.1 + np.where(y == 1, 1.0, -1.0)[:, None]
    np.savez(tmp_path / "a.npz", X=X, y=y)
    path = tmp_path / "a.npz"
    found = appendix_a(path, path, k=2, jobs=1, positive="1", algorithms=("ogd",))
    (entry,) = found.entries
    assert entry.train_error < 0.1 and entry.tuning.best.experiment.positive == 1.0
