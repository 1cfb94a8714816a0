"""SShampoo against the NumPy reference, and as an optimizer of PyTorch."""

from __future__ import annotations

import copy
import io

import numpy as np
import pytest
from dense_shampoo import PLAIN

from oco.optimizers import s_shampoo

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
SShampoo = pytest.importorskip("oco.integrations.torch").SShampoo
factors = pytest.importorskip("oco.integrations.torch.factors")
state = pytest.importorskip("oco.integrations.torch.state")

SHAPES = [(6, 14), (13, 5), (7, 4, 3), (5, 1, 7), (1, 8), ()]
STEPS = 100
# Rounding of a step, relative to a weight of about 1, over the steps: 1e-5 and 1e-10 are promised.
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-10}
VARIANTS = [
    {},
    {"k": None},
    {"graft": "adam", "weight_decay": 0.1, "update_every": 3},
    {"graft": "sgd", "betas": (0.9, 1.0), "momentum": 0.0},
    {"graft": "none", "bias_correction": False, "start_step": 5, "update_every": 2},
    {"graft": "rmsprop", "start_step": 7, "max_axis": 6, "k": 3},
    {"graft": "none", "k": 2, "betas": (0.9, 0.9)},
    {"graft": "unit", "start_step": 4, "max_axis": 5},
    {"tail": "half", "graft": "none"},
    {"tail": "mean", "graft": "unit", "update_every": 2},
    {"tail": "mean", "betas": (0.9, 1.0), "graft": "sgd", "max_axis": 6},
    {"exponent": "shampoo2"},
    {"exponent": "shampoo2", "tail": "mean", "graft": "unit"},
    {"exponent": "shampoo2", "k": None, "graft": "none"},
    {"average": "gradient"},
    {"average": "gradient", "nesterov": True, "graft": "none", "start_step": 6},
    {"average": "gradient", "nesterov": True, "graft": "adam", "bias_correction": False},
    {"average": "gradient", "graft": "sgd", "start_step": 4, "update_every": 2},
    {"average": "gradient", "k": None},
    {"nesterov": True, "matrix_rate": 0.2, "weight_decay": 0.1},
    {"graft": "adafactor", "k": 3},
    {"graft": "adafactor", "average": "gradient", "bias_correction": False, "start_step": 4},
    {"graft": "adafactor", "betas": (0.9, 1.0), "max_axis": 6},
    {"long_axes": "factored", "max_axis": 6, "graft": "unit", "average": "gradient"},
    {"long_axes": "factored", "max_axis": 6, "graft": "adam"},
    {"statistics": "average", "average": "gradient", "nesterov": True, "graft": "unit"},
    {"statistics_every": 2, "update_every": 6, "graft": "none", "k": 3},
    {"update_every": 10, "graft": "unit", "exponent": "shampoo2", "average": "gradient"},
    # Exact factors of few gradients amplify rounding where they have seen nothing, by ε.
    {"update_every": 13, "k": None, "graft": "none", "epsilon": 1e-4},
    {"statistics_every": 1, "update_every": 4, "k": 3, "statistics": "average"},
    {"sides": "shorter"},
    {"sides": "shorter", "k": None, "graft": "none", "average": "gradient"},
    {"sides": "shorter", "k": 3, "max_axis": 7, "tail": "mean", "graft": "unit"},
    {"sides": "shorter", "exponent": "shampoo2", "refresh": "subspace", "graft": "none"},
    {"refresh": "subspace", "k": 3, "graft": "none"},
    {"refresh": "subspace", "tail": "mean", "graft": "unit", "update_every": 2},
    {"refresh": "subspace", "tail": "half", "exponent": "shampoo2", "average": "gradient"},
    {
        "average": "gradient",
        "nesterov": True,
        "graft": "unit",
        "tail": "mean",
        "exponent": "shampoo2",
        "matrix_rate": 0.2,
        "update_every": 3,
        "start_step": 3,
    },
]


def initial(shape):
    return np.random.default_rng(shape).standard_normal(shape)


def gradients(shape, steps=STEPS):
    """Random gradients of a decaying spectrum, one of them zero and one of them not finite."""
    rng = np.random.default_rng([1, *shape])
    for t in range(steps):
        g = rng.standard_normal(shape)
        if len(shape) >= 2:
            g = g * 0.7 ** np.arange(shape[-1])
        yield {10: np.zeros(shape), 20: np.full(shape, np.nan)}.get(t, g)


def parameters(dtype, shapes=SHAPES):
    return [torch.nn.Parameter(torch.tensor(initial(shape)).to(dtype)) for shape in shapes]


