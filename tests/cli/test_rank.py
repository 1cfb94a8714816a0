"""``oco rank``: a recommendation that is proven, or the reason why there is none."""

from __future__ import annotations

import json

import numpy as np
from command_line import assert_refused, invoke


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


def test_rank_by_the_error_of_a_reconstruction(gradients, tmp_path):
    figure = tmp_path / "rank.svg"
    result = invoke("rank", gradients, "--error=0.05", "--plot", figure)
    assert result.exit_code == 0 and "miss at most 5 % of the mass" in result.stdout
    content = json.loads(invoke("rank", gradients, "--error=0.05", "--json").stdout)
    spectrum = np.linalg.svd(np.load(gradients), compute_uv=False) ** 2
    missed = 1 - np.cumsum(spectrum) / spectrum.sum()
    assert content["recommended"] == 2 + np.argmax(missed <= 0.05) and content["error"] == 0.05
    result = invoke("rank", gradients, "--error=1e-3", "--k-max=3")
    assert result.exit_code == 1 and "no k up to 3 meets the error 0.001: proven" in result.stderr
    assert_refused(invoke("rank", gradients, "--error=1"), "error: expected a finite number")


def test_rank_refuses_what_is_wrong(gradients, tmp_path):
    assert_refused(invoke("rank", tmp_path / "no.npy"), "no such file")
    assert_refused(invoke("rank", gradients, "--target=1"), "target: expected a finite number > 1")
    assert_refused(invoke("rank", gradients, "--k-max=22"), "k_max: expected an integer from 2")
    (tmp_path / "text.npy").write_text("hello")
    assert_refused(invoke("rank", tmp_path / "text.npy"), "not a readable .npy file")
