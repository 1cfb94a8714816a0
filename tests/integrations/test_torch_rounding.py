"""Momentum in bfloat16: the numbers of NumPy's reference, half of the memory, and no drift."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from oco.optimizers import s_shampoo
from oco.optimizers.rounding import rounded
from oco.shampoo import floor_of

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
from torch_play import assert_same, optimizer_of, parameters, play  # noqa: E402

from oco.integrations.torch import SShampoo  # noqa: E402
from oco.integrations.torch.rounding import round_into  # noqa: E402

SHAPES = [(6, 14), (7,), (3, 1, 5, 4), (6, 14), (), (1, 1), (40, 3)]
DEFAULTS = {
    "k": 32,
    "graft": "unit",
    "exponent": "shampoo2",
    "average": "gradient",
    "nesterov": True,
}
RECIPES = [
    {},
    {"average": "step", "graft": "rmsprop"},
    {"average": "step", "nesterov": False, "graft": "adam", "bias_correction": False},
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_draws_are_those_of_the_reference(shape, dtype):
    values = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
    out = torch.zeros(3, *shape, dtype=torch.bfloat16)
    places, steps = torch.tensor([0, 5, 70_000]), torch.tensor([1, 3_000_000_000, 9])
    round_into(out, values, places, steps)
    for own, value, place, step in zip(out, values, places.tolist(), steps.tolist(), strict=True):
        np.testing.assert_array_equal(own.double(), rounded(value.double().numpy(), place, step))


@pytest.mark.parametrize("foreach", [None, False])
@pytest.mark.parametrize("options", RECIPES, ids=str)
def test_steps_equal_the_reference(options, foreach):
    """Also where a gradient is skipped: the draws are those of the steps that were made."""
    options = {"lr": 1e-2, "k": 2, "update_every": 2, **options}
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape) for shape in SHAPES]
    tensors = [torch.nn.Parameter(torch.tensor(w)) for w in weights]
    reference = s_shampoo(weights, momentum_dtype="bfloat16", **options)
    optimizer = SShampoo(tensors, momentum_dtype=torch.bfloat16, foreach=foreach, **options)
    for step in range(30):
        grads = [np.asarray(rng.standard_normal(shape)) for shape in SHAPES]
        if step == 9:
            grads[0][:] = np.nan
        for p, g in zip(tensors, grads, strict=True):
            p.grad = torch.tensor(g)
        reference.step(grads), optimizer.step()
    for p, w in zip(tensors, weights, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), w, rtol=0, atol=1e-10)
    assert optimizer.skipped == 1
    name = "momentum_buffer" if "average" in options else "gradient_average"
    assert all(optimizer.state[p][name].dtype == torch.bfloat16 for p in tensors)


def test_the_floor_is_made_for_the_noise_that_rounding_leaves_in_an_average():
    """Gradients of all sizes, averaged as momentum is: with rounding, and without."""
    rng, momentum, steps = np.random.default_rng(0), 0.9, 100
    exact = coarse = np.zeros(20_000)
    scales = 2.0 ** rng.uniform(0, 1, exact.shape)
    for step in range(1, steps + 1):
        new = (1 - momentum) * scales * rng.standard_normal(exact.shape)
        exact = momentum * exact + new
        coarse = rounded(momentum * coarse + new, 0, step)
    seen = np.sum((coarse - exact) ** 2) / np.sum(exact**2)
    options = {"momentum": momentum, "average": "gradient", "momentum_dtype": "bfloat16"}
    # A mean of 20,000 squares of numbers whose significands are nearly spread as Benford has them.
    assert floor_of(options, 1) == pytest.approx(seen, rel=0.05)
    assert floor_of(options, 3) ** 3 == pytest.approx(floor_of(options, 1))
    for without in ({"momentum": 0.0}, {"average": "step"}, {"momentum_dtype": None}):
        assert floor_of({**options, **without}, 2) == 0


def amplified(**options):
    """How long a step is, per direction, where no gradient ever was over where they were."""
    draw = torch.Generator().manual_seed(0)
    left, right = (torch.linalg.qr(torch.randn(n, 3, generator=draw)).Q for n in (60, 50))
    weight = torch.nn.Parameter(torch.zeros(60, 50))
    optimizer = SShampoo([weight], lr=1.0, k=8, **options)
    for _ in range(40):
        weight.grad = left @ torch.randn(3, 3, generator=draw) @ right.mT
        before = weight.detach().clone()
        optimizer.step()
    step = weight.detach() - before
    inside = (left.mT @ step @ right).square().mean()
    outside = torch.linalg.qr(left, "complete").Q[:, 3:].mT @ step
    outside = outside @ torch.linalg.qr(right, "complete").Q[:, 3:]
    return float((outside.square().mean() / inside).sqrt())


def test_rounding_is_not_amplified_where_no_gradient_was(monkeypatch):
    assert amplified(momentum_dtype=torch.bfloat16) < 1
    # What the floor is for: without it, it would be.
    monkeypatch.setattr("oco.integrations.torch.directions.floor_of", lambda *_: 0.0)
    assert amplified(momentum_dtype=torch.bfloat16) > 10


def test_a_checkpoint_resumes_bit_for_bit():
    """The draws need no generator: they are a matter of the count of steps, which is saved."""
    optimizer = optimizer_of(momentum_dtype=torch.bfloat16)
    play(optimizer, 5)
    saved = copy.deepcopy(optimizer.state_dict())
    assert saved["param_groups"][0]["momentum_dtype"] == "bfloat16"
    other = optimizer_of(seed=1)
    other.load_state_dict(saved)
    for p, q in zip(parameters(other), parameters(optimizer), strict=True):
        p.data.copy_(q)
    torch.manual_seed(7)
    assert_same(play(other, 5, first=5), play(optimizer, 5, first=5))


def test_it_may_be_switched_on_and_off():
    optimizer = optimizer_of()
    for wanted, dtype in (("bfloat16", torch.bfloat16), (None, torch.float64)) * 2:
        optimizer.param_groups[0]["momentum_dtype"] = wanted
        play(optimizer, 2)
        kept = [optimizer.state[p]["momentum_buffer"].dtype for p in parameters(optimizer)]
        assert set(kept) == {dtype}


def test_a_long_run_in_bfloat16_skips_nothing_and_ends_where_it_should():
    """Weights and momentum of 8 bits, 1,000 steps: the loss of float32, but for their bits."""
    draw = torch.Generator().manual_seed(0)
    target, ends = torch.randn(24, 40, generator=draw), {}
    for dtype in (torch.float32, torch.bfloat16):
        p = torch.nn.Parameter(torch.zeros(24, 40, dtype=dtype))
        kind = None if dtype == torch.float32 else dtype
        optimizer = SShampoo([p], lr=0.02, k=4, momentum_dtype=kind)
        noise = torch.Generator().manual_seed(1)
        for step in range(1000):
            optimizer.param_groups[0]["lr"] = 0.02 * (1 - step / 1000)
            p.grad = (p.detach().float() - target + torch.randn(24, 40, generator=noise)).to(dtype)
            optimizer.step()
        assert optimizer.skipped == 0 and int(optimizer.state[p]["step"]) == 1000
        ends[dtype] = float((p.detach().float() - target).square().mean())
    assert ends[torch.float32] < 0.02 and ends[torch.bfloat16] < 0.02 + ends[torch.float32]


def transformer(layers=4, width=256, vocabulary=97, length=128):
    """Return the shapes of a transformer's parameters."""
    matrices = [(3 * width, width), (width, width), (4 * width, width), (width, 4 * width)]
    vectors = [(3 * width,), (4 * width,)] + [(width,)] * 6
    return [(vocabulary, width)] * 2 + [(length, width)] + (matrices + vectors) * layers


@pytest.mark.parametrize(
    "shapes, kind, most",
    [
        (transformer(), None, 1.2),
        (transformer(), torch.bfloat16, 0.7),
        ([(1024, 4096)], None, 1.05),
        ([(1024, 4096)], torch.bfloat16, 0.55),
    ],
    ids=["transformer", "transformer, bfloat16", "matrix", "matrix, bfloat16"],
)
def test_the_whole_state_is_that_multiple_of_the_parameters(shapes, kind, most):
    """Adam's is 2."""
    optimizer = optimizer_of(shapes, dtype=torch.float32, **DEFAULTS, momentum_dtype=kind)
    play(optimizer, 1)
    numbers = sum(p.numel() for p in parameters(optimizer))
    assert 0.9 * most < optimizer.state_bytes / (4 * numbers) <= most


def test_other_types_are_refused():
    with pytest.raises((TypeError, ValueError), match="momentum_dtype: "):
        optimizer_of(momentum_dtype=torch.float16)
