"""Gradients that were recorded give the advice that they give while a model trains."""

from __future__ import annotations

import json

import numpy as np
import pytest
from command_line import assert_refused, invoke

from oco.memory import read_tensors
from oco.ranks import GradientWatch, RecordedGradients, open_gradients, watch_recorded

SHAPES = {"fc1.weight": (30, 12), "fc2.weight": (5, 30), "conv": (6, 3, 2, 2), "fc2.bias": (5,)}
STEPS = 11


@pytest.fixture
def gradients():
    rng = np.random.default_rng(0)
    return [
        {
            layer: (rng.standard_normal(shape) * 0.7 ** np.arange(shape[-1])).astype("f4")
            for layer, shape in SHAPES.items()
        }
        for _ in range(STEPS)
    ]


def write_safetensors(path, tensors):
    """Write the format by hand: its length, a JSON header, the numbers."""
    header, data = {}, b""
    for name, tensor in tensors.items():
        held = tensor.tobytes()
        kind = {"f": "F32", "u": "BF16", "i": "I64"}[tensor.dtype.kind]
        offsets = [len(data), len(data) + len(held)]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": offsets}
        data += held
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def absorbed(gradients, k=64):
    watch = GradientWatch(k)
    for step in gradients:
        watch.absorb(step)
    return {(one.layer, one.axis): one for one in watch.advise().axes}


def advised(recorded, k=64):
    return {(one.layer, one.axis): one for one in watch_recorded(recorded, k).advise().axes}


def test_a_folder_of_steps_in_each_format(gradients, tmp_path):
    wanted = absorbed(gradients)
    folder = tmp_path / "safetensors"
    folder.mkdir()
    for t, step in enumerate(gradients):
        write_safetensors(folder / f"step_{t}.safetensors", step)
    (folder / "notes.txt").write_text("not read")
    assert advised(RecordedGradients(folder)) == wanted
    assert [file.stem for file in RecordedGradients(folder).files][-2:] == ["step_9", "step_10"]

    folder = tmp_path / "numpy"
    folder.mkdir()
    for t, step in enumerate(gradients):
        for layer, gradient in step.items():
            np.save(folder / f"{layer}-{t}.npy", gradient)
    assert advised(RecordedGradients(folder)) == wanted


def test_a_folder_of_pytorch_files(gradients, tmp_path):
    torch = pytest.importorskip("torch")
    for t, step in enumerate(gradients):
        held = {layer: torch.tensor(gradient) for layer, gradient in step.items()}
        nested = {"conv": held.pop("conv"), **held, "step": t, "ids": torch.arange(3), "none": None}
        torch.save(nested, tmp_path / f"{t:04}.pt")
    assert advised(RecordedGradients(tmp_path)) == absorbed(gradients)
    torch.save([{"a": torch.ones(2, 3, dtype=torch.bfloat16)}], tmp_path / "alone.pt")
    (_, found), *_ = RecordedGradients(tmp_path / "alone.pt").steps()
    np.testing.assert_array_equal(found["0.a"], np.ones(3))


def test_nothing_in_a_pytorch_file_is_run(tmp_path):
    torch = pytest.importorskip("torch")

    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "sprung"), "w")

    torch.save({"a": Trap()}, tmp_path / "1.pt")
    assert_refused(invoke("rank", tmp_path), "1.pt: not a file of tensors that loads with weights_")
    assert not (tmp_path / "sprung").exists()


def test_stacked_arrays(gradients, tmp_path):
    stacks = {layer: np.stack([step[layer] for step in gradients]) for layer in SHAPES}
    wanted = absorbed(gradients)
    for layer, stack in stacks.items():
        np.save(tmp_path / f"{layer}.npy", stack)
    assert advised(RecordedGradients(tmp_path, stacked=True)) == wanted
    write_safetensors(tmp_path / "all.safetensors", stacks)
    assert advised(RecordedGradients(tmp_path / "all.safetensors")) == wanted
    alone = open_gradients(tmp_path / "conv.npy")
    assert isinstance(alone, RecordedGradients)
    assert advised(alone) == {key: one for key, one in wanted.items() if key[0] == "conv"}
    (tmp_path / "all.safetensors").unlink()
    with pytest.raises(ValueError, match="each layer occurs in one file"):
        watch_recorded(RecordedGradients(tmp_path))


