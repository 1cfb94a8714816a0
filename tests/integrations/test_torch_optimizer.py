"""SShampoo against its definition on dense matrices, and as an optimizer of PyTorch."""

from __future__ import annotations

import copy
import io

import numpy as np
import pytest
from dense_shampoo import DenseShampoo

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'oco-sketch[torch]'")
SShampoo = pytest.importorskip("oco.integrations.torch").SShampoo

SHAPES = [(6, 14), (13, 5), (3, 4, 6), (5, 1, 7), (1, 8), ()]
STEPS = 100
# Rounding of a step, relative to a weight of about 1, over the steps: 1e-5 and 1e-10 are promised.
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-10}
VARIANTS = [
    {},
    {"rank": None},
    {"graft": "adam", "weight_decay": 0.1, "update_every": 3},
    {"graft": "sgd", "beta2": 1.0, "momentum": 0.0},
    {"graft": "none", "bias_correction": False, "start_step": 5, "update_every": 2},
    {"graft": "rmsprop", "start_step": 7, "max_axis": 4, "rank": 3},
    {"graft": "none", "rank": 2, "beta2": 0.9},
]


def initial(shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def gradients(shape, steps=STEPS, seed=1):
    """Random gradients of a decaying spectrum, one of them zero and one of them not finite."""
    rng = np.random.default_rng([seed, *shape])
    for t in range(steps):
        g = rng.standard_normal(shape)
        if len(shape) >= 2:
            g = g * 0.7 ** np.arange(shape[-1])
        if t == 10:
            g = 0 * g
        if t == 20:
            g = np.full(shape, np.nan)
        yield g


def parameters(dtype, shapes=SHAPES):
    return [torch.nn.Parameter(torch.tensor(initial(shape), dtype=dtype)) for shape in shapes]


def give(parameter, g):
    parameter.grad = torch.tensor(g).to(parameter.dtype)


def play(optimizer, streams):
    for grads in zip(*streams, strict=True):
        for p, g in zip(optimizer.param_groups[0]["params"], grads, strict=True):
            give(p, g)
        optimizer.step()


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_steps_equal_the_definition(options, dtype):
    options = {"lr": 1e-2, "rank": 4, **options}
    optimizer = SShampoo(parameters(dtype), **options)
    play(optimizer, [gradients(shape) for shape in SHAPES])
    for p, shape in zip(optimizer.param_groups[0]["params"], SHAPES, strict=True):
        twin = DenseShampoo(p.new_tensor(initial(shape)).numpy(), **options)
        for g in gradients(shape):
            twin.step(torch.tensor(g).to(dtype).double().numpy())
        np.testing.assert_allclose(
            p.detach().double().numpy(), twin.x, rtol=0, atol=TOLERANCES[dtype], err_msg=str(shape)
        )
    assert optimizer.skipped == len(SHAPES)


def test_a_rank_for_each_axis():
    optimizer = SShampoo(parameters(torch.float64, [(12, 1, 10)]), lr=1e-2, rank=(5, 2, None))
    play(optimizer, [gradients((12, 1, 10))])
    twin = DenseShampoo(initial((12, 1, 10)), lr=1e-2, rank=(5, 2, None))
    for g in gradients((12, 1, 10)):
        twin.step(g)
    (p,) = optimizer.param_groups[0]["params"]
    np.testing.assert_allclose(p.detach().numpy(), twin.x, atol=1e-10)


def test_bfloat16_parameters_have_float32_statistics():
    optimizer = SShampoo(parameters(torch.bfloat16), lr=1e-2, rank=4)
    play(optimizer, [gradients(shape, 30) for shape in SHAPES])
    for p, shape in zip(optimizer.param_groups[0]["params"], SHAPES, strict=True):
        twin = DenseShampoo(initial(shape), lr=1e-2, rank=4)
        start = torch.tensor(initial(shape)).bfloat16()
        for g in gradients(shape, 30):
            twin.step(torch.tensor(g).bfloat16().double().numpy())
        buffer = optimizer.state[p]["momentum_buffer"]
        assert (buffer.dtype, p.dtype) == (torch.float32, torch.bfloat16)
        np.testing.assert_allclose(buffer.numpy(), twin.b, atol=1e-5)
        assert not torch.equal(p, start)


def network(dtype, seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Conv2d(2, 6, 3), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(96, 5)
    ).to(dtype)


def train(model, optimizer, steps):
    generator = torch.Generator().manual_seed(len(optimizer.state))
    dtype = next(model.parameters()).dtype
    for _ in range(steps):
        x = torch.randn(8, 2, 6, 6, generator=generator).to(dtype)
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64], ids=str)
@pytest.mark.parametrize(
    "options", [{}, {"graft": "adam", "update_every": 4, "rank": None}], ids=str
)
def test_a_saved_state_resumes_bit_for_bit(dtype, options):
    options = {"lr": 1e-2, "rank": 4, **options}
    model = network(dtype)
    optimizer = SShampoo(model.parameters(), **options)
    train(model, optimizer, 6)
    file = io.BytesIO()
    torch.save([model.state_dict(), optimizer.state_dict()], file)
    file.seek(0)
    weights, numbers = torch.load(file, weights_only=True)
    other = network(dtype, seed=1)
    other.load_state_dict(weights)
    resumed = SShampoo(other.parameters(), **options)
    resumed.load_state_dict(numbers)
    train(model, optimizer, 7)
    train(other, resumed, 7)
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q)