def play(optimizer, steps=STEPS):
    """Take steps, each parameter with the gradients of its shape; return where they lead."""
    params = [p for group in optimizer.param_groups for p in group["params"]]
    for grads in zip(*(gradients(tuple(p.shape), steps) for p in params), strict=True):
        for p, g in zip(params, grads, strict=True):
            p.grad = torch.tensor(g).to(p.dtype)
        optimizer.step()
        for p, g in zip(params, grads, strict=True):
            assert torch.equal(p.grad.nan_to_num(), torch.tensor(g).to(p.dtype).nan_to_num())
    return [p.detach().double().numpy() for p in params]


def play_reference(params, steps=STEPS, **options):
    """Do the same in NumPy, in double precision, from parameters that have not moved yet."""
    weights = [p.detach().double().numpy().copy() for p in params]
    reference = s_shampoo(weights, **options)
    for grads in zip(*(gradients(w.shape, steps) for w in weights), strict=True):
        # The gradients as the parameters' type rounds them.
        grads = [torch.tensor(g).to(p.dtype) for p, g in zip(params, grads, strict=True)]
        reference.step([g.double().numpy() for g in grads])
    return weights


def assert_equal(found, expected, tolerance):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance, err_msg=f"shape {b.shape}")


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_the_default_recipe_equals_the_reference_and_keeps_one_average(dtype):
    params = parameters(dtype)
    expected = play_reference(params, lr=1e-2, k=2)
    optimizer = SShampoo(params, lr=1e-2, k=2)
    assert_equal(play(optimizer), expected, TOLERANCES[dtype])
    for p in params:
        averages = {"gradient_average", "second_moment"} & optimizer.state[p].keys()
        vector = sum(n > 1 for n in p.shape) < 2
        assert averages == {"gradient_average"} | ({"second_moment"} if vector else set())


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_steps_equal_the_reference(options, dtype):
    options = {"lr": 1e-2, "k": 2, **PLAIN, **options}
    params = parameters(dtype)
    expected = play_reference(params, **options)
    optimizer = SShampoo(params, **options)
    # Without a sketch there is no tail: of what was hardly seen, rounding is amplified by ε^(−1/2)
    # on each side.
    tolerance = TOLERANCES[dtype] * (3 if options["exponent"] == "shampoo2" else 1)
    assert_equal(play(optimizer), expected, tolerance)
    assert optimizer.skipped == len(SHAPES)


def test_a_sketch_size_for_each_axis():
    params = parameters(torch.float64, [(12, 1, 10)])
    expected = play_reference(params, lr=1e-2, k=(5, 2, None))
    assert_equal(play(SShampoo(params, lr=1e-2, k=(5, 2, None))), expected, 1e-10)


def test_large_matrices_equal_the_reference():
    params = parameters(torch.float64, [(210, 300), (450, 200)])
    expected = play_reference(params, 5, lr=1e-2, k=20)
    assert_equal(play(SShampoo(params, lr=1e-2, k=20), 5), expected, 1e-10)


@pytest.mark.parametrize("graft", ["rmsprop", "adam"])
def test_what_is_computed_in_pieces_equals_the_reference(graft, monkeypatch):
    monkeypatch.setattr(factors, "LARGE", 5)
    monkeypatch.setattr(state, "LARGE", 10)
    params = parameters(torch.float64)
    expected = play_reference(params, 30, lr=1e-2, k=4, graft=graft)
    assert_equal(play(SShampoo(params, lr=1e-2, k=4, graft=graft), 30), expected, 1e-10)


def test_bfloat16_parameters_have_float32_statistics():
    params = [torch.nn.Parameter(torch.zeros(shape, dtype=torch.bfloat16)) for shape in SHAPES]
    expected = play_reference(params, 30, lr=1e-2, k=4)
    optimizer = SShampoo(params, lr=1e-2, k=4)
    # The weights move by about 0.3; each step rounds them to 8 bits.
    assert_equal(play(optimizer, 30), expected, 0.01)
    for p in params:
        assert p.dtype == torch.bfloat16
        assert optimizer.state[p]["gradient_average"].dtype == torch.float32


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
@pytest.mark.parametrize("options", [{}, {"graft": "adam", "update_every": 4, "k": None}], ids=str)
def test_a_saved_state_resumes_bit_for_bit(dtype, options):
    options = {"lr": 1e-2, "k": 2, **PLAIN, **options}
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
    optimizer = SShampoo(model.parameters(), k=4)
    train(model, optimizer, 2)
    saved = optimizer.state_dict()
    before = copy.deepcopy(saved)
    other = SShampoo(network(torch.float32).parameters(), k=4)
    other.load_state_dict(saved)
    for p in other.param_groups[0]["params"]:
        p.grad = torch.ones_like(p)
    other.step()
    torch.testing.assert_close(saved["state"], before["state"], rtol=0, atol=0)


