"""``oco run``: what a person or a program gets, for good input and bad."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

import oco
from oco.cli import main

GOOD = ("--alg=s-adagrad", "--d=10", "--k=4", "--T=60")
BINDING = {
    "algorithm", "d", "k", "T", "seed", "engine", "average_loss", "regret", "bounds",
    "certificate", "escaped_mass", "omega", "seconds_per_round", "state_bytes",
}  # fmt: skip


def invoke(*arguments):
    return CliRunner().invoke(main, ["run", *map(str, arguments)], prog_name="oco")


def good_but(*arguments) -> list[str]:
    """Return good arguments with these in the place of those of the same names."""
    names = {str(argument).partition("=")[0] for argument in arguments}
    # Another learner need not take a sketch size.
    names |= {"--k"} if "--alg" in names else set()
    return [*(one for one in GOOD if one.partition("=")[0] not in names), *arguments]


def process(*arguments, cwd=None, **settings):
    return subprocess.run(
        [sys.executable, "-m", "oco", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        **settings,
    )


def assert_refused(result, *words):
    assert result.exit_code == 2, result.output
    assert result.stdout == "" and "Traceback" not in result.stderr
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error: "))
    for word in words:
        assert word in line
    return line


# Good input


def test_people_get_a_table():
    result = invoke(*GOOD)
    assert result.exit_code == 0 and result.stderr == ""
    for words in ("s-adagrad on the stochastic stream", "certificate", "theorem-3", "holds", "Ω_4"):
        assert words in result.stdout


def test_programs_get_one_object():
    result = invoke(*GOOD, "--json")
    content = json.loads(result.stdout, parse_constant=pytest.fail)
    assert set(content) >= BINDING and set(content["regret"]) == {"lo", "hi"}
    assert all(set(bound) >= {"name", "value", "holds"} for bound in content["bounds"])
    assert result.exit_code == 0 and result.stderr == ""
    summary = oco.run("s-adagrad", d=10, k=4, T=60).summary
    assert content["average_loss"] == summary.average_loss
    assert content["regret"] == {"lo": summary.regret.lo, "hi": summary.regret.hi}


EVERYTHING = """
import numpy as np, oco

@oco.learner
class Everything:
    def __init__(self, d, k, lr, delta, alpha, grid, radius, spectrum, noise, turns, r, features,
                 bias, positive, label, labels, semiaxes):
        self.x = np.zeros(d)
    def update(self, g): ...
