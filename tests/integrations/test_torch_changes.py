"""Options that change between steps, hooks, and how a state is copied, kept and loaded."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

from oco.shampoo import GRAFTS

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
from torch_play import (  # noqa: E402
    SHAPES,
    assert_same,
    only_tensors,
    optimizer_of,
    parameters,
    play,
)

OTHERS = {
    "lr": 0.3,
    "betas": (0.5, 0.7),
    "eps": 1e-3,
    "epsilon": 0.1,
    "momentum": 0.5,
    "graft": "adam",
    "weight_decay": 0.2,
    "update_every": 3,
    "start_step": 4,
    "bias_correction": False,
    "tail": "mean",
    "exponent": "shampoo2",
    "average": "gradient",
    "nesterov": True,
    "matrix_rate": 0.2,
    "momentum_dtype": "bfloat16",
    "refresh": "subspace",
    "statistics": "average",
    "statistics_every": 1,
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("graft", ["none", "rmsprop"])
def test_every_other_option_may_change(name, graft):
    """There, while steps are made, back; and a checkpoint of each stage is one of this class."""
    start = {"graft": graft, "momentum": 0.0}
    optimizer = optimizer_of(**start)
    usual = optimizer.param_groups[0][name]
    play(optimizer, 3)
    for stage, value in enumerate((OTHERS[name], usual, OTHERS[name])):
        optimizer.param_groups[0][name] = value
        for moment in ("before its first step", "after it"):
            saved = copy.deepcopy(optimizer.state_dict())
            other = optimizer_of(seed=1, **start)
            other.load_state_dict(saved)
            assert other.param_groups[0][name] == value, moment
            for p, q in zip(parameters(other), parameters(optimizer), strict=True):
                p.data.copy_(q)
            moved = play(optimizer, 2, first=10 * stage)
            assert_same(play(other, 2, first=10 * stage), moved)
    assert optimizer.skipped == 0
    assert all(map(only_tensors, optimizer.state.values()))


def test_momentum_is_divided_by_its_own_weight():
    """μ_t differs from step to step: b/(1 − ∏ μ_t), by hand."""
    (p,) = parameters(
        optimizer := optimizer_of([(4,)], graft="none", lr=1.0, betas=(0.9, 0.5), eps=1e-3)
    )
    average, square, product = np.zeros(4), np.zeros(4), 1.0
    rng = np.random.default_rng(0)
    for step, momentum in enumerate([0.9, 0.5, 0.99, 0.0, 0.9, 0.95]):
        before, g = p.detach().numpy().copy(), rng.standard_normal(4)
        optimizer.param_groups[0]["momentum"] = momentum
        p.grad = torch.tensor(g)
        optimizer.step()
        square = 0.5 * square + 0.5 * g**2
        direction = g / (np.sqrt(square / (1 - 0.5 ** (step + 1))) + 1e-3)
        average = momentum * average + (1 - momentum) * direction
        product *= momentum
        np.testing.assert_allclose(
            before - p.detach().numpy(), average / (1 - product), rtol=0, atol=1e-13
        )


def test_the_moments_are_divided_by_their_own_weights():
    """β₁ and β₂ differ from step to step."""
    (p,) = parameters(optimizer := optimizer_of([(4,)], graft="adam", lr=1.0, eps=1e-3, momentum=0))
    first, square, product1, product2 = np.zeros(4), np.zeros(4), 1.0, 1.0
    rng = np.random.default_rng(0)
    for beta1, beta2 in [(0.9, 0.99), (0.5, 0.9), (0.0, 0.5), (0.95, 0.999)]:
        before, g = p.detach().numpy().copy(), rng.standard_normal(4)
        optimizer.param_groups[0].update(betas=(beta1, beta2))
        p.grad = torch.tensor(g)
        optimizer.step()
        first, product1 = beta1 * first + (1 - beta1) * g, product1 * beta1
        square, product2 = beta2 * square + (1 - beta2) * g**2, product2 * beta2
        expected = first / (1 - product1) / (np.sqrt(square / (1 - product2)) + 1e-3)
        np.testing.assert_allclose(before - p.detach().numpy(), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("k", [3, None])
def test_the_factors_are_divided_by_their_own_weight(k):
    """C/Σ_s ∏_{r>s} β_r: equal gradients have the same root whatever β₂ was."""
    moves = []
    for betas in ([0.9, 0.9, 0.9], [0.9, 0.5, 0.99], [0.1, 0.999, 0.3]):
        (p,) = parameters(
            optimizer := optimizer_of([(6, 9)], k=k, graft="none", lr=1.0, momentum=0)
        )
        gradient = torch.randn(6, 9, generator=torch.Generator().manual_seed(0)).double()
        for beta2 in betas:
            before = p.detach().clone()
            optimizer.param_groups[0]["betas"] = (0.9, beta2)
            p.grad = gradient
            optimizer.step()
        moves.append(before - p.detach())
        if k is None:
            # The covariance is G Gᵀ itself; ε is its own matter.
            u, s, vt = torch.linalg.svd(gradient, full_matrices=False)
            root = (s**2 + 1e-6 * s[0] ** 2) ** -0.25
            torch.testing.assert_close(moves[-1], u * (root * s * root) @ vt, rtol=0, atol=1e-8)
    if k is None:
        torch.testing.assert_close(moves[1], moves[0], rtol=0, atol=1e-10)
        torch.testing.assert_close(moves[2], moves[0], rtol=0, atol=1e-10)


@pytest.mark.parametrize("graft", GRAFTS)
def test_an_average_begins_when_it_is_first_needed(graft):
    """Momentum switched on: its first step is the new direction, and not a tenth of it."""
    late, never = (optimizer_of(graft=graft, momentum=0.0) for _ in range(2))
    play(late, 3), play(never, 3)
    assert "momentum_buffer" not in late.state[parameters(late)[0]]
    late.param_groups[0]["momentum"] = 0.9
    torch.testing.assert_close(play(late, 1, first=3), play(never, 1, first=3), rtol=0, atol=1e-14)
    assert "momentum_buffer" in late.state[parameters(late)[0]]


def test_a_schedule_of_momentum():
    optimizer = optimizer_of(lr=0.1, graft="adam")
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=12)
    seen = set()
    for step in range(10):
        play(optimizer, 1, first=step)
        seen.add(optimizer.param_groups[0]["betas"])
        schedule.step()
    # Where there are betas PyTorch turns the first one, which is the momentum of Adam's graft.
    assert len(seen) > 5 and optimizer.skipped == 0


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"k": 4}, ValueError, r"expected k 3 for .*\(6, 9\), .* got 4"),
        ({"k": None}, ValueError, r"expected k 3 for .*\(6, 9\), .* got None"),
        ({"max_axis": 5}, ValueError, r"expected max_axis 8192 for .*\(6, 9\), .* got 5"),
        ({"sides": "shorter"}, ValueError, r"expected sides both for .*\(6, 9\), .* got shorter"),
        ({"k": 1}, ValueError, "k: expected an integer >= 2, got 1"),
        ({"k": (3, 3, 3)}, ValueError, r"k: expected one for each of the 2 axes"),
        ({"momentum": 1.5}, ValueError, "momentum: expected a finite number .* got 1.5"),
        ({"lr": math.nan}, ValueError, "lr: expected a finite number >= 0, got nan"),
        ({"graft": "adm"}, ValueError, "graft: .*did you mean 'adam'"),
        ({"betas": (0.9, "a")}, TypeError, r"betas\[1\]: expected a finite number"),
        ({"bias_correction": "a"}, TypeError, "bias_correction: expected True or False, got 'a'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("copied", [False, True])
def test_impossible_changes_are_refused_before_anything_is_touched(change, error, message, copied):
    optimizer = optimizer_of()
    play(optimizer, 2)
    if copied:
        optimizer = pickle.loads(pickle.dumps(optimizer))
        # A copy does not know the options of the steps before; its statistics tell.
        message = r"state of .*\['factors'\]" if "(6, 9" in message else message
    optimizer.param_groups[0].update(change)
    before = copy.deepcopy([parameters(optimizer), optimizer.state_dict()["state"]])
    with pytest.raises(error, match=message):
        optimizer.step()
    assert_same([parameters(optimizer), optimizer.state_dict()["state"]], before)


def test_a_change_that_changes_no_factor_is_possible():
    """An axis of at most 2k has an exact factor whatever k is."""
    optimizer = optimizer_of([(6, 9), (4,)], k=5)
    play(optimizer, 2)
    optimizer.param_groups[0].update(k=None, max_axis=9)
    play(optimizer, 2, first=2)
    assert optimizer.state[parameters(optimizer)[0]]["step"] == 4


def test_before_the_first_step_everything_may_change():
    optimizer = optimizer_of()
    optimizer.param_groups[0].update(k=[4, None], max_axis=5, graft="adam", momentum=0.0)
    del parameters(optimizer)[2]
    play(optimizer, 2)
    assert optimizer.param_groups[0]["k"] == (4, None)


def test_a_checkpoint_without_a_newer_option_loads():
    for name in [*OTHERS, "max_axis"]:
        optimizer = optimizer_of(max_axis=5)
        play(optimizer, 2)
        saved = copy.deepcopy(optimizer.state_dict())
        del saved["param_groups"][0][name]
        other = optimizer_of(seed=1, max_axis=5)
        other.load_state_dict(saved)
        assert other.param_groups[0][name] == optimizer.param_groups[0][name]
        for p, q in zip(parameters(other), parameters(optimizer), strict=True):
            p.data.copy_(q)
        assert_same(play(other, 2, first=2), play(optimizer, 2, first=2))


def test_an_optimizer_pickled_without_a_newer_option_goes_on():
    optimizer = optimizer_of(eps=1e-8)
    play(optimizer, 2)
    older = copy.deepcopy(optimizer)
    del older.param_groups[0]["eps"], older.defaults["eps"]
    older = pickle.loads(pickle.dumps(older))
    assert_same(play(older, 2, first=2), play(optimizer, 2, first=2))


def test_surplus_averages_are_kept_and_missing_ones_begin():
    full, bare = optimizer_of(graft="adam"), optimizer_of(graft="none", momentum=0.0)
    play(full, 2), play(bare, 2)
    saved = {**full.state_dict(), "param_groups": bare.state_dict()["param_groups"]}
    bare.load_state_dict(saved)
    play(bare, 1)
    assert "first_moment" in bare.state[parameters(bare)[0]]
    play(bare_again := optimizer_of(graft="none", momentum=0.0), 2)
    saved = {**bare_again.state_dict(), "param_groups": full.state_dict()["param_groups"]}
    full.load_state_dict(saved)
    assert "first_moment" not in full.state[parameters(full)[0]]
    play(full, 1)
    assert full.skipped == 0 and "first_moment" in full.state[parameters(full)[0]]


def test_hooks_change_what_is_loaded():
    saved = optimizer_of()
    play(saved, 3)
    wrapped = {"optimizer": saved.state_dict(), "epoch": 7}
    optimizer = optimizer_of(seed=1)

    def unwrap(_, state_dict):
        return copy.deepcopy(state_dict["optimizer"])

    def change(_, state_dict):
        state_dict["param_groups"][0].update(lr=0.5, graft="adam", momentum=0.1)
        for state in state_dict["state"].values():
            state["step"] = 40
            state["skipped"] = torch.tensor(2.0)
            del state["momentum_buffer"], state["momentum_weight"]

    optimizer.register_load_state_dict_pre_hook(unwrap)
    optimizer.register_load_state_dict_pre_hook(change)
    optimizer.load_state_dict(wrapped)
    group = optimizer.param_groups[0]
    assert (group["lr"], group["graft"], group["momentum"]) == (0.5, "adam", 0.1)
    for p, q in zip(parameters(optimizer), parameters(saved), strict=True):
        assert optimizer.state[p]["step"] == 40 and "momentum_buffer" not in optimizer.state[p]
        assert_same(optimizer.state[p]["second_moment"], saved.state[q]["second_moment"])
    assert optimizer.skipped == 2 * len(SHAPES)
    play(optimizer, 1)
    assert all(optimizer.state[p]["step"] == 41 for p in parameters(optimizer))
    assert all(map(only_tensors, optimizer.state.values()))


def test_hooks_change_what_was_loaded():
    saved, optimizer = optimizer_of(), optimizer_of(seed=1)
    play(saved, 3)

    def change(optimizer):
        optimizer.param_groups[0]["lr"] = 0.5
        for p in parameters(optimizer):
            assert optimizer.state[p]["second_moment"].dtype == torch.float64
            optimizer.state[p]["step"] = 40
            optimizer.state[p]["second_moment"].fill_(2.0)

    optimizer.register_load_state_dict_post_hook(change)
    for _ in range(2):
        optimizer.load_state_dict(saved.state_dict())
        assert optimizer.param_groups[0]["lr"] == 0.5
        for p in parameters(optimizer):
            assert optimizer.state[p]["step"] == 40
            assert (optimizer.state[p]["second_moment"] == 2).all()
    play(optimizer, 1)
    assert all(map(only_tensors, optimizer.state.values()))
    assert (saved.state[parameters(saved)[1]]["second_moment"] != 2).all()


def test_what_hooks_make_of_it_is_checked_before_anything_is_touched():
    saved, optimizer = optimizer_of(), optimizer_of(seed=1)
    play(saved, 3), play(optimizer, 1)
    before = copy.deepcopy(optimizer.state_dict())
    called = []
    handle = optimizer.register_load_state_dict_pre_hook(lambda _, state_dict: {"state": {}})
    optimizer.register_load_state_dict_post_hook(called.append)
    with pytest.raises(ValueError, match="expected a dictionary with the key 'param_groups'"):
        optimizer.load_state_dict(saved.state_dict())
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"] and not called
    assert_same(after["state"], before["state"])
    handle.remove()
    optimizer.load_state_dict(saved.state_dict())
    assert called == [optimizer]
    assert len(optimizer._optimizer_load_state_dict_pre_hooks) == 0
    assert len(optimizer._optimizer_load_state_dict_post_hooks) == 1


def test_a_group_may_be_taken_away():
    optimizer = optimizer_of([(6, 9)], k=3)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(6, 9))], "k": 5})
    for group in optimizer.param_groups:
        group["params"][0].grad = torch.ones_like(group["params"][0])
    optimizer.step()
    del optimizer.param_groups[0]
    optimizer.step()
    assert optimizer.state[parameters(optimizer)[0]]["step"] == 2
