"""SShampoo never writes a number that is not finite, and a step is made wholly or not at all."""

from __future__ import annotations

import copy
import itertools
import os

import numpy as np
import pytest
from dense_shampoo import PLAIN

from oco.optimizers import s_shampoo
from oco.shampoo import GRAFTS

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
SShampoo = pytest.importorskip("oco.integrations.torch").SShampoo
eigenvectors = pytest.importorskip("oco.integrations.torch.eigenvectors")

DEEP = os.environ.get("OCO_HYPOTHESIS") == "deep"
SEEDS = range(4) if DEEP else range(2)
STEPS = 12 if DEEP else 6
DTYPES = (torch.float32, torch.bfloat16, torch.float64)

# Averages first, no theorem, nothing kept but momentum and sketches.
RECIPES = (
    {},
    {"refresh": "subspace", "statistics": "average", "statistics_every": 1},
    {
        "average": "gradient",
        "nesterov": True,
        "tail": "mean",
        "exponent": "shampoo2",
        "matrix_rate": 0.2,
    },
)

# What gradients look like where a Gram matrix has a low rank: of few outputs, softmax (columns that
# sum to zero), embeddings (few rows), pruned or dead units, scales far apart.
KINDS = {
    "plain": lambda g, draw: g,
    "sums to zero": lambda g, draw: g - g.mean(0),
    "few rows": lambda g, draw: g * (torch.arange(len(g)) < 2).view(-1, *[1] * (g.ndim - 1)),
    "few columns": lambda g, draw: g * (torch.arange(g.shape[-1]) % 7 == 0),
    "mostly zero": lambda g, draw: g * (torch.rand(g.shape, generator=draw) < 0.03),
    "equal rows": lambda g, draw: g[:1].expand_as(g),
    "scales": lambda g, draw: g * 10.0 ** -(40 * torch.rand(g.shape, generator=draw)),
    "zero at first": lambda g, draw: g * (draw.initial_seed() % 3 > 0),
}


def shapes():
    widths = (7, 33, 64, 200, 512) if DEEP else (33, 200)
    yield from itertools.product(range(1, 11) if DEEP else (1, 3, 10), widths)
    yield from [(200, 3), (64, 48, 1, 1), (3, 16, 1, 1), (6, 5, 3, 3)]
    if not DEEP:
        yield (2, 512)


def move(shape, kind, dtype, seed, **options):
    """Take steps; return the optimizer, its parameter and how many gradients were finite."""
    weight = torch.nn.Parameter(torch.ones(shape, dtype=dtype))
    optimizer = SShampoo([weight], **options)
    for step in range(STEPS):
        draw = torch.Generator().manual_seed(1000 * seed + step)
        gradient = torch.randn(shape, generator=draw)
        weight.grad = KINDS[kind](gradient, draw).to(dtype)
        optimizer.step()
    return optimizer, weight


def assert_finite(value, where):
    for key, entry in value.items():
        if isinstance(entry, dict):
            assert_finite(entry, f"{where} {key}")
        else:
            assert torch.isfinite(entry).all(), f"{where} {key}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", list(shapes()), ids=str)
def test_finite_gradients_give_finite_steps(shape, kind):
    """None is skipped either: each of these matrices has eigenvectors."""
    grid = list(itertools.product(DTYPES, GRAFTS, (1, 10), (2, 16, 64, None), RECIPES))
    if not DEEP:
        # Seeded by what the test is called, so that the grid's corners are spread over the shapes.
        seed = [*shape, sum(map(ord, kind))]
        order = np.random.default_rng(seed).permutation(len(grid))[:6]
        grid = [grid[i] for i in order]
    for (dtype, graft, every, k, recipe), seed in itertools.product(grid, SEEDS):
        options = {"graft": graft, "update_every": every, "k": k, **recipe}
        optimizer, weight = move(shape, kind, dtype, seed, **options)
        assert torch.isfinite(weight).all(), (dtype, options, seed)
        assert optimizer.skipped == 0, (dtype, options, seed)
        assert optimizer.state[weight]["step"] == STEPS
        assert_finite(optimizer.state[weight], f"{dtype} {options} {seed}")


@pytest.mark.parametrize("seed", range(20))
def test_few_rows_and_a_rank_beyond_them(seed):
    """Single precision alone gives NaN in most of these; the steps are those of NumPy."""
    torch.manual_seed(seed)
    weight = torch.nn.Parameter(torch.zeros(3, 200))
    optimizer = SShampoo([weight], k=64, lr=1e-2, **PLAIN)
    expected = np.zeros((3, 200))
    reference = s_shampoo([expected], k=64, lr=1e-2, **PLAIN)
    for _ in range(8):
        weight.grad = torch.randn(3, 200)
        optimizer.step()
        reference.step([weight.grad.double().numpy()])
    assert optimizer.skipped == 0
    np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("k", [4, 16, None])
