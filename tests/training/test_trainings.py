"""Several trainings: grouped, compared, saved and read back."""

import json

import numpy as np
import pytest

from oco.training import Training, Trainings, load, plan, train_all
from oco.training.running import attempt

SHORT = {"task": "digits-softmax", "steps": 10, "evaluations": 3}


@pytest.fixture(scope="module")
def trained():
    return train_all(plan(["adam", "sgd"], rates=[1e-3, 0.1, 1e3], seeds=3, **SHORT))


def test_mean_and_deviation_are_over_the_seeds(trained):
    group = trained.groups[1]
    assert (group.training.algorithm, group.training.lr) == ("adam", 0.1)
    losses = [
        o.summary.validation_loss
        for o in trained.outcomes
        if (o.training.algorithm, o.training.lr) == ("adam", 0.1)
    ]
    assert len(losses) == 3 and group.mean("validation_loss") == pytest.approx(np.mean(losses))
    assert group.deviation("validation_loss") == pytest.approx(np.std(losses, ddof=1))


def test_the_best_rate_has_the_least_mean_loss_among_those_that_came_to_an_end(trained):
    for group in trained.best:
        name = group.training.algorithm
        means = {g.training.lr: g.mean("validation_loss") for g in trained.groups
                 if g.training.algorithm == name and g.complete}  # fmt: skip
        assert 1e3 not in means and group.training.lr == min(means, key=means.get)
    assert [group.training.algorithm for group in trained.best] == ["adam", "sgd"]
    assert trained.tuned and trained.lost == ()


def test_one_whose_rates_all_fail_is_lost():
    lost = train_all(plan(["adam", "sgd"], rates=[1e4, 1e5], **SHORT))
    assert lost.best == () and lost.lost == ("adam", "sgd")


def test_what_is_saved_is_what_is_read(trained, tmp_path):
    path = trained.save(tmp_path / "runs")
    assert load(tmp_path / "runs") == trained == load(path)
    document = json.loads(path.read_text())
    assert len(document["runs"]) == 18 and document["best"][0]["options"]["lr"] == 0.1


def test_damage_and_foreign_results_are_refused(trained, tmp_path):
    import oco

    trained.save(tmp_path / "runs")
    (arrays,) = (tmp_path / "runs").glob("*.npz")
    arrays.write_bytes(arrays.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged"):
        load(tmp_path / "runs")
    oco.run("ogd", d=2, T=5, out=tmp_path / "run")
    with pytest.raises(ValueError, match="holds no trainings"):
        load(tmp_path / "run")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none")


def test_what_reads_runs_says_what_it_found_instead(trained, tmp_path):
    import oco

    trained.save(tmp_path)
    with pytest.raises(ValueError, match="holds trainings, not a run; 'oco show' prints it"):
        oco.load(tmp_path)


def test_everything_is_checked_before_the_first_step(monkeypatch):
    from oco.training import running

    monkeypatch.setattr(running, "attempt", None)
    monkeypatch.setattr(running, "train", None)

    def refuse(training, parameters):
        raise ValueError("rank: refused")

    monkeypatch.setattr(running, "optimizer_of", refuse)
    with pytest.raises(ValueError, match="rank: refused"):
        train_all(plan(["adam"], seeds=2, **SHORT))


def test_a_crash_of_one_does_not_stop_the_others(monkeypatch):
    from oco.training import running

    real = running.train

    def crash(training):
        if training.seed == 1:
            raise RuntimeError("a bug")
        return real(training)

    monkeypatch.setattr(running, "train", crash)
    found = train_all(plan(["adam"], seeds=3, **SHORT), jobs=1)
    assert [o.summary.status for o in found.outcomes] == ["complete", "failed", "complete"]
    assert found.outcomes[1].summary.message == "RuntimeError: a bug"
    assert not found.groups[0].complete and isinstance(found, Trainings)


def test_ctrl_c_keeps_what_is_done(monkeypatch):
    from oco.training import running

    real = running.train

    def interrupted(training):
        if training.seed == 2:
            raise KeyboardInterrupt
        return real(training)

    monkeypatch.setattr(running, "train", interrupted)
    found = train_all(plan(["adam"], seeds=4, **SHORT), jobs=1)
    assert [o.training.seed for o in found.outcomes] == [0, 1]


def test_an_attempt_that_dies_is_a_result(monkeypatch, tmp_path):
    from oco.training import running

    monkeypatch.setattr(running, "train", lambda training: 1 / 0)
    outcome = attempt(Training("digits-softmax", "adam"))
    saved = Trainings((outcome,), {})
    saved.save(tmp_path)
    assert load(tmp_path) == saved
