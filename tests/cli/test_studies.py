"""``oco compare``, ``sweep``, ``tune``, ``plot``, ``report``, ``rank`` and ``reproduce``."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from what_learners_take import only_taken

import oco
from oco.cli import main
from oco.sweeps import Outcome, Store

STUDY = """
title = "A small study"
[experiment]
d = 12
T = 60
[grid]
algorithm = ["s-adagrad", "ogd"]
k = [3, 5]
seed = { count = 2 }
"""


def invoke(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)), prog_name="oco")


def assert_refused(result, *words):
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error: "))
    for word in words:
        assert word in line


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    result = invoke("sweep", folder / "study.toml", "--out", folder / "runs", "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "A small study: 6 experiments, 0 done before, 6 computed now, 0 with pr" in result.stdout
    return folder / "runs"


@pytest.fixture
def gradients(tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((300, 20)) @ np.diag(0.4 ** np.arange(20))
    np.save(tmp_path / "g.npy", rows)
    return tmp_path / "g.npy"


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(1)
    for name, count in (("train.npz", 300), ("test.npz", 100)):
        rows = rng.standard_normal((count, 6)) * 0.8 ** np.arange(6)
        np.savez(tmp_path / name, X=rows, y=np.sign(rows[:, 0] + 0.1))
    return tmp_path / "train.npz", tmp_path / "test.npz"


def test_compare_sets_learners_side_by_side(tmp_path):
    figure, out = tmp_path / "regret.svg", tmp_path / "runs"
    result = invoke(
        "compare", "--alg=ogd", "--alg=s-adagrad", "--alg=adagrad", "--d=12", "--k=4", "--T=80",
        "--plot", figure, "--out", out,
    )  # fmt: skip
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [line for line in result.stdout.splitlines() if " µs " in line or " ms " in line]
    assert [row.split()[0] for row in rows] == ["ogd", "s-adagrad", "adagrad"]
    for heading in ("bound less regret", "certificate", "theorem-3", "a round", "memory"):
        assert heading in result.stdout
    assert figure.read_bytes().startswith(b"<?xml") and len(Store(out).results()) == 3


def test_compare_plays_the_same_stream_as_run(tmp_path):
    result = invoke("compare", "--alg=ogd", "--alg=adagrad", "--d=5", "--T=40", "--json")
    for entry in json.loads(result.stdout):
        alone = oco.run(entry["algorithm"], d=5, T=40).summary
        assert entry["regret"] == {"lo": alone.regret.lo, "hi": alone.regret.hi}


def test_one_failing_learner_does_not_stop_the_others(tmp_path, monkeypatch):
    (tmp_path / "mine_failing.py").write_text(
        "import numpy as np, oco\n"
        "@oco.learner\n"
        "class Failing:\n"
        "    def __init__(self, d): self.x, self.t = np.zeros(d), 0\n"
        "    def update(self, g):\n"
        "        self.t += 1\n"
        "        if self.t == 7: raise RuntimeError('seven')\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    result = invoke("compare", "--alg=mine_failing:Failing", "--alg=ogd", "--d=5", "--T=40")
    assert result.exit_code == 1
    assert "FAILED: round 7: RuntimeError: seven" in result.stderr
    assert "FAILED" in result.stdout and "ogd" in result.stdout


def test_compare_checks_all_before_the_first_round():
    arguments = ("compare", "--alg=ogd", "--alg=s-adgrad", "--d=3", "--T=10000000")
    assert_refused(invoke(*arguments), "unknown name 's-adgrad'; did you mean 's-adagrad'?")
    assert invoke("compare", "--d=3", "--T=5").exit_code == 2


def test_sweep_goes_on_where_it_was(runs):
    again = invoke("sweep", runs.parent / "study.toml", "--out", runs)
    assert again.exit_code == 0 and "6 done before, 0 computed now" in again.stdout
    plan = invoke("sweep", runs.parent / "study.toml", "--out", runs, "--dry-run")
    assert plan.stdout == f"A small study: 6 experiments, 6 of them done in {runs}\n"


def test_sweep_refuses_what_is_wrong(tmp_path):
    study = tmp_path / "study.toml"
    study.write_text("[experiment]\nd = 3\nT = 5\n[grid]\nalgorithm = ['ogd', 'odg']")
    refused = invoke("sweep", study, "--out", tmp_path / "runs")
    assert_refused(refused, "study.toml: grid.algorithm[1]: unknown name 'odg'")
    assert not (tmp_path / "runs").exists()
    assert_refused(invoke("sweep", tmp_path / "no.toml", "--out", tmp_path), "no such study")
    study.write_text("[experiment]\nd = 3\nT = 5\nalgorithm = 'ogd'")
    assert_refused(invoke("sweep", study, "--out", study), "out: cannot write to")
    assert_refused(invoke("sweep", study, "--out", tmp_path, "--jobs=0"), "jobs: expected an int")


def test_tune_keeps_the_whole_curve(tmp_path):
    result = invoke(
        "tune", "--alg=ogd", "--d=6", "--T=100", "--domain=unconstrained", "--grid=1e-4:1e4:5",
        "--jobs=1", "--out", tmp_path / "curve.json", "--plot", tmp_path / "curve.svg",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "DIVERGED: worse than never leaving the start" in result.stdout
    content = json.loads((tmp_path / "curve.json").read_text(encoding="utf-8"))
    assert [entry["lr"] for entry in content["rates"]] == [1e-4, 1e-2, 1.0, 100.0, 1e4]
    losses = [entry["average_loss"] for entry in content["rates"]]
    assert content["best"]["average_loss"] == min(losses)
    for entry in content["rates"]:
        alone = oco.run("ogd", d=6, T=100, domain="unconstrained", lr=entry["lr"]).summary
        assert entry["average_loss"] == alone.average_loss
        assert (entry["verdict"] == "diverged") == (alone.average_loss > content["start"])
    assert (tmp_path / "curve.svg").exists()


def test_tune_by_regret_over_two_parameters():
    result = invoke(
        "tune", "--alg=ada-fd", "--d=8", "--k=3", "--T=60", "--stream=adversary", "--by=regret",
        "--grid=0.1:1:2", "--deltas=0.1:10:3", "--jobs=1", "--json",
    )  # fmt: skip
    content = json.loads(result.stdout)
    pairs = {(entry["lr"], entry["delta"]) for entry in content["rates"]}
    assert pairs == {(lr, delta) for lr in (0.1, 1.0) for delta in (0.1, 1.0, 10.0)}
    assert content["best"]["regret"]["hi"] == min(e["regret"]["hi"] for e in content["rates"])


def test_a_tuning_in_which_nothing_works_exits_1():
    result = invoke("tune", "--alg=ogd", "--d=4", "--T=60", "--domain=unconstrained",
                    "--grid=1e6:1e8:2", "--jobs=1")  # fmt: skip
    assert result.exit_code == 1 and "every rate failed or diverged" in result.stderr


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ("1:2", "grid: expected FROM:TO:COUNT, as 1e-6:1:49, got '1:2'"),
        ("a:b:3", "grid: expected FROM:TO:COUNT"),
        ("0:1:3", "grid: FROM: expected a finite number > 0"),
        ("2:1:3", "grid: TO: expected a finite number >= 2"),
        ("1:2:0", "grid: COUNT: expected an integer from 1 to"),
    ],
)
def test_a_wrong_grid_is_refused(grid, words):
    assert_refused(invoke("tune", "--alg=ogd", "--d=3", "--T=9", "--grid", grid), words)


def test_tune_refuses_before_the_first_round(tmp_path):
    wrong = invoke("tune", "--alg=ogd", "--d=3", "--T=9", "--by=luck")
    assert_refused(wrong, "by: unknown name 'luck'")
    missing = invoke("tune", "--alg=ogd", "--T=9")
    assert_refused(missing, "d: not given")
    both = invoke("tune", "--alg=ada-fd", "--d=3", "--T=9", "--delta=1", "--deltas=1:2:2")
    assert_refused(both, "deltas: expected either deltas or one delta")
    assert_refused(invoke("tune", "--alg=ogd", "--d=3", "--T=9", "--out", tmp_path), "directory")


@pytest.mark.parametrize("kind", ["regret", "rank", "spectrum", "bounds", "loss", "rate"])
def test_every_kind_of_figure(runs, tmp_path, kind):
    result = invoke("plot", runs, "--kind", kind, "-o", tmp_path / "figure.svg")
    assert result.exit_code == 0, result.output
    assert b"<svg" in (tmp_path / "figure.svg").read_bytes()


def test_plot_refuses_what_it_cannot_draw(runs, tmp_path):
    target = tmp_path / "figure.svg"
    assert_refused(invoke("plot", runs, "--kind=rnak", "-o", target), "did you mean 'rank'?")
    assert_refused(invoke("plot", runs, "-o", tmp_path / "f.txt"), "plot: expected a name")
    assert_refused(invoke("plot", tmp_path / "absent", "-o", target), "no such directory of runs")
    assert_refused(invoke("plot", runs, "--where=k=99", "-o", target), "where: no run has k=99")
    assert_refused(invoke("plot", runs, "--where=kk=9", "-o", target), "did you mean 'k'?")
    assert_refused(invoke("plot", runs, "--where=k", "-o", target), "expected OPTION=VALUE")
    alone = invoke("plot", runs, "--kind=rank", "--where=algorithm=ogd", "-o", target)
    assert_refused(alone, "no learner that sketches")


def test_the_report_of_a_study_has_its_title(tmp_path):
    (tmp_path / "study.toml").write_text(
        'title = "Which <k>?"\n[experiment]\nalgorithm = "ogd"\nd = 3\nT = 20\n'
    )
    assert invoke("sweep", tmp_path / "study.toml", "--out", tmp_path / "runs").exit_code == 0
    assert oco.load(tmp_path / "runs")["T"].tolist() == [20]
    target = tmp_path / "report.html"
    for damaged, words in ((None, "Which &lt;k&gt;?"), (b"[1", "runs"), (b'{"title": 3}', "runs")):
        if damaged is not None:
            (tmp_path / "runs" / "study.json").write_bytes(damaged)
        assert invoke("report", tmp_path / "runs", "-o", target).exit_code == 0
        assert f"<h1>{words}</h1>" in target.read_text(encoding="utf-8")


def test_report_lists_what_failed(runs, tmp_path):
    first = next(iter(Store(runs)))
    Store(runs).save(Outcome(first.experiment.replace(seed=99), None, "killed by <nobody>"))
    result = invoke("report", runs, "-o", tmp_path / "report.html", "--title", "A & B")
    assert result.exit_code == 0 and "7 experiments, 1 with problems" in result.stdout
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h1>A &amp; B</h1>" in page and "killed by &lt;nobody&gt;" in page
    assert_refused(invoke("report", runs, "-o", tmp_path / "r.txt"), "out: expected a name")
    assert_refused(invoke("report", tmp_path / "none", "-o", tmp_path / "r.html"), "no such")


def test_rank_recommends(gradients, tmp_path):
    result = invoke("rank", gradients, "--target=1.2", "--plot", tmp_path / "rank.svg")
    assert result.exit_code == 0, result.output
    assert "recommended: k = " in result.stdout and (tmp_path / "rank.svg").exists()
    content = json.loads(invoke("rank", gradients, "--target=1.2", "--json").stdout)
    assert f"recommended: k = {content['recommended']}," in result.stdout
    assert [choice["k"] for choice in content["choices"]] == list(range(2, 22))


def test_rank_says_when_no_size_is_enough(gradients):
    result = invoke("rank", gradients, "--target=1.01", "--k-max=3")
    assert result.exit_code == 1 and "no k up to 3 meets the target 1.01: proven" in result.stderr


def test_rank_refuses_what_is_wrong(gradients, tmp_path):
    assert_refused(invoke("rank", tmp_path / "no.npy"), "no such file")
    assert_refused(invoke("rank", gradients, "--target=1"), "target: expected a finite number > 1")
    assert_refused(invoke("rank", gradients, "--k-max=22"), "k_max: expected an integer from 2")
    (tmp_path / "text.npy").write_text("hello")
    assert_refused(invoke("rank", tmp_path / "text.npy"), "not a readable .npy file")


def test_appendix_a_tunes_and_evaluates(files, tmp_path):
    train, test = files
    result = invoke(
        "reproduce", "appendix-a", "--data", train, "--test", test, "--k=3", "--jobs=2",
        "--plot", tmp_path / "curves.svg", "--plot-rates", tmp_path / "rates.svg", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert (content["train_rows"], content["test_rows"], content["d"]) == (300, 100, 7)
    for entry in content["entries"]:
        best = entry["tuning"]["best"]
        options = {"lr": best["lr"], "k": 3, "domain": "unconstrained", "delta": best["delta"]}
        played = [
            oco.run(entry["algorithm"], **only_taken(entry["algorithm"], data=str(path), **options))
            for path in files
        ]
        assert best["average_loss"] == pytest.approx(played[0].summary.average_loss, rel=1e-12)
        assert entry["test_loss"] == pytest.approx(played[1].summary.average_loss, rel=1e-12)
        x, held_out = played[0].x, np.load(test)
        wrong = held_out["y"] * (held_out["X"] @ x[:-1] + x[-1]) <= 0
        assert entry["last_error"] == pytest.approx(wrong.mean())
    assert content["references"] == []


def test_appendix_a_refuses_a_missing_file(files, tmp_path):
    arguments = ("reproduce", "appendix-a", "--data", files[0], "--test", tmp_path / "none")
    assert_refused(invoke(*arguments), "no such file")


def test_separation_prints_exponents(tmp_path):
    figure = tmp_path / "separation.svg"
    result = invoke("reproduce", "separation", "--d=30", "--T=300", "--jobs=1", "--plot", figure)
    assert result.exit_code == 0 and "s-adagrad" in result.stdout and figure.exists()
    assert_refused(invoke("reproduce", "separation", "--T=10"), "T: expected an integer >= 100")
    assert_refused(invoke("reproduce", "separation", "--k=30"), "k: expected an integer from 2")
