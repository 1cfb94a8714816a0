"""Options at the ends of what doubles and integers hold: refused by name, or played to an end."""

import warnings

import numpy as np
import pytest
from what_learners_take import only_taken

import oco
from oco.algorithms import ALGORITHMS
from oco.losses import LOSSES, STREAMS

EXTREMES = [
    *(0, -1, 5e-324, 1e-300, 1e-160, 1e-100, 1e-12, 1e12, 1e100, 1e150, 1e153, 1e155, 1e200),
    *(1e300, 1.7e308, float("inf"), float("nan"), 10**29, 2**63, 10**400),
]
NUMBERS = {
    **{"lr": 0.5, "radius": 0.5, "lower": 0.3, "upper": 0.3, "delta": 0.3},
    **{"noise": 0.2, "turns": 0.2, "gap": 0.2},
}
COUNTS = {"k": [0, 1, 2, 10**18, 2**63], "r": [0, 10**29], "T": [0, 10**18, 10**29, 1e29]}


def drawn(seed: int) -> tuple[str, dict]:
    rng = np.random.default_rng([seed, 5])
    stream = str(rng.choice([name for name in STREAMS if name != "data"]))
    options = {"stream": stream, "T": int(rng.choice([1, 2, 7, 40])), "seed": seed % 5}
    if "matrix" in stream or stream == "multiclass":
        options["shape"] = (int(rng.integers(2, 5)), int(rng.integers(1, 5)))
    else:
        options["d"] = int(rng.integers(1, 6))
    loss = str(rng.choice([name for name in LOSSES if STREAMS[stream].supports(name)]))
    options["loss"] = loss
    options["domain"] = str(rng.choice(["ball", "box", "unconstrained"], p=[0.5, 0.2, 0.3]))
    for name, chance in NUMBERS.items():
        if rng.random() < chance / 2:
            options[name] = EXTREMES[int(rng.integers(len(EXTREMES)))]
    for name, values in COUNTS.items():
        if rng.random() < 0.05:
            options[name] = values[int(rng.integers(len(values)))]
    if options["domain"] == "unconstrained":
        options.setdefault("lr", 0.1)
    if rng.random() < 0.2:
        options["prefix_regret"] = True
    return str(rng.choice(list(ALGORITHMS))), options


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_no_extreme_option_ends_in_a_traceback_or_a_violation(first):
    played = 0
    for seed in range(first, first + 50):
        algorithm, options = drawn(seed)
        try:
            result = oco.run(algorithm, **only_taken(algorithm, **options))
        except (TypeError, ValueError) as error:
            assert str(error).partition(":")[0].isidentifier(), (algorithm, options)
            continue
        played += 1
        assert not result.violated, (algorithm, options)
        regret = result.summary.regret
        assert regret is None or regret.lo <= regret.hi
        assert result.summary.status in ("complete", "failed")
        assert repr(result)
    assert played > 5


@pytest.mark.parametrize("T", [10**14, 10**29, 2**63, 1e29, 10**400])
def test_more_rounds_than_can_be_counted_or_recorded_are_refused_naming_T(T):
    with pytest.raises(ValueError, match=r"^T: "):
        oco.run("ogd", d=3, T=T)


def test_a_record_beyond_memory_is_refused_naming_T():
    with pytest.raises(
        ValueError, match=r"^T: not enough memory for the record of 1,000,000,000,0"
    ):
        oco.run("ogd", d=3, T=10**12)


def test_a_dimension_beyond_memory_is_refused_naming_it():
    with pytest.raises(ValueError, match=r"^d: not enough memory for the game"):
        oco.run("ogd", d=10**12, T=2)


def test_gradient_bounds_whose_squares_overflow_give_an_infinite_bound():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = oco.run("ogd", d=2, T=5, loss="squared", radius=1e150, noise=0.0, lr=1e-10)
    assert result.summary.status in ("complete", "failed") and not result.violated


@pytest.mark.parametrize("bound", [1e155, -1e300, [0.0, 1e200]])
def test_a_box_too_large_for_squares_is_refused(bound):
    name = "upper" if np.max(bound) > 0 else "lower"
    with pytest.raises(ValueError, match=rf"^{name}: expected a finite number from -1e\+150"):
        oco.Box(**{"lower": -1.0, "upper": 1.0, name: bound})