"""


def test_every_option_arrives(tmp_path, monkeypatch):
    (tmp_path / "takes_everything.py").write_text(EVERYTHING, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    options = {
        "alg": "takes_everything:Everything", "loss": "absolute", "stream": "drift",
        "domain": "box", "d": 3, "shape": "3x1", "k": 2,
        "T": 9, "seed": 7, "lr": 0.25, "delta": 2.0, "alpha": 4.0, "grid": "0.1:1:3",
        "radius": 3.0, "lower": -0.5, "upper": 0.75, "semiaxes": 2.5,
        "spectrum": "exp:0.5", "noise": 0.3, "turns": 0.5, "r": 2, "features": 4, "checkpoints": 3,
        "gap": 0.01, "positive": 2.0, "label": "y", "labels": "labels.npy",
        "spectra": "none", "bracket_k": 3, "dynamic": 2,
    }  # fmt: skip
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    result = invoke(*arguments, "--no-bias", "--prefix-regret", "--json")
    assert result.exit_code == 0, result.output
    experiment = json.loads(result.stdout)["experiment"]
    options["algorithm"], options["shape"] = options.pop("alg"), [3, 1]
    assert experiment == {**options, "bias": False, "prefix_regret": True, "data": None}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--k=5"], ["k: not taken by the learner ogd", "taken by learner s-adagrad, ada-fd"]),
        (["--domain=box", "--stream=adversary", "--radius=2"], ["radius: not taken", "domain box"]),
        (["--turns=1"], ["turns: not taken by", "taken by stream drift"]),
        (["--no-bias"], ["bias: not taken by", "taken by stream data"]),
    ],
    ids=str,
)
def test_an_option_that_nothing_takes_is_refused(arguments, words):
    assert_refused(invoke("--alg=ogd", "--d=10", "--T=60", *arguments), *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--k=5", "--k=10"], ["--k: given 3 times", "'oco sweep' takes several values"]),
        (["--alg=ogd"], ["--alg: given 2 times", "'oco compare' takes several learners"]),
        (["--lr=1", "--lr", "2"], ["--lr: given 2 times", "'oco tune' takes a grid"]),
        (["--bias", "--no-bias"], ["--bias: given 2 times"]),
    ],
    ids=str,
)
def test_an_option_given_again_is_refused(arguments, words):
    assert_refused(invoke(*GOOD, *arguments), *words)


def test_a_flag_given_again_says_nothing_new():
    assert invoke(*GOOD, "--json", "--json").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare", "--alg=ogd", "--d=3", "--T=5", "--d=4"],
        ["tune", "--alg=ogd", "--alg=adagrad", "--d=3", "--T=5"],
        ["verify", "--seed=1", "--seed=2"],
        ["rank", "g.npy", "--target=2", "--target=3"],
        ["memory", "3x4", "--bytes=4", "--bytes=8"],
        ["sweep", "study.toml", "--out=a", "--out=b"],
        ["reproduce", "separation", "--d=3", "--d=4"],
        ["spectra", "g.npy", "--k=3", "--k=4"],
        ["show", "a", "--plot=a.svg", "--plot=b.svg"],
        ["plot", "a", "--kind=rank", "--kind=loss"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_other_commands_refuse_it_too(arguments):
    result = CliRunner().invoke(main, arguments, prog_name="oco")
    assert_refused(result, "given 2 times")


class TestOut:
    def test_a_result_is_not_replaced_unasked(self, tmp_path):
        assert invoke(*GOOD, "--quiet", "--out", tmp_path / "a").exit_code == 0
        first = oco.load_result(tmp_path / "a")
        assert_refused(invoke(*GOOD, "--out", tmp_path / "a"), "out: ", "--overwrite")
        assert_refused(
            invoke("--alg=ogd", "--d=3", "--T=5", "--out", tmp_path / "a"), "holds a res"
        )
        with pytest.raises(ValueError, match=r"^out: .* holds a result already"):
            oco.run("ogd", d=3, T=5, out=tmp_path / "a")
        assert oco.load_result(tmp_path / "a") == first
        arguments = ("--alg=ogd", "--d=3", "--T=5", "--quiet", "--out", tmp_path / "a")
        assert invoke(*arguments, "--overwrite").exit_code == 0
        assert oco.load_result(tmp_path / "a").summary.algorithm == "ogd"
        oco.run("adagrad", d=3, T=5, out=tmp_path / "a", overwrite=True)
        assert oco.load_result(tmp_path / "a").summary.algorithm == "adagrad"

    def test_other_files_are_no_obstacle(self, tmp_path):
        (tmp_path / "notes.txt").write_text("mine")
        assert invoke(*GOOD, "--quiet", "--out", tmp_path).exit_code == 0
        assert (tmp_path / "notes.txt").read_text() == "mine"

    def test_a_result_and_a_directory_of_runs_do_not_hide_each_other(self, tmp_path):
        oco.compare(["ogd"], d=3, T=5, out=tmp_path / "runs")
        assert_refused(invoke(*GOOD, "--out", tmp_path / "runs"), "holds a directory of runs")
        oco.run("ogd", d=3, T=5, out=tmp_path / "one")
        for call in (
            lambda: oco.compare(["ogd"], d=3, T=5, out=tmp_path / "one"),
            lambda: oco.sweep([oco.Experiment("ogd", d=3, T=5)], tmp_path / "one"),
        ):
            with pytest.raises(ValueError, match="holds a single result, which would hide"):
                call()

    def test_a_tuning_is_not_replaced_unasked(self, tmp_path):
        path = tmp_path / "tuning.json"
        path.write_text("mine")
        arguments = ["tune", "--alg=ogd", "--d=3", "--T=5", "--grid=1:1:1", f"--out={path}"]
        result = CliRunner().invoke(main, arguments, prog_name="oco")
        assert_refused(result, "out: ", "exists already", "--overwrite")
        assert path.read_text() == "mine"
        result = CliRunner().invoke(main, [*arguments, "--overwrite", "--jobs=1"], prog_name="oco")
        assert result.exit_code == 0 and json.loads(path.read_text())["by"] == "loss"


def test_a_data_file_is_played(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "rows.npz", X=rng.standard_normal((40, 3)), y=np.resize([0, 1], 40))
    result = invoke(
        "--alg=s-adagrad", "--data", tmp_path / "rows.npz", "--domain=unconstrained", "--lr=0.1",
        "--json",
    )  # fmt: skip
    content = json.loads(result.stdout)
    assert (content["d"], content["T"], content["stream"]) == (4, 40, "data")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 1], "the label 1 is +1, the label 0 is −1"),
        ([-1, 1], None),
    ],
)
def test_the_table_says_what_the_labels_became(labels, words, tmp_path):
    np.savez(tmp_path / "rows.npz", X=np.ones((4, 1)), y=np.resize(labels, 4))
    result = invoke("--alg=ogd", "--data", tmp_path / "rows.npz")
    assert result.exit_code == 0 and (words is None or words in result.stdout)
    assert ("is +1" in result.stdout) == (words is not None)


@pytest.mark.parametrize("name", ["-", "/dev/stdin", "/dev/fd/0"])
def test_rows_come_through_a_pipe(name):
    rows = "".join(f"{t % 2} 1:{t} 2:1\n" for t in range(20))
    several = ("compare", "--alg=ogd", "--alg=adagrad")
    results = [
        process(*command, "--data", name, "--json", input=rows)
        for command in (("run", "--alg=ogd"), several)
    ]
    contents = [json.loads(result.stdout) for result in results]
    assert contents[0]["T"] == 20 and contents[0]["average_loss"] == contents[1][0]["average_loss"]
    assert "the rows came through a pipe" in contents[0]["notes"][0]


def test_every_run_of_a_tuning_needs_a_file():
    rows = "1 1:1\n0 1:2\n"
    result = process("tune", "--alg=ogd", "--data=-", "--grid=1:1:1", input=rows)
    assert result.returncode == 2 and "is a pipe, and every run reads the data" in result.stderr


def test_bundled_data_and_labels_apart(tmp_path):
    result = invoke("--alg=ogd", "--data=sklearn:iris", "--positive=2", "--json")
    content = json.loads(result.stdout)
    assert (content["T"], content["d"]) == (150, 5)
    np.save(tmp_path / "X.npy", np.eye(4))
    (tmp_path / "y").write_text("a\nb\na\nb\n")
    arguments = ("--alg=ogd", "--data", tmp_path / "X.npy", "--labels", tmp_path / "y", "--json")
    experiment = json.loads(invoke(*arguments).stdout)["experiment"]
    assert experiment["labels"] == str(tmp_path / "y")
    assert_refused(invoke("--alg=ogd", "--data=sklearn:irs"), "did you mean 'iris'")


def test_one_class_against_the_rest(tmp_path):
    np.savez(tmp_path / "rows.npz", X=np.ones((6, 1)), y=np.resize([0, 1, 2], 6))
    assert_refused(invoke("--alg=ogd", "--data", tmp_path / "rows.npz"), "3 values", "softmax")
    result = invoke("--alg=ogd", "--data", tmp_path / "rows.npz", "--positive=2", "--json")
    content = json.loads(result.stdout)
    assert content["experiment"]["positive"] == 2
    assert content["notes"] == ["the label 2 is +1, all others (0, 1) are −1"]


@pytest.mark.parametrize("learner", ["ogd", "adagrad-norm", "adagrad", "s-adagrad", "ada-fd"])
@pytest.mark.parametrize("value", [0.0, 5e-324, 1e-310, 1e-200])
def test_features_that_are_nearly_nothing_are_played(value, learner, tmp_path):
    np.savez(tmp_path / "rows.npz", X=np.full((4, 2), value), y=np.resize([-1, 1], 4))
    result = invoke("--alg", learner, "--data", tmp_path / "rows.npz", "--no-bias", "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert content["average_loss"] == pytest.approx(np.log(2))
    assert content["regret"]["lo"] == pytest.approx(0, abs=1e-9)


def test_a_matrix_game_is_played():
    result = invoke("--alg=s-shampoo", "--shape=8x6", "--k=3", "--T=60", "--json")
    content = json.loads(result.stdout)
    assert (content["stream"], content["d"], content["shape"]) == ("matrix-lowrank", 48, [8, 6])
    assert [axis["k"] for axis in content["axes"]] == [3, 3]
    assert [bound["holds"] for bound in content["bounds"]] == [True] * 3
    table = invoke("--alg=s-shampoo", "--shape=8x6", "--k=3", "--T=60").stdout
    assert "d = 8×6 = 48" in table and "escaped mass, right" in table


@pytest.mark.parametrize("shape", ["8", "8x", "8x6x2", "8X6", "0x6", "-1x6", "axb"])
def test_a_wrong_shape_is_one_line_and_exit_code_2(shape):
    result = invoke("--alg=s-shampoo", f"--shape={shape}", "--k=3", "--T=10")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: shape: expected ") and result.stderr.count("\n") == 1


def test_quiet_prints_nothing():
    result = invoke(*GOOD, "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_the_result_is_saved_and_drawn(tmp_path):
    result = invoke(*GOOD, "--out", tmp_path / "a" / "b", "--plot", tmp_path / "figure.png")
    assert result.exit_code == 0 and "saved in" in result.stderr
    assert oco.load_result(tmp_path / "a" / "b").summary.T == 60
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_pipe_gets_neither_colour_nor_progress():
    result = process("run", "--alg=s-adagrad", "--d=10", "--k=4", "--T=5000")
    assert result.returncode == 0 and result.stderr == ""
    assert "\x1b" not in result.stdout and "\r" not in result.stdout


def test_the_table_fits_a_narrow_terminal():
    result = process("run", *GOOD, env={**os.environ, "COLUMNS": "60"})
    assert max(map(len, result.stdout.splitlines())) <= 60 and "holds" in result.stdout


def test_a_terminal_without_greek_gets_no_traceback():
    for flags in ([], ["--json"]):
        result = process("run", *GOOD, *flags, env={**os.environ, "PYTHONIOENCODING": "ascii"})
        assert result.returncode == 0 and "Traceback" not in result.stderr
    assert "√" in json.loads(result.stdout)["bounds"][1]["formula"]


# Bad input

BAD = {
    "k too small": (["--k=1"], ["k: expected an integer >= 2, got 1"]),
    "k too large": (["--k=12"], ["k: expected an integer from 2 to 11, got 12"]),
    "no rounds": (["--T=0"], ["T: expected an integer >= 1, got 0"]),
    "no dimension": (["--d=0"], ["d: expected an integer >= 1, got 0"]),
    "zero rate": (["--lr=0"], ["lr: expected a finite number > 0, got 0"]),
    "negative rate": (["--lr=-1"], ["lr: expected a finite number > 0, got -1"]),
    "rate is nan": (["--lr=nan"], ["lr: expected a finite number > 0, got nan"]),
    "no radius": (["--radius=0"], ["radius: expected a finite number > 0"]),
    "learner": (["--alg=s-adgrad"], ["algorithm", "'s-adgrad'", "did you mean 's-adagrad'"]),
    "loss": (["--loss=hing"], ["loss", "'hing'", "did you mean 'hinge'"]),
    "stream": (["--stream=advesary"], ["stream", "did you mean 'adversary'"]),
    "domain": (["--domain=boxx"], ["domain", "did you mean 'box'"]),
    "spectrum": (["--spectrum=pow:1"], ["spectrum", "did you mean 'power'"]),
    "spectrum's field": (["--spectrum=exp:two"], ["spectrum: ", "'two'"]),
    "simplex metric": (["--domain=simplex"], ["domain: simplex needs a learner"]),
    "crossed box": (
        ["--alg=ogd", "--domain=box", "--lower=2", "--upper=1"],
        ["lower: expected lower <= upper"],
    ),
    "unbounded default": (["--domain=unconstrained"], ["lr: expected a number > 0, got None"]),
    "unbounded linear": (
        ["--domain=unconstrained", "--lr=1", "--loss=linear"],
        ["domain: linear losses"],
    ),
    "both sources": (["--data=x", "--stream=drift"], ["data: expected the stream 'data'"]),
    "no file named": (["--stream=data"], ["data: not given"]),
    "seed": (["--seed=-1"], ["seed: expected an integer >= 0"]),
    "gap": (["--gap=0"], ["gap: expected"]),
    "checkpoints": (["--checkpoints=0"], ["checkpoints: expected"]),
    "too many checkpoints": (
        ["--checkpoints=9223372036854775808"],
        ["checkpoints: expected an integer from 1 to 10000"],
    ),
    "radius whose square overflows": (["--radius=1e308"], ["radius: expected", "to 1e+150"]),
    "figure": (["--plot=figure.txt"], ["plot: expected a name that ends in .pdf, .png, .svg"]),
    "unknown option": (["--sed=1"], ["No such option", "--sed"]),
    "not a number": (["--d=ten"], ["'--d'", "'ten' is not a valid integer"]),
    "module": (["--alg=absent_module:x"], ["there is no module 'absent_module'"]),
    "attribute": (["--stream=math:coss"], ["the module 'math' has no 'coss'"]),
    "not a learner": (
        ["--alg=os:getcwd"],
        [
            "algorithm: 'os:getcwd' is not marked as a learner, so it is not called; ",
            "@oco.learner",
        ],
    ),
    "memory": (
        ["--alg=full-adagrad", "--d=1000000", "--T=1"],
        ["not enough memory", "Unable to allocate"],
    ),
}


@pytest.mark.parametrize(("arguments", "words"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line_and_exit_code_2(arguments, words):
    assert_refused(invoke(*good_but(*arguments)), *words)


@pytest.mark.parametrize("case", ["k too small", "learner", "unknown option"])
def test_a_real_process_does_the_same(case):
    arguments, words = BAD[case]
    result = process("run", *good_but(*arguments))
    assert result.returncode == 2 and result.stdout == "" and "Traceback" not in result.stderr
    assert all(word in result.stderr for word in words)


@pytest.mark.parametrize(("missing", "word"), [("alg", "--alg"), ("d", "d: "), ("T", "T: ")])
def test_what_is_missing_is_named(missing, word):
    arguments = [argument for argument in GOOD if not argument.startswith(f"--{missing}=")]
    assert_refused(invoke(*arguments), word)


FILES = {
    "empty": (b"", "the file is empty"),
    "malformed": (b"+1 1:3\n-1 2:x\n", "line 2: expected index:value, got '2:x'"),
    "truncated": (b"+1 1:3\n-1 2:1\n+1 3:", "line 3: expected index:value, got '3:'"),
    "no number": (b"+1 1:3\nyes 1:1\n", "line 2: the label 'yes' is not a number"),
    "nan feature": (b"+1 1:3\n-1 2:nan\n", "row 2: feature 2 is nan"),
    "infinite feature": (b"+1 1:inf\n-1 2:1\n", "row 1: feature 1 is inf"),
    "nan label": (b"nan 1:3\n-1 2:1\n", "row 1: the label is nan"),
    "one class": (b"+1 1:3\n+1 2:1\n", "every label is 1, a single class"),
}


@pytest.mark.parametrize(("content", "words"), FILES.values(), ids=FILES)
def test_a_bad_data_file_is_named_with_the_place(content, words, tmp_path):
    path = tmp_path / "rows"
    path.write_bytes(content)
    assert_refused(invoke("--alg=ogd", "--data", path), f"data: {path}: ", words)


def test_a_missing_data_file_and_a_directory_are_refused(tmp_path):
    assert_refused(invoke("--alg=ogd", "--data", tmp_path / "absent"), "no such file")
    assert_refused(invoke("--alg=ogd", "--data", tmp_path), "is not a file")


@pytest.mark.parametrize("option", ["--out", "--plot"])
def test_an_unwritable_place_is_found_before_the_run(option, tmp_path):
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "deep.png"
    # A run of this length would take hours.
    arguments = ["--alg=ogd", "--d=3", "--T=10000000", option, target]
    assert_refused(invoke(*arguments), f"{option[2:]}: cannot write to", "directory")


# Runs that go wrong

MINE = """
import pathlib
import numpy as np
import oco
from oco.algorithms import Diagnostics, s_adagrad

