"""What is reproduced is what was published, where the data are at hand."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from what_learners_take import only_taken

import oco
from oco.reproduce import AppendixA, appendix_a
from oco.reproduce.appendix_a import LEARNERS, REFERENCES, Reference
from oco.simulator import play
from oco.sweeps.tuning import measure


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


def small(path, count: int, seed: int):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((count, 5)) * 0.8 ** np.arange(5)
    np.savez(path, X=X, y=np.sign(X[:, 0] + 0.3 * rng.standard_normal(count)))
    return path


@pytest.fixture
def pair(tmp_path):
    return small(tmp_path / "train.npz", 120, 0), small(tmp_path / "test.npz", 60, 1)


@pytest.fixture
def few(monkeypatch):
    module = sys.modules["oco.reproduce.appendix_a"]
    for name in ("RATES", "FEW_RATES", "PAIRED_RATES", "DELTAS"):
        monkeypatch.setattr(module, name, (0.1, 1.0))


def test_all_nine_learners_play_both_files(pair, few):
    told = []
    found = appendix_a(*pair, k=3, jobs=1, progress=lambda *what: told.append(what))
    assert [entry.name for entry in found.entries] == list(LEARNERS) and len(LEARNERS) == 9
    for entry in found.entries:
        best = entry.tuning.best
        trials = 4 if entry.name in ("ada-fd", "fd-son") else 2
        assert len(entry.tuning.trials) == trials
        assert (entry.name, trials, trials) in told
        # Played again, it comes to what it was chosen for.
        assert entry.train.average_loss == best.average_loss
        game = oco.experiment.prepare(
            entry.algorithm,
            **only_taken(
                entry.algorithm, data=str(pair[1]), k=3, lr=best.experiment.lr,
                delta=best.experiment.delta, domain="unconstrained",
            ),
        )  # fmt: skip
        played = play(game.learner, game.loss, game.stream, checkpoints=entry.test.t)
        assert entry.test.log_loss == pytest.approx(played.cumulative_loss, rel=1e-12)
        wrong = np.cumsum(played.margins * played.labels <= 0)
        assert entry.test.wrong.tolist() == wrong[entry.test.t - 1].tolist()
        assert entry.test_error == wrong[-1] / 60 and entry.test.t[-1] == 60
        held_out = np.load(pair[1])
        x = entry.train.x
        errors = held_out["y"] * (held_out["X"] @ x[:-1] + x[-1]) <= 0
        assert entry.last_error == errors.mean()


def test_numerics_stand_beside_the_papers_sketched_learners(pair, few):
    found = appendix_a(*pair, k=3, jobs=1, algorithms=("ogd", "s-adagrad", "fd-son"))
    numerics = {entry.name: entry.numerics for entry in found.entries}
    assert numerics["ogd"] == ()
    for entry in found.entries[1:]:
        ours, published = entry.numerics
        assert ours.algorithm == entry.algorithm
        assert published.algorithm == f"oco.reproduce.published:{entry.name.replace('-', '_')}"
        assert ours.loss == entry.tuning.best.average_loss
        # A rate that differs by rounding makes no difference here.
        assert ours.next_loss == pytest.approx(ours.loss, rel=1e-9)
        assert math.isfinite(published.loss)
    # With δ nothing is singular, and both are the same learner.
    assert numerics["fd-son"][1].loss == pytest.approx(numerics["fd-son"][0].loss, rel=1e-9)
    alone = appendix_a(*pair, k=3, jobs=1, algorithms=("s-adagrad",), published=False)
    assert alone.entries[0].numerics == ()


def test_the_published_numerics_fail_on_a9a(a9a):
    """What is known of them: the average loss is off by many orders of magnitude."""
    options = {"data": str(a9a), "domain": "unconstrained", "k": 10, "lr": 0.1}
    ours = measure(oco.Experiment("s-adagrad", **options)).average_loss
    there = measure(oco.Experiment("oco.reproduce.published:s_adagrad", **options))
    assert ours == pytest.approx(0.342660216, abs=5e-10)
    assert there.average_loss is None or there.average_loss > 1e3


def test_a_learner_that_diverges_at_every_rate_is_told(pair, few, monkeypatch):
    monkeypatch.setattr(sys.modules["oco.reproduce.appendix_a"], "RATES", (1e12,))
    found = appendix_a(*pair, k=3, jobs=1, algorithms=("ogd", "s-adagrad"))
    for entry in found.entries:
        assert entry.message == "every rate diverged" and entry.numerics == ()
        assert entry.train is entry.test is entry.last_error is entry.test_loss is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algorithms": ("ons",)}, "alg: unknown name 'ons'"),
        ({"k": 8}, "k: expected an integer from 2 to 7, got 8"),
        ({"jobs": 0}, "jobs: expected"),
    ],
)
def test_what_is_wrong_is_told_before_the_first_round(pair, options, message):
    with pytest.raises(ValueError, match=message):
        appendix_a(*pair, **{"k": 3, "jobs": 1} | options)


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
