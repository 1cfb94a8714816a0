"""``oco train`` and ``oco show`` of what it saved."""

import json

import pytest
from click.testing import CliRunner

from oco.cli import main
from oco.training import load

SHORT = ("--task=digits-softmax", "--steps=10", "--evaluations=4", "--jobs=1")


def invoke(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)), prog_name="oco")


def test_one_training_shows_its_curve(tmp_path):
    figure = tmp_path / "curves.svg"
    result = invoke("train", "--alg=s-shampoo", "--k=8", *SHORT, "--plot", figure)
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [line.split() for line in result.stdout.splitlines()]
    steps = [row[0] for row in rows if row and row[0].isdigit()]
    assert steps == ["0", "2", "5", "8", "10"]
    assert any(row[:2] == ["s-shampoo", "k=8"] for row in rows)
    assert figure.read_bytes().startswith(b"<?xml")


def test_seeds_have_mean_and_deviation_and_are_saved(tmp_path):
    arguments = ("train", "--alg=adam", "--alg=s-shampoo", "--k=4", "--k=8", "--seeds=2", *SHORT)
    result = invoke(*arguments, "--out", tmp_path / "runs", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    trained = load(tmp_path / "runs")
    assert [(run["training"]["algorithm"], run["training"]["k"], run["training"]["seed"])
            for run in document["runs"]] == [
        ("adam", None, 0), ("adam", None, 1),
        ("s-shampoo", 4, 0), ("s-shampoo", 4, 1), ("s-shampoo", 8, 0), ("s-shampoo", 8, 1),
    ]  # fmt: skip
    for run, outcome in zip(document["runs"], trained.outcomes, strict=True):
        assert run["summary"]["validation_loss"] == outcome.summary.validation_loss
        assert run["curves"]["validation_loss"] == outcome.curves.validation_loss.tolist()
    for entry, group in zip(document["best"], trained.groups, strict=True):
        assert entry["validation_loss"] == {
            "mean": group.mean("validation_loss"), "deviation": group.deviation("validation_loss"),
        }  # fmt: skip
    shown = invoke("show", tmp_path / "runs")
    assert shown.exit_code == 0 and "mean ± standard deviation over 2 seeds" in shown.stdout
    again = invoke("show", tmp_path / "runs", "--json", "--plot", tmp_path / "again.svg")
    assert json.loads(again.stdout) == document and (tmp_path / "again.svg").exists()


def test_a_grid_of_rates_is_searched_and_its_failures_are_part_of_it(tmp_path):
    figure = tmp_path / "rates.svg"
    result = invoke("train", "--alg=adam", "--grid=1e-3:1e3:3", *SHORT, "--plot", figure)
    assert (result.exit_code, result.stderr) == (0, "")
    (best,) = [line for line in result.stdout.splitlines() if line.rstrip().endswith(" best")]
    assert best.split()[:2] == ["adam", "1"]
    assert "DIVERGED, step" in result.stdout and "in hindsight" in result.stdout
    assert b"learning rate" in figure.read_bytes()


def test_a_training_that_fails_says_at_which_step_and_exits_1():
    result = invoke("train", "--alg=sgd", "--lr=1e6", "--steps=30")
    assert result.exit_code == 1
    assert "FAILED: sgd, η = 1e+06, seed 0: step 5: the loss is nan" in result.stderr
    lost = invoke("train", "--alg=adam", "--grid=1e4:1e5:2", *SHORT)
    assert lost.exit_code == 1 and "FAILED: adam: every rate failed or diverged" in lost.stderr


def test_a_figure_of_nothing_is_a_line_beside_the_numbers(tmp_path):
    result = invoke("train", "--alg=adam", "--lr=1e5", *SHORT, "--plot", tmp_path / "none.svg")
    assert result.exit_code == 1 and "adam" in result.stdout
    assert "Error: trainings: nothing to draw" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--alg=adan",), "alg: unknown name 'adan'; did you mean 'adam'?"),
        (("--alg=adam", "--task=digits"), "task: unknown name 'digits'; did you mean 'digits-mlp'"),
        (("--alg=adam", "--k=8"), "k: adam: nothing here takes it"),
        (("--alg=s-shampoo", "--k=1"), "k: expected an integer >= 2, got 1"),
        (("--alg=adam", "--grid=1:2"), "grid: expected FROM:TO:COUNT"),
        (("--alg=adam", "--grid=1:2:2", "--lr=1"), "grid: expected either a grid or one lr"),
        (("--alg=adam", "--seeds=0"), "seeds: expected an integer from 1 to 100000, got 0"),
        (("--alg=adam", "--beta2=0"), "beta2: expected a finite number"),
        (("--alg=s-shampoo", "--graft=lars"), "graft: unknown name 'lars'"),
        (("--alg=adam", "--batch=2000"), "batch: expected an integer <= 1438, got 2000"),
        (("--alg=adam", "--jobs=0"), "jobs: expected an integer >= 1"),
        (("--alg=adam", "--plot=curves.gif"), "plot: expected a name that ends in"),
        (("--alg=adam", "--out=/dev/null"), "out: cannot write to"),
        (("--alg=sgd",), "lr: "),
    ],
)
def test_what_is_wrong_is_one_line(arguments, words):
    result = invoke("train", *arguments)
    assert result.exit_code == 2 and not result.stdout
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error: "))
    assert words in line


def test_show_refuses_what_is_damaged(tmp_path):
    assert invoke("train", "--alg=adam", *SHORT, "--out", tmp_path).exit_code == 0
    (arrays,) = tmp_path.glob("*.npz")
    arrays.write_bytes(b"")
    result = invoke("show", tmp_path)
    assert result.exit_code == 2 and "damaged" in result.stderr