def test_numbers_of_sixteen_bits(tmp_path):
    values = np.array([[1.0, -2.5], [0.0, 3.0]], "f4")
    upper = (values.view("u4") >> 16).astype("u2")
    write_safetensors(tmp_path / "half.safetensors", {"w": upper, "step": np.arange(3)})
    ((name, found),) = read_tensors(tmp_path / "half.safetensors")
    assert name == "w"
    np.testing.assert_array_equal(found, values)


def test_the_command(gradients, tmp_path):
    for t, step in enumerate(gradients):
        write_safetensors(tmp_path / f"{t}.safetensors", step)
    figure = tmp_path / "layers.svg"
    result = invoke("rank", tmp_path, "--error", "0.2", "--plot", figure)
    assert result.exit_code == 0, result.output
    assert "3 layers, 11 gradients of each" in result.stdout and figure.exists()
    assert "every axis has a k that is proven to hold 80 % of the mass" in result.stdout
    content = json.loads(invoke("rank", tmp_path, "--error=0.2", "--json").stdout)
    watch = watch_recorded(RecordedGradients(tmp_path))
    assert [one["k"] for one in content["axes"]] == [one.k for one in watch.advise(0.8).axes]
    # Adam: two moments, four bytes each.
    assert content["state_bytes"]["fc1.weight"]["adam"] == 2 * 4 * 30 * 12
    result = invoke("rank", tmp_path, "--error=1e-3", "--k-max=3")
    assert result.exit_code == 1 and "no k up to 3 is proven to hold 99.9 %" in result.stderr


def test_what_is_not_finite_is_left_out_and_said(tmp_path):
    for t in range(4):
        np.save(tmp_path / f"{t}.npy", np.full((3, 4), np.nan if t == 2 else 1.0))
    result = invoke("rank", tmp_path)
    assert result.exit_code == 0 and "left out: 1 gradient that is not finite" in result.stderr
    assert f"{tmp_path.name}  " in result.stdout


def test_bad_input_is_named(tmp_path):
    assert_refused(invoke("rank", tmp_path), "expected files that end in .npy")
    np.save(tmp_path / "w-1.npy", np.eye(3))
    assert_refused(invoke("rank", tmp_path, "--target=1.5"), "target: expected none")
    assert_refused(invoke("rank", tmp_path, "--dask=tcp://a:1"), "dask: expected none")
    assert_refused(invoke("rank", tmp_path, "--k-max=1"), "k_max: expected an integer")
    assert_refused(invoke("rank", tmp_path, "--error=0"), "error: expected a finite number")
    np.save(tmp_path / "w-2.npy", np.eye(4))
    assert_refused(invoke("rank", tmp_path), "w-2.npy: w: expected shape (3, 3), got (4, 4)")
    for content, words in (
        (np.zeros((0, 3)), "w: expected no empty axis"),
        (np.array(["a"]), "expected real numbers"),
        (np.eye(3) * 1j, "expected real numbers"),
    ):
        np.save(tmp_path / "w-2.npy", content)
        assert_refused(invoke("rank", tmp_path), "w-2.npy", words)
    (tmp_path / "w-2.npy").write_bytes(b"hello")
    assert_refused(invoke("rank", tmp_path), "w-2.npy: not a readable .npy file")
    for name in ("w-2.npy", "w-1.npy"):
        (tmp_path / name).unlink()
    path = tmp_path / "1.safetensors"
    write_safetensors(path, {"w": np.ones((2, 2), "f4")})
    path.write_bytes(path.read_bytes()[:-3])
    assert_refused(invoke("rank", tmp_path), "1.safetensors: tensor 'w': truncated")
    path.unlink()
    np.save(tmp_path / "b-1.npy", np.ones(5))
    np.save(tmp_path / "b-2.npy", np.ones(5))
    assert_refused(invoke("rank", tmp_path), "gradients: none of a matrix was seen")