def test_gradients_of_extreme_dynamic_range(k):
    """From 5.6e4 to 4e-43, where squares vanish and products are subnormal."""
    draw = np.random.default_rng(0)
    exponents = np.linspace(np.log10(5.6e4), np.log10(4e-43), 25)
    weight = torch.nn.Parameter(torch.ones(25, 25))
    optimizer = SShampoo([weight], k=k)
    for step in range(5):
        signs = draw.choice([-1.0, 1.0], (25, 25))
        scale = 10.0 ** draw.permutation(exponents)
        weight.grad = torch.tensor(signs * (scale[:, None] if step % 2 else scale)).float()
        optimizer.step()
    assert torch.isfinite(weight).all()
    assert int(optimizer.state[weight]["step"]) + optimizer.skipped == 5
    assert_finite(optimizer.state[weight], "state")


class Sabotaged:
    """A decomposition that fails in the ways that LAPACK has: NaN, an error, skewed vectors."""

    def __init__(self, monkeypatch, how, double_too=False):
        self.exact, self.how, self.double_too = torch.linalg.eigh, how, double_too
        monkeypatch.setattr(torch.linalg, "eigh", self)

    def __call__(self, matrix):
        if matrix.dtype == torch.float64 and not self.double_too:
            return self.exact(matrix)
        if self.how == "error":
            raise torch.linalg.LinAlgError("failed to converge")
        values, vectors = self.exact(matrix)
        if self.how == "values":
            return values * torch.nan, vectors
        if self.how == "vectors":
            vectors[..., -1, 0] = torch.nan
        else:
            vectors[..., -1] = vectors[..., 0]
        return values, vectors


@pytest.mark.parametrize("how", ["error", "values", "vectors", "skewed"])
def test_what_fails_is_computed_in_double_precision(monkeypatch, how):
    Sabotaged(monkeypatch, how)
    rows = torch.tensor(np.random.default_rng(0).standard_normal((5, 3)), dtype=torch.float32)
    matrices = torch.stack([rows @ rows.T, torch.eye(5)])
    values, vectors, right = eigenvectors.eigh(matrices)
    assert values.dtype == vectors.dtype == torch.float32 and right.all()
    torch.testing.assert_close((vectors * values[:, None]) @ vectors.mT, matrices)
    leading, right = eigenvectors.leading_eigenvectors(matrices[:1], 3)
    torch.testing.assert_close(leading[0] @ (leading[0].T @ rows), rows)
    assert right.all()


def test_a_failed_part_of_the_spectrum_is_computed_from_all_of_it(monkeypatch):
    linalg, _ = eigenvectors.scipy_linalg()
    exact, calls = linalg.eigh, []

    def fails(*args, **options):
        calls.append(options)
        if len(calls) == 1:
            raise linalg.LinAlgError("failed to converge")
        values, vectors = exact(*args, **options)
        return values, vectors * np.nan

    monkeypatch.setattr(linalg, "eigh", fails)
    monkeypatch.setattr(eigenvectors, "SUBSET_SIZE", 8)
    rows = torch.tensor(np.random.default_rng(0).standard_normal((16, 3)))
    for _ in range(2):
        leading, right = eigenvectors.leading_eigenvectors((rows @ rows.T)[None], 3)
        torch.testing.assert_close(leading[0] @ (leading[0].T @ rows), rows)
        assert right.all()
    assert len(calls) == 2


def test_part_of_the_spectrum_uses_as_many_threads_as_pytorch(monkeypatch):
    linalg, pool = eigenvectors.scipy_linalg()
    exact, seen = linalg.eigh, []

    def spy(*args, **options):
        seen.append({library["num_threads"] for library in pool.info()})
        return exact(*args, **options)

    monkeypatch.setattr(linalg, "eigh", spy)
    monkeypatch.setattr(eigenvectors, "SUBSET_SIZE", 8)
    before, threads = pool.info(), torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            eigenvectors.leading_eigenvectors(torch.eye(16)[None], 2)
    finally:
        torch.set_num_threads(threads)
    assert seen == [{1}, {2}] and pool.info() == before


def test_a_basis_of_columns_that_qr_spoils(monkeypatch):
    exact = torch.linalg.qr

    def spoils(matrix):
        found = exact(matrix)
        if matrix.dtype == torch.float32:
            found.Q[..., 0, 0] = torch.nan
        return found

    monkeypatch.setattr(torch.linalg, "qr", spoils)
    columns = torch.tensor(np.random.default_rng(0).standard_normal((6, 2)), dtype=torch.float32)
    basis, right = eigenvectors.orthonormal_basis(columns[None])
    assert basis.dtype == torch.float32 and right.all()
    torch.testing.assert_close(basis[0] @ (basis[0].T @ columns), columns)