@oco.loss
class Broken:
    labels = "binary"
    rounds = 0
    def value(self, z, y):
        Broken.rounds += 1
        return np.exp(-y * z) if Broken.rounds < 37 else np.nan
    def derivative(self, z, y):
        return -y * np.exp(-y * z)

@oco.learner
class Overconfident:
    bounds, lr = ("certificate",), 1.0
    def __init__(self, d):
        self.x = np.zeros(d)
    def update(self, g):
        self.x = g
    def diagnostics(self):
        return Diagnostics(1e-9, 0.0, 0.0, None, None, 8)

@oco.learner
class Announced:
    # S-AdaGrad that tells the world when it has played 500 rounds.
    def __init__(self, d, k, domain):
        self.inner, self.t = s_adagrad(d, k=k, domain=domain), 0
    def update(self, g):
        self.inner.update(g)
        self.t += 1
        if self.t == 500:
            pathlib.Path("started").touch()
    def __getattr__(self, name):
        return getattr(self.__dict__["inner"], name)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    return tmp_path


def test_a_loss_that_is_nan_ends_the_run_with_its_round(folder):
    result = process(
        "run", "--alg=s-adagrad", "--d=5", "--T=100", "--loss=mine:Broken", "--out=out", "--json",
        cwd=folder,
    )  # fmt: skip
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert "FAILED: round 37: " in result.stderr and "loss nan" in result.stderr
    content = json.loads(result.stdout)
    assert (content["status"], content["rounds"], content["regret"]) == ("failed", 36, None)
    assert oco.load_result(folder / "out").trace.t[-1] == 36


