"""``oco spectra``, ``oco reproduce spectra``, and ``oco show`` of what they saved."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from oco.cli import main
from oco.spectra import follow, load_study


def invoke(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)), prog_name="oco")


@pytest.fixture(scope="module")
def layer():
    rng = np.random.default_rng(0)
    return rng.standard_normal((40, 10, 24)) * 0.8 ** np.arange(24)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, layer):
    folder = tmp_path_factory.mktemp("spectra")
    np.save(folder / "g.npy", layer)
    wanted = ("--k=6", "--evaluations=4", "--out", folder / "study", "--plot", folder / "study.svg")
    result = invoke("spectra", folder / "g.npy", *wanted)
    assert result.exit_code == 0, result.output
    (folder / "stdout").write_text(result.stdout)
    return folder


def test_the_study_is_of_the_gradients_in_the_file(folder, layer):
    study = load_study(folder / "study")
    origin = f"{folder / 'g.npy'}: 40 gradients"
    assert study == follow(layer, k=6, evaluations=4, origin=origin)
    assert (folder / "stdout").read_text().startswith(f"{origin}, 10 × 24: L over the outputs, ")


def test_what_the_sketch_keeps_is_said_in_a_sentence(folder):
    study = load_study(folder / "study")
    *_, last = (folder / "stdout").read_text().splitlines()
    kept = [f"{100 * factor.captured[-1]:.1f} %" for factor in study.factors.values()]
    assert last == (
        f"at k = 6 the sketch keeps {kept[0]} of the mass of L (10 × 10) and {kept[1]} of R "
        f"(24 × 24); its step and exact Shampoo's (ε = 1e-06) have a cosine of "
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
    assert document["L"]["captured"] == study.factors["L"].captured.tolist()
    assert document["R"]["overlap"][:3] == [None, None, None]
    assert document["alignment"] == study.alignment.tolist()


def test_vectors_have_one_covariance(folder, layer):
    np.save(folder / "v.npy", layer[:, 0])
    result = invoke("spectra", folder / "v.npy", "--k=6", "--decay=1")
    assert result.exit_code == 0 and "C over the entries, decay 1" in result.stdout
    values = np.linalg.eigvalsh(layer[:, 0].T @ layer[:, 0])
    (row,) = (line for line in result.stdout.splitlines() if line.startswith("intrinsic dim"))
    assert row.split()[-1] == f"{values.sum() / values[-1]:.3g}"
    assert "full-matrix AdaGrad's (ε = 1e-06) have a cosine of " in result.stdout


def test_the_study_of_a_network_is_kept_up_to_a_loss_that_is_no_number(tmp_path):
    arguments = ("--alg=sgd", "--lr=1e6", "--steps=20", "--evaluations=1", "--reference=2")
    result = invoke("reproduce", "spectra", *arguments, "--k=4", "--out", tmp_path / "study")
    assert result.exit_code == 1
    assert "FAILED: step 6: the loss is nan" in result.stderr
    assert load_study(tmp_path / "study").step.tolist() == [2]
    again = invoke("show", tmp_path / "study")
    assert again.stdout == result.stdout and "layer 2, 256 × 256: L over" in again.stdout
    nothing = ("--evaluations=1", "--reference=20", "--plot", tmp_path / "none.svg")
    result = invoke("reproduce", "spectra", *arguments[:3], *nothing)
    assert "Error: study: nothing to draw" in result.stderr and result.exit_code == 1


def wrong(result):
    assert result.exit_code == 2 and not result.stdout
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error: "))
    return line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--k=1",), "k: expected an integer >= 2, got 1"),
        (("--decay=0",), "decay: expected a finite number > 0"),
        (("--reference=41",), "reference: expected an integer from 1 to 40, got 41"),
        (("--evaluations=0",), "evaluations: expected an integer >= 1, got 0"),
        (("--plot=here",), "plot: expected a name that ends in"),
    ],
)
def test_what_is_wrong_is_one_line(folder, arguments, words):
    assert words in wrong(invoke("spectra", folder / "g.npy", *arguments))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--layer=4",), "layer: expected an integer from 1 to 3, got 4"),
        (("--alg=shampo",), "alg: unknown name 'shampo'; did you mean 'shampoo'?"),
        (("--lr=0",), "lr: expected a finite number > 0"),
        (("--reference=1501",), "reference: expected an integer from 1 to 1500, got 1501"),
        (("--k=1",), "k: expected an integer >= 2, got 1"),
    ],
)
def test_what_is_wrong_with_a_network_is_one_line(arguments, words):
    assert words in wrong(invoke("reproduce", "spectra", *arguments))


def test_what_is_wrong_with_a_file_is_one_line(tmp_path):
    assert "no such file" in wrong(invoke("spectra", tmp_path / "none.npy"))
    for array, words in (
        (np.ones((3, 2, 2, 2)), "expected an array of shape (T, d) or (T, m, n), got shape"),
        (np.ones((3, 8193)), "gradients: expected shape (d,) or (m, n), every axis of 1 to 8,192"),
        (np.array([[1.0], [np.nan]]), "row 2: entry 1 is nan"),
    ):
        np.save(tmp_path / "g.npy", array)
        assert words in wrong(invoke("spectra", tmp_path / "g.npy"))


def test_a_document_of_another_kind_is_named(folder, tmp_path):
    study = load_study(folder / "study")
    document = {**study.document(), "kind": "trainings"}
    from oco.results import storage

    storage.write(tmp_path, document, {})
    assert "holds 'trainings', which this release does not show" in wrong(invoke("show", tmp_path))
