"""``oco spectra`` and ``oco show`` of what it saved."""

import json

import pytest
from click.testing import CliRunner

from oco.cli import main
from oco.training import load_study

SHORT = ("--task=digits-softmax", "--alg=adam", "--steps=40", "--evaluations=4", "--k=6")


def invoke(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)), prog_name="oco")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spectra")
    result = invoke("spectra", *SHORT, "--out", folder / "study", "--plot", folder / "study.svg")
    assert result.exit_code == 0, result.output
    (folder / "stdout").write_text(result.stdout)
    return folder


def test_what_the_sketch_keeps_is_said_in_a_sentence(folder):
    study = load_study(folder / "study")
    *_, last = (folder / "stdout").read_text().splitlines()
    kept = [f"{100 * factor.captured[-1]:.1f} %" for factor in study.factors.values()]
    assert last == (
        f"at k = 6 the sketch keeps {kept[0]} of the mass of L (10 × 10) and {kept[1]} of R "
        f"(64 × 64); its step and exact Shampoo's (ε = 1e-06) have a cosine of "
        f"{study.alignment[-1]:.3f}"
    )
    assert (folder / "study.svg").read_bytes().startswith(b"<?xml")


def test_the_tables_are_the_study(folder):
    study, text = load_study(folder / "study"), (folder / "stdout").read_text()
    rows = {line.strip(): line for line in text.splitlines()}
    (row,) = [line for line in rows if line.startswith("τ over λ_max")]
    ratios = [f"{f.escaped_mass[-1] / f.largest[-1]:.2g}" for f in study.factors.values()]
    assert row.split()[-2:] == ratios
    steps = [line.split()[0] for line in rows if line[:2] in ("10", "20", "30", "40")]
    assert steps == ["10", "20", "30", "40"]


def test_show_prints_the_same_again(folder):
    result = invoke("show", folder / "study", "--plot", folder / "again.svg")
    assert result.exit_code == 0 and result.stdout == (folder / "stdout").read_text()
    assert (folder / "again.svg").read_bytes() == (folder / "study.svg").read_bytes()


def test_json_has_every_checkpoint(folder):
    document = json.loads(invoke("show", folder / "study", "--json").stdout)
    study = load_study(folder / "study")
    assert document["step"] == study.step.tolist() and document["study"]["k"] == 6
    assert document["L"]["captured"] == study.left.captured.tolist()
    assert document["R"]["overlap"][:3] == [None, None, None]
    assert document["alignment"] == study.alignment.tolist()


def test_a_training_that_fails_exits_1(tmp_path):
    arguments = ("--alg=sgd", "--lr=1e6", "--steps=20", "--evaluations=1", "--reference=20")
    result = invoke("spectra", *arguments, "--k=4", "--plot", tmp_path / "none.svg")
    assert result.exit_code == 1
    assert "FAILED: step 6: the loss is nan" in result.stderr
    assert "Error: study: nothing to draw" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--layer=4",), "layer: expected an integer from 1 to 3, got 4"),
        (("--k=1",), "k: expected an integer >= 2, got 1"),
        (("--decay=0",), "decay: expected a finite number > 0"),
        (("--reference=501",), "reference: expected an integer from 1 to 500, got 501"),
        (("--alg=shampo",), "alg: unknown name 'shampo'; did you mean 'shampoo'?"),
        (("--task=cifar",), "task: unknown name 'cifar'"),
        (("--alg=adam", "--graft=sgd"), "graft: adam takes no such option"),
        (("--plot=here",), "plot: expected a name that ends in"),
    ],
)
def test_what_is_wrong_is_one_line(arguments, words):
    result = invoke("spectra", *arguments)
    assert result.exit_code == 2 and not result.stdout
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error: "))
    assert words in line
