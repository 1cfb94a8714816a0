"""Parameters of one shape are stepped together, and each as if it were alone."""

from __future__ import annotations

import itertools

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
SShampoo = pytest.importorskip("oco.integrations.torch").SShampoo
state = pytest.importorskip("oco.integrations.torch.state")

RECIPE = {
    "graft": "unit",
    "tail": "mean",
    "exponent": "shampoo2",
    "average": "gradient",
    "nesterov": True,
    "matrix_rate": 0.2,
    "update_every": 3,
}
RECIPES = ({}, RECIPE, {"graft": "adam", "weight_decay": 0.1, "update_every": 2})
SHAPES = [(6, 14)] * 4 + [(7,)] * 3 + [(5, 3, 4)] * 2 + [(6, 14), ()]
# What is multiplied in another order differs by rounding, which steps of 0.01 add up.
ROUNDING = 1e-12


def optimizer_of(dtype=torch.float64, **options):
    draw = torch.Generator().manual_seed(0)
    weights = [torch.nn.Parameter(torch.randn(s, generator=draw).to(dtype)) for s in SHAPES]
    return SShampoo(weights, **{"lr": 1e-2, "k": 2, **options}), weights


def play(optimizer, weights, steps=12, bad=(), none=(), sign=1.0):
    """Take steps; at (step, parameter) in `bad` a gradient is NaN, in `none` there is none."""
    for step in range(steps):
        draw = torch.Generator().manual_seed(step)
        for i, p in enumerate(weights):
            g = sign * torch.randn(p.shape, generator=draw).to(p.dtype)
            p.grad = None if (step, i) in none else g * (torch.nan if (step, i) in bad else 1.0)
        optimizer.step()
    return [p.detach().clone() for p in weights]


@pytest.mark.parametrize("options", RECIPES, ids=str)
def test_together_is_as_alone(options):
    bad, none = {(4, 1), (4, 5), (0, 2), (6, 7)}, {(2, 0), (3, 0), (7, 6)}
    together, weights = optimizer_of(**options)
    alone, others = optimizer_of(foreach=False, **options)
    moved = play(together, weights, bad=bad, none=none)
    torch.testing.assert_close(
        moved, play(alone, others, bad=bad, none=none), rtol=0, atol=ROUNDING
    )
    assert together.skipped == alone.skipped == 4
    counts = [(int(together.state[p]["step"]), int(together.state[p]["skipped"])) for p in weights]
    assert counts[0] == (10, 0) and counts[1] == (11, 1) and counts[3] == (12, 0)


@pytest.mark.parametrize("options", RECIPES, ids=str)
def test_what_a_device_masks_is_what_a_cpu_leaves_out(options, monkeypatch):
    """On a device nothing is looked at in a step: all of it runs under masks."""
    masks = pytest.importorskip("oco.integrations.torch.masks")
    bad = {(4, 1), (4, 5), (0, 2), (6, 7), *((5, i) for i in range(len(SHAPES)))}
    plain = play(*optimizer_of(**options), bad=bad)
    monkeypatch.setattr(masks, "certain", lambda flags, value: False)
    optimizer, weights = optimizer_of(**options)
    torch.testing.assert_close(play(optimizer, weights, bad=bad), plain, rtol=0, atol=ROUNDING)
    assert optimizer.skipped == 4 + len(SHAPES)


def test_the_tensors_of_a_shape_share_memory_and_a_new_one_is_noticed():
    optimizer, weights = optimizer_of()
    play(optimizer, weights, 2)
    one, two = (optimizer.state[p]["gradient_average"] for p in weights[:2])
    assert one.untyped_storage().data_ptr() == two.untyped_storage().data_ptr()
    optimizer.state[weights[0]]["gradient_average"] = torch.zeros(6, 14, dtype=torch.float64)
    before = weights[1].detach().clone()
    play(optimizer, weights, 1)
    assert not torch.equal(weights[1], before)
    assert optimizer.state[weights[0]]["gradient_average"].abs().max() < 1


def test_refreshes_of_several_parameters_fall_on_different_steps():
    """Of six matrices each absorbs the first gradient, and then one in six, each at its time."""
    weights = [torch.nn.Parameter(torch.ones(6, 14)) for _ in range(6)]
    optimizer = SShampoo(weights, k=2, update_every=6, statistics_every=6, betas=(0.9, 1.0))
    absorbed = []
    for step in range(13):
        for p in weights:
            p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(step))
        optimizer.step()
        absorbed.append([int(optimizer.state[p]["absorbed"]) for p in weights])
    assert absorbed[0] == [1] * 6
    assert all(sum(b) - sum(a) == 1 for a, b in itertools.pairwise(absorbed))
    assert absorbed[12] == [3] * 6


def test_maximize_is_the_step_of_the_negative_gradient():
    descended = play(*optimizer_of(), sign=-1.0)
    torch.testing.assert_close(play(*optimizer_of(maximize=True)), descended, rtol=0, atol=0)


@pytest.mark.parametrize("options", RECIPES, ids=str)
def test_a_rate_may_be_a_tensor_and_changes_with_it(options):
    rate = torch.tensor(1e-2, dtype=torch.float64)
    optimizer, weights = optimizer_of(lr=rate, **options)
    plain, others = optimizer_of(**options)
    play(optimizer, weights, 3), play(plain, others, 3)
    rate.mul_(0.5)
    plain.param_groups[0]["lr"] = 5e-3
    moved = play(optimizer, weights, 3)
    torch.testing.assert_close(moved, play(plain, others, 3), rtol=0, atol=ROUNDING)
    assert optimizer.param_groups[0]["lr"] is rate


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"maximize": 1}, TypeError, "maximize: expected True or False, got 1"),
        ({"foreach": "yes"}, TypeError, "foreach: expected True or False, got 'yes'"),
        ({"differentiable": True}, ValueError, "differentiable: expected False, got True"),
        ({"capturable": True}, ValueError, "capturable: expected False, got True"),
        ({"capturable": None}, TypeError, "capturable: expected True or False, got None"),
        ({"lr": torch.ones(2)}, TypeError, "lr: expected a number or a tensor of one number"),
    ],
    ids=str,
)
def test_what_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        optimizer_of(**options)