def test_a_copy_goes_on_alone():
    model = network(torch.float32)
    optimizer = SShampoo(model.parameters(), k=4)
    train(model, optimizer, 2)
    other, copied = copy.deepcopy((model, optimizer))
    train(model, optimizer, 3)
    train(other, copied, 3)
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        assert p is not q and torch.equal(p, q)


def test_a_closure_computes_the_loss():
    (p,) = params = parameters(torch.float32, [(4, 6)])
    optimizer = SShampoo(params, lr=0.05, k=3)

    def closure():
        optimizer.zero_grad()
        loss = p.square().sum()
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(60)]
    assert losses[-1] < 0.05 * losses[0]


def test_groups_have_options_of_their_own():
    a, b = parameters(torch.float64, [(6, 14), (13, 5)])
    expected = play_reference([a], lr=0.1, k=3, update_every=1)
    expected += play_reference([b], k=5, graft="sgd", update_every=1)
    optimizer = SShampoo([{"params": [a], "k": 3, "lr": 0.1}], k=5, update_every=1)
    optimizer.add_param_group({"params": [b], "graft": "sgd"})
    assert_equal(play(optimizer), expected, 1e-10)


def test_a_schedule_changes_the_rate():
    (p,) = params = parameters(torch.float64, [(6, 14)])
    optimizer = SShampoo(params, lr=0.1, k=3)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.0)
    play(optimizer, 1)
    schedule.step()
    before = p.detach().clone()
    play(optimizer, 1)
    assert torch.equal(p, before)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_a_gradient_that_is_not_finite_touches_nothing(bad):
    p, other = params = parameters(torch.float32, [(6, 14), (6, 14)])
    optimizer = SShampoo(params, k=3, weight_decay=0.1)
    play(optimizer, 2)
    before = copy.deepcopy([p.data, optimizer.state_dict()["state"][0]])
    for q in params:
        q.grad = torch.ones_like(q)
    p.grad[2, 3] = bad
    moved = other.detach().clone()
    optimizer.step()
    before[1]["skipped"] = torch.tensor(1)
    torch.testing.assert_close([p.data, optimizer.state_dict()["state"][0]], before, rtol=0, atol=0)
    assert not torch.equal(other, moved)
    assert (optimizer.skipped, optimizer.state[other]["skipped"]) == (1, 0)


def test_gradients_may_be_strided():
    plain, strided = (parameters(torch.float64, [(4, 3, 5, 2)]) for _ in range(2))
    one, two = SShampoo(plain, lr=0.1, k=3), SShampoo(strided, lr=0.1, k=3)
    for g in gradients((4, 3, 5, 2), 5):
        plain[0].grad = torch.tensor(g)
        strided[0].grad = torch.tensor(g).to(memory_format=torch.channels_last)
        one.step(), two.step()
    torch.testing.assert_close(plain, strided, rtol=0, atol=1e-12)


def test_memory_is_that_of_the_sketch():
    params = parameters(torch.float32, [(100, 40)])
    optimizer = SShampoo(params, k=8, graft="sgd", momentum=0)
    play(optimizer, 1)
    assert optimizer.second_moment_bytes == 4 * 7 * (100 + 40 + 2)
    assert optimizer.state_bytes == 4 * 7 * (100 + 40 + 2 * 2)
    optimizer = SShampoo(params, k=None, graft="rmsprop")
    optimizer.step()
    assert optimizer.second_moment_bytes == 4 * (100**2 + 40**2)


def test_parameters_without_gradient_are_left_alone():
    p, q = params = parameters(torch.float32, [(6, 14), (13, 5)])
    optimizer = SShampoo(params, k=3)
    p.grad = torch.ones_like(p)
    before = q.detach().clone()
    optimizer.step()
    assert torch.equal(q, before) and q not in optimizer.state


@pytest.mark.parametrize("shape", [(6, 14), (7, 4, 3), (6, 1, 14)])
@pytest.mark.parametrize("start_step", [1, 99])
def test_a_step_of_unit_length_has_entries_of_unit_mean_square(shape, start_step):
    (p,) = params = parameters(torch.float64, [shape])
    optimizer = SShampoo(
        params, lr=0.5, k=3, graft="unit", momentum=0, max_axis=5, start_step=start_step
    )
    for scale in (1.0, 1e-6, 1e6, 0.0):
        before = p.detach().clone()
        p.grad = scale * torch.tensor(initial(shape))
        optimizer.step()
        moved = (p.detach() - before).square().mean().sqrt().item()
        assert moved == pytest.approx(0.5 if scale else 0.0, rel=1e-9)
    assert "second_moment" not in optimizer.state[p]