def test_loading_copies():
    model = network(torch.float32)
    optimizer = SShampoo(model.parameters(), rank=4)
    train(model, optimizer, 2)
    saved = optimizer.state_dict()
    before = copy.deepcopy(saved)
    other = SShampoo(network(torch.float32).parameters(), rank=4)
    other.load_state_dict(saved)
    for p in other.param_groups[0]["params"]:
        p.grad = torch.ones_like(p)
    other.step()
    torch.testing.assert_close(saved["state"], before["state"], rtol=0, atol=0)


def test_a_closure_computes_the_loss():
    (p,) = params = parameters(torch.float32, [(4, 6)])
    optimizer = SShampoo(params, lr=0.05, rank=3)

    def closure():
        optimizer.zero_grad()
        loss = p.square().sum()
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(60)]
    assert losses[-1] < 0.05 * losses[0]


def test_groups_have_options_of_their_own():
    a, b = parameters(torch.float64, [(6, 14), (13, 5)])
    optimizer = SShampoo([{"params": [a], "rank": 3, "lr": 0.1}], rank=5)
    optimizer.add_param_group({"params": [b], "graft": "sgd"})
    twins = [
        DenseShampoo(initial((6, 14)), rank=3, lr=0.1),
        DenseShampoo(initial((13, 5)), rank=5, graft="sgd"),
    ]
    for g, h in zip(gradients((6, 14), 20), gradients((13, 5), 20), strict=True):
        give(a, g), give(b, h)
        optimizer.step()
        twins[0].step(g), twins[1].step(h)
    np.testing.assert_allclose(a.detach().numpy(), twins[0].x, atol=1e-10)
    np.testing.assert_allclose(b.detach().numpy(), twins[1].x, atol=1e-10)


def test_a_schedule_changes_the_rate():
    (p,) = params = parameters(torch.float64, [(6, 14)])
    optimizer = SShampoo(params, lr=0.1, rank=3, momentum=0.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.0)
    play(optimizer, [gradients((6, 14), 1)])
    schedule.step()
    before = p.detach().clone()
    play(optimizer, [gradients((6, 14), 1)])
    assert torch.equal(p, before)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_a_gradient_that_is_not_finite_touches_nothing(bad):
    p, other = params = parameters(torch.float32, [(6, 14), (6, 14)])
    optimizer = SShampoo(params, rank=3, weight_decay=0.1)
    play(optimizer, [gradients((6, 14), 2), gradients((6, 14), 2)])
    before = copy.deepcopy([p.data, optimizer.state_dict()["state"][0]])
    for q in params:
        q.grad = torch.ones_like(q)
    p.grad[2, 3] = bad
    moved = other.detach().clone()
    optimizer.step()
    before[1]["skipped"] = 1
    torch.testing.assert_close([p.data, optimizer.state_dict()["state"][0]], before, rtol=0, atol=0)
    assert not torch.equal(other, moved)
    assert (optimizer.skipped, optimizer.state[other]["skipped"]) == (1, 0)


def test_gradients_may_be_strided():
    (p,), (q,) = (parameters(torch.float64, [(4, 3, 5, 2)]) for _ in range(2))
    one, two = SShampoo([p], lr=0.1, rank=3), SShampoo([q], lr=0.1, rank=3)
    for g in gradients((4, 3, 5, 2), 5):
        give(p, g)
        q.grad = torch.tensor(g).to(memory_format=torch.channels_last)
        one.step(), two.step()
    torch.testing.assert_close(p, q, rtol=0, atol=1e-12)


def test_memory_is_that_of_the_sketch():
    params = parameters(torch.float32, [(100, 40)])
    optimizer = SShampoo(params, rank=8, graft="sgd", momentum=0)
    play(optimizer, [gradients((100, 40), 1)])
    assert optimizer.second_moment_bytes == 4 * 7 * (100 + 40 + 2)
    assert optimizer.state_bytes == 4 * 7 * (100 + 40 + 2 * 2)
    optimizer = SShampoo(params, rank=None, graft="rmsprop")
    optimizer.step()
    assert optimizer.second_moment_bytes == 4 * (100**2 + 40**2)


def test_parameters_without_gradient_are_left_alone():
    p, q = params = parameters(torch.float32, [(6, 14), (13, 5)])
    optimizer = SShampoo(params, rank=3)
    give(p, initial((6, 14), seed=3))
    before = q.detach().clone()
    optimizer.step()
    assert torch.equal(q, before) and q not in optimizer.state