def test_a_violated_bound_is_loud(folder):
    result = process("run", "--alg=mine:Overconfident", "--d=5", "--T=100", "--out=out", cwd=folder)
    assert result.returncode == 1
    assert "VIOLATED: the regret rose above the bound 'certificate'" in result.stderr
    assert "VIOLATED" in result.stdout
    assert oco.load_result(folder / "out").violated


def test_ctrl_c_keeps_what_was_played(folder):
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "oco", "run", "--alg=mine:Announced", "--d=20", "--k=5"),
            *("--T=5000000", "--out=out", "--json"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=folder,
    ) as running:
        for _ in range(600):
            if (folder / "started").exists() or running.poll() is not None:
                break
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 130, stderr
    content, result = json.loads(stdout), oco.load_result(folder / "out")
    assert content["status"] == result.summary.status == "interrupted"
    assert f"INTERRUPTED: interrupted after round {content['rounds']}" in stderr
    assert 500 <= content["rounds"] < 5_000_000 == content["T"]
    assert result.trace.t[-1] == content["rounds"]
    assert content["regret"]["lo"] <= content["regret"]["hi"]
    assert all(bound["holds"] is True for bound in content["bounds"])


def test_a_disk_that_fills_up_still_prints_the_result(tmp_path, monkeypatch):
    def full(self, directory):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("oco.results.Result.save", full)
    result = invoke(*GOOD, "--out", tmp_path)
    assert result.exit_code == 1 and "certificate" in result.stdout
    assert "Error: " in result.stderr and "No space left on device" in result.stderr
    assert "saved" not in result.stderr


@pytest.mark.parametrize("written", ["60", "6e1", "0.6e2", "6_0", "60.0", "+60"])
def test_an_integer_is_read_however_it_is_written(written):
    result = invoke("--alg=ogd", "--d=5", f"--T={written}", "--json")
    assert json.loads(result.stdout)["T"] == 60


@pytest.mark.parametrize(
    "written", ["1.5e0", "1e-1", "nan", "inf", "1e99", "1e999999999", "6 0", ""]
)
def test_what_is_no_integer_is_refused_by_name(written):
    line = assert_refused(invoke("--alg=ogd", "--d=5", f"--T={written}"))
    assert "'--T'" in line and f"{written!r} is not a valid integer" in line


def test_every_integer_option_of_every_command_takes_1e1():
    groups, plain = [main], []
    while groups:
        for command in groups.pop().commands.values():
            if hasattr(command, "commands"):
                groups.append(command)
            plain += [(command.name, p) for p in command.params if p.type.name == "integer"]
    assert len(plain) > 40
    for name, parameter in plain:
        assert parameter.type.convert("1e1", parameter, None) == 10, name
