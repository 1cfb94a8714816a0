"""The ways that a state is copied, kept and loaded: each goes on bit for bit."""

from __future__ import annotations

import copy
import io
import pickle

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
SShampoo = pytest.importorskip("oco.integrations.torch").SShampoo
from torch_play import assert_same, only_tensors, optimizer_of, parameters, play  # noqa: E402


def through_weights_only(optimizer, other):
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    return other


WAYS = {
    "deepcopy": lambda optimizer, other: copy.deepcopy(optimizer),
    "pickle": lambda optimizer, other: pickle.loads(pickle.dumps(optimizer)),
    "weights only": through_weights_only,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64], ids=str)
@pytest.mark.parametrize(
    "options", [{}, {"k": None, "graft": "adam"}, {"max_axis": 4, "momentum": 0.0}], ids=str
)
def test_copies_go_on_bit_for_bit(way, dtype, options):
    options = {"dtype": dtype, "update_every": 2, **options}
    optimizer = optimizer_of(**options)
    play(optimizer, 4)
    assert all(map(only_tensors, optimizer.state.values()))
    other = WAYS[way](optimizer, optimizer_of(seed=1, **options))
    for p, q in zip(parameters(other), parameters(optimizer), strict=True):
        assert p is not q
        p.data.copy_(q)
    kept = copy.deepcopy(optimizer.state_dict()["state"])
    moved = play(other, 5, first=4)
    assert_same(optimizer.state_dict()["state"], kept)
    assert_same(play(optimizer, 5, first=4), moved)


def model_and_optimizer(seed, **options):
    torch.manual_seed(seed)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(2, 6, 3), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(96, 5)
    )
    return model, SShampoo(model.parameters(), lr=1e-2, k=2, **options)


def train(model, optimizer, steps, first=0):
    for step in range(first, first + steps):
        draw = torch.Generator().manual_seed(step)
        optimizer.zero_grad()
        model(torch.randn(8, 2, 6, 6, generator=draw)).square().mean().backward()
        optimizer.step()
    return [p.detach().clone() for p in model.parameters()]


@pytest.mark.parametrize("options", [{}, {"graft": "adam", "max_axis": 5}, {"momentum": 0.0}])
@pytest.mark.parametrize(
    # PyTorch does not load a full flattened state, of Adam neither.
    "flatten, full",
    [(True, False), (False, True), (False, False)],
)
def test_distributed_checkpoints_flatten_the_state(options, flatten, full):
    distributed = pytest.importorskip("torch.distributed.checkpoint.state_dict")
    how = distributed.StateDictOptions(
        flatten_optimizer_state_dict=flatten, full_state_dict=full, cpu_offload=full
    )
    model, optimizer = model_and_optimizer(0, **options)
    train(model, optimizer, 3)
    saved = copy.deepcopy(distributed.get_optimizer_state_dict(model, optimizer, options=how))
    if flatten:
        assert "state.0.weight.factors.0.0.escaped_mass" in saved
        assert all(
            isinstance(value, torch.Tensor)
            for key, value in saved.items()
            if key.startswith("state.")
        )
    other, resumed = model_and_optimizer(1, **options)
    distributed.set_optimizer_state_dict(other, resumed, saved, options=how)
    other.load_state_dict(model.state_dict())
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        assert_same(resumed.state[q], optimizer.state[p])
    assert_same(train(other, resumed, 4, first=3), train(model, optimizer, 4, first=3))
    assert all(map(only_tensors, resumed.state.values()))


def test_a_flattened_state_without_an_average_begins_it():
    """PyTorch gives an empty dictionary for what a flattened state lacks."""
    distributed = pytest.importorskip("torch.distributed.checkpoint.state_dict")
    how = distributed.StateDictOptions(flatten_optimizer_state_dict=True)
    model, optimizer = model_and_optimizer(0, momentum=0.0)
    train(model, optimizer, 3)
    saved = distributed.get_optimizer_state_dict(model, optimizer, options=how)
    other, resumed = model_and_optimizer(1, momentum=0.9)
    distributed.set_optimizer_state_dict(other, resumed, saved, options=how)
    assert all("gradient_average" not in state for state in resumed.state.values())
    resumed.param_groups[0]["momentum"] = 0.9
    train(other, resumed, 1)
    assert all("gradient_average" in state for state in resumed.state.values())
