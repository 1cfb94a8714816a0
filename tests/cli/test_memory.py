"""``oco memory``: a table, an object, a figure; and bad input named before anything is drawn."""

import json

import pytest
from click.testing import CliRunner

from oco.cli import main
from oco.memory import ledger


def invoke(*arguments):
    return CliRunner().invoke(main, ["memory", *map(str, arguments)], prog_name="oco")


def test_the_table_names_every_optimizer_and_shape():
    result = invoke("64x32", "64x32", "100", "--k", 8, "--k", 16)
    assert (result.exit_code, result.stderr) == (0, "")
    totals, shapes = result.stdout.split("second moment by shape")
    assert "3 tensors, 4,196 parameters, 4 bytes a number" in totals
    for label in (
        "full-adagrad",
        "shampoo",
        "s-shampoo k=8",
        "s-shampoo k=16",
        "soap",
        "adam",
        "muon",
    ):
        assert f"\n{label} " in totals and label in shapes
    rows = [line.split()[:2] for line in shapes.splitlines()[3:]]
    assert rows == [["64×32", "2"], ["100", "1"]]


def test_the_object_is_the_ledger():
    result = invoke("64x32", "100", "--k", 8, "--bytes", 8, "--max-axis", 32, "--json")
    content = json.loads(result.stdout)
    counted = ledger([(64, 32), (100,)], [8], number_bytes=8, max_axis=32)
    assert content["numbers"] == 64 * 32 + 100
    assert [row["second_moment"] for row in content["optimizers"]] == [
        entry.state.second_moment for entry in counted.entries
    ]
    assert [row["total"] for row in content["optimizers"]] == [
        sum(row["second_moment_of_each"]) + row["roots"] + row["grafting"] + row["first_moment"]
        for row in content["optimizers"]
    ]


def test_many_shapes_are_cut_short():
    result = invoke(*(f"{n}x2" for n in range(2, 32)))
    assert "31×2" in result.stdout and "\n2×2 " not in result.stdout
    assert "and 18 more shapes" in result.stdout


def test_a_header_and_a_figure(tmp_path):
    header = json.dumps({"w": {"dtype": "BF16", "shape": [6, 4], "data_offsets": [0, 48]}})
    model, figure = tmp_path / "m.safetensors", tmp_path / "memory.svg"
    model.write_bytes(len(header).to_bytes(8, "little") + header.encode())
    result = invoke("5", "--safetensors", model, "--plot", figure)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "2 tensors, 29 parameters" in result.stdout
    assert figure.read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "parameters: expected at least one shape"),
        (["12by3"], "shape: expected lengths joined by x"),
        (["12x3", "--k", "1"], "k: expected an integer >= 2, got 1"),
        (["12x3", "--safetensors", "none.safetensors"], "no such file"),
        (["12x3", "--plot", "memory.txt"], "plot: expected a name that ends in"),
    ],
)
def test_bad_input_is_one_line(arguments, words):
    result = invoke(*arguments)
    assert result.exit_code == 2 and result.stdout == ""
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error: "))
    assert words in line


def test_what_a_file_declares_besides_is_said(tmp_path):
    header = {
        "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "steps": {"dtype": "I64", "shape": [1], "data_offsets": [24, 32]},
        "none": {"dtype": "F32", "shape": [0], "data_offsets": [32, 32]},
    }
    text = json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    result = invoke("--safetensors", path)
    assert result.exit_code == 0
    assert "left out: 1 tensor of the type I64" in result.stdout
    assert "left out: 1 tensor empty" in result.stdout
    content = json.loads(invoke("--safetensors", path, "--json").stdout)
    assert content["left_out"] == {"of the type I64": 1, "empty": 1}
