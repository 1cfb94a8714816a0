"""Saving a result and loading it again changes nothing, whatever was run."""

from __future__ import annotations

import hypothesis_profiles  # loads the profile
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.algorithms import ALGORITHMS
from oco.losses import MARGIN_LOSSES

assert hypothesis_profiles.LOADED
LINEAR = ["rademacher", "orthonormal"]
STREAMS = ["stochastic", "drift", "adversary", "starve"]
SKETCHED = ("s-adagrad", "ada-fd", "ftsl", "s-ons", "rfd-son", "fd-son")
NEWTON = ("ons", "s-ons", "rfd-son", "fd-son")


@st.composite
def experiments(draw):
    algorithm = draw(st.sampled_from(list(ALGORITHMS)))
    newton = algorithm in NEWTON
    stream = draw(st.sampled_from(STREAMS if newton else STREAMS + LINEAR))
    losses = ["squared", "logistic"] if newton else list(MARGIN_LOSSES)
    d = draw(st.integers(1, 8))
    options = {
        "d": d,
        "T": draw(st.integers(1, 60)),
        "seed": draw(st.integers(0, 2**31)),
        "stream": stream,
        "loss": "linear" if stream in LINEAR else draw(st.sampled_from(losses)),
        "radius": draw(st.floats(1e-3, 1e3)),
        "checkpoints": draw(st.integers(1, 12)),
    }
    if algorithm in SKETCHED:
        options["k"] = draw(st.integers(2, d + 1))
    if draw(st.booleans()):
        options["alpha" if newton else "lr"] = draw(st.floats(1e-6, 1e6))
    return algorithm, options


@settings(max_examples=max(settings.default.max_examples // 5, 5))
@given(experiment=experiments())
def test_load_is_the_inverse_of_save(tmp_path_factory, experiment):
    algorithm, options = experiment
    result = oco.run(algorithm, **options)
    assert result.summary.status == "complete" and not result.violated
    folder = tmp_path_factory.mktemp("result")
    result.save(folder)
    loaded = oco.load_result(folder)
    assert loaded == result
    assert loaded.document() == result.document()
    loaded.save(folder)
    assert oco.load_result(folder) == result