def test_what_is_not_finite_is_said_to_be_wrong_and_spoils_no_other():
    good = torch.diag(torch.tensor([2.0, 1.0]))
    for bad in (torch.nan, torch.inf):
        both = torch.stack([torch.full((2, 2), bad), good])
        assert eigenvectors.orthonormal_basis(both)[1].tolist() == [False, True]
        values, _, right = eigenvectors.eigh(both)
        assert right.tolist() == [False, True]
        torch.testing.assert_close(values[1], torch.tensor([1.0, 2.0]))


def prepared(dtype=torch.float32, **options):
    """An optimizer after three steps, and what it is: weight and state."""
    weight = torch.nn.Parameter(torch.ones(6, 9, dtype=dtype))
    optimizer = SShampoo([weight], **{"k": 3, "weight_decay": 0.1, "update_every": 1, **options})
    for step in range(3):
        draw = torch.Generator().manual_seed(step)
        weight.grad = torch.randn(6, 9, generator=draw).to(dtype)
        optimizer.step()
    return optimizer, weight


def assert_refused(optimizer, weight):
    """A step changes nothing but the count of what was skipped."""
    before = copy.deepcopy([weight.data, optimizer.state[weight]])
    before[1]["skipped"] = before[1]["skipped"] + 1
    optimizer.step()
    torch.testing.assert_close([weight.data, optimizer.state[weight]], before, rtol=0, atol=0)


@pytest.mark.parametrize("graft", GRAFTS)
@pytest.mark.parametrize("k", [3, None])
def test_a_decomposition_that_fails_altogether_undoes_the_step(monkeypatch, k, graft):
    optimizer, weight = prepared(k=k, graft=graft)
    for how in ("error", "values", "vectors", "skewed"):
        with monkeypatch.context() as patch:
            Sabotaged(patch, how, double_too=True)
            assert_refused(optimizer, weight)
    assert optimizer.skipped == 4
    optimizer.step()
    assert optimizer.skipped == 4 and optimizer.state[weight]["step"] == 4


@pytest.mark.parametrize("graft", GRAFTS)
def test_a_step_beyond_the_range_of_the_weights_is_refused(graft):
    for dtype, lr in ((torch.float16, 1e6), (torch.float32, 1e39), (torch.float32, 1e300)):
        optimizer, weight = prepared(dtype, graft=graft)
        optimizer.param_groups[0]["lr"] = lr
        assert_refused(optimizer, weight)
    optimizer, weight = prepared(graft=graft)
    optimizer.param_groups[0]["weight_decay"] = 1e300
    assert_refused(optimizer, weight)


@pytest.mark.parametrize("graft", GRAFTS)
def test_spoiled_statistics_do_not_reach_the_weights(graft):
    optimizer, weight = prepared(graft=graft, update_every=10)
    optimizer.state[weight]["factors"]["0"]["1"]["root"][0] = torch.nan
    before = weight.detach().clone()
    optimizer.step()
    assert torch.equal(weight, before) and optimizer.skipped == 1


@pytest.mark.parametrize("beta2", [0.99, 1 - 1e-9, 1.0])
@pytest.mark.parametrize("size", [1e15, 1e16, 1e18])
@pytest.mark.parametrize("k", [3, None])
def test_statistics_of_huge_gradients_do_not_overflow(size, k, beta2):
    weight = torch.nn.Parameter(torch.ones(6, 9))
    optimizer = SShampoo([weight], k=k, betas=(0.9, beta2), lr=1e-3)
    for step in range(50):
        weight.grad = size * torch.randn(6, 9, generator=torch.Generator().manual_seed(step)) / 8
        optimizer.step()
    assert torch.isfinite(weight).all()
    assert_finite(optimizer.state[weight], "state")
    assert optimizer.skipped == (50 if size == 1e18 else 0)


@pytest.mark.parametrize("shape", [(6, 9), (9,)])
@pytest.mark.parametrize("graft", GRAFTS)
def test_an_eps_below_the_type_leaves_coordinates_without_gradient_alone(shape, graft):
    weight = torch.nn.Parameter(torch.ones(shape))
    optimizer = SShampoo([weight], k=3, eps=1e-60, graft=graft)
    for _ in range(3):
        weight.grad = torch.zeros(shape)
        weight.grad[..., 2] = 1.0
        optimizer.step()
    assert optimizer.skipped == 0
    assert torch.equal(weight[..., :2], torch.ones_like(weight[..., :2]))
    assert (weight[..., 2] < 1).all()


@pytest.mark.parametrize("outputs", [1, 2, 5])
@pytest.mark.parametrize("k", [8, 64, None])
def test_a_network_of_few_outputs_trains(outputs, k):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(16, 8, 1),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 25, outputs),
    )
    optimizer = SShampoo(model.parameters(), lr=3e-3, k=k)
    x = torch.randn(64, 3, 5, 5)
    y = x.mean((1, 2, 3))[:, None] * torch.ones(outputs)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert optimizer.skipped == 0 and losses[-1] < 0.5 * losses[0]
