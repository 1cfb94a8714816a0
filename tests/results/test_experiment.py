"""An Experiment holds checked options and nothing else."""

import pathlib

import numpy as np
import pytest

from oco.results import Experiment


def test_options_become_plain_data():
    experiment = Experiment(
        "ogd",
        d=np.int64(5),
        T=10,
        lr=np.float32(0.5),
        radius=2,
        lower=[-1, -2],
        upper=np.float64(3),
    )
    assert type(experiment.d) is int and type(experiment.lr) is float
    assert experiment.radius == 2.0 and experiment.lower == (-1.0, -2.0)
    assert Experiment.from_plain(experiment.plain()) == experiment


def test_a_data_file_implies_the_data_stream():
    experiment = Experiment("ogd", data=pathlib.Path("rows.npy"))
    assert (experiment.stream, experiment.data) == ("data", "rows.npy")
    assert Experiment("ogd").stream == "stochastic"
    with pytest.raises(ValueError, match="data: expected the stream 'data' with it, got 'drift'"):
        Experiment("ogd", data="rows.npy", stream="drift")


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("d", 0, ValueError),
        ("d", 2.5, TypeError),
        ("T", 0, ValueError),
        ("T", True, TypeError),
        ("k", 1, ValueError),
        ("k", "3", TypeError),
        ("seed", -1, ValueError),
        ("seed", None, TypeError),
        ("lr", 0, ValueError),
        ("lr", -1.0, ValueError),
        ("lr", float("nan"), ValueError),
        ("lr", float("inf"), ValueError),
        ("lr", "0.1", TypeError),
        ("delta", 0.0, ValueError),
        ("radius", 0, ValueError),
        ("radius", None, TypeError),
        ("lower", float("-inf"), ValueError),
        ("upper", [1.0, None], TypeError),
        ("noise", -0.1, ValueError),
        ("turns", float("inf"), ValueError),
        ("r", 0, ValueError),
        ("features", 0, ValueError),
        ("checkpoints", 0, ValueError),
        ("gap", 0, ValueError),
        ("bias", 1, TypeError),
        ("prefix_regret", "yes", TypeError),
        ("loss", 3, TypeError),
        ("domain", None, TypeError),
        ("data", 3, TypeError),
    ],
)
def test_a_bad_option_is_named(option, value, error):
    with pytest.raises(error, match=f"^{option}: expected"):
        Experiment("ogd", **{option: value})


@pytest.mark.parametrize("name", ["d", "k", "T", "seed", "r", "features", "checkpoints"])
def test_an_integer_may_be_written_as_a_float_that_is_one(name):
    value = getattr(Experiment("ogd", **{name: 2e1}), name)
    assert value == 20 and type(value) is int
    for wrong in (20.5, float("nan"), float("inf"), "20", True):
        with pytest.raises(TypeError, match=f"^{name}: expected an integer"):
            Experiment("ogd", **{name: wrong})
