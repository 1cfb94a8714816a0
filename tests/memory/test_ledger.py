"""What the ledger counts is what real optimizers hold, and what dense arrays would take."""

import itertools
from collections import Counter
from dataclasses import asdict

import numpy as np
import pytest

from oco.memory import ledger

# One of each kind: matrices wide and tall, a vector, a number, tensors with axes of length 1, axes
# shorter than, equal to and longer than each sketch size.
SHAPES = [(40, 24), (9, 33), (17,), (1,), (), (1, 12), (6, 1, 14), (8, 5, 3, 3), (1, 1, 1)]


def pieces(n, max_axis):
    return [min(max_axis or n, n - start) for start in range(0, n, max_axis or n)]


def dense(shape, k, max_axis):
    """Count Shampoo's statistics from arrays of zeros, one for each factor of each block."""
    axes = [n for n in shape if n != 1]
    if len(axes) < 2:
        return np.zeros(shape).size
    total = 0
    for block in itertools.product(*(pieces(n, max_axis) for n in axes)):
        for n in block:
            if k is None or 2 * k >= n:
                total += np.zeros((n, n)).size
            else:
                total += np.zeros((k - 1, n)).size + np.zeros(k - 1).size + 1
    return total


@pytest.mark.parametrize("max_axis", [None, 1, 4, 7, 24, 40, 100])
@pytest.mark.parametrize("k", [None, 2, 5, 24, 33, 100])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_factors_of_blocks(shape, k, max_axis):
    counted = ledger([shape], [] if k is None else [k], number_bytes=8, max_axis=max_axis)
    label = "shampoo" if k is None else f"s-shampoo k={k}"
    assert counted[label].state.second_moment == 8 * dense(shape, k, max_axis)


def test_a_sketch_as_large_as_the_axes_is_shampoo():
    counted = ledger(SHAPES, [40], max_axis=40)
    assert counted["s-shampoo k=40"].states == counted["shampoo"].states


def test_the_whole_is_the_sum_of_the_tensors():
    together = ledger(SHAPES, [5])
    for entry in together.entries:
        alone = [ledger([shape], [5])[entry.label].state.total for shape in SHAPES]
        assert [state.total for state in entry.states] == alone
        assert entry.state.total == sum(alone)


def test_blocks_of_a_huge_embedding_are_not_listed_one_by_one():
    counted = ledger([(10**9, 10**9)], [64], max_axis=1000)
    # 10^12 blocks with two factors of 1000 × 1000 each.
    assert counted["shampoo"].state.second_moment == 4 * 10**12 * 2 * 1000**2


def test_full_matrix_adagrad_holds_at_least_its_matrix():
    from oco import Euclidean
    from oco.algorithms import full_adagrad

    d = 30
    counted = ledger([(5, 6)], number_bytes=8)["full-adagrad"].state.second_moment
    assert counted == 8 * d * d
    assert full_adagrad(d, domain=Euclidean(), lr=1.0).diagnostics().state_bytes >= counted


def torch_state(torch, make, tensors):
    """Take a step, and return the bytes of each tensor of each parameter's state by its name."""
    parameters = [torch.nn.Parameter(torch.zeros(shape)) for shape in tensors]
    optimizer = make(parameters)
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return [
        {name: value.nbytes for name, value in optimizer.state[parameter].items()}
        for parameter in parameters
    ]


def test_adam_of_torch():
    torch = pytest.importorskip("torch", reason="its optimizer's state is measured")
    held = torch_state(torch, torch.optim.Adam, SHAPES)
    counted = ledger(SHAPES)["adam"].states
    assert [state.second_moment for state in counted] == [own["exp_avg_sq"] for own in held]
    assert [state.first_moment for state in counted] == [own["exp_avg"] for own in held]


def test_adafactor_of_torch():
    torch = pytest.importorskip("torch", reason="its optimizer's state is measured")
    held = torch_state(torch, torch.optim.Adafactor, SHAPES)
    counted = ledger(SHAPES)["adafactor"].states
    assert [state.total for state in counted] == [
        sum(count for name, count in own.items() if name != "step") for own in held
    ]


def test_muon_of_torch():
    torch = pytest.importorskip("torch", reason="its optimizer's state is measured")
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("Muon came with PyTorch 2.9")
    matrices = [shape for shape in SHAPES if len(shape) == 2]
    held = torch_state(torch, torch.optim.Muon, matrices)
    counted = ledger(SHAPES)["muon"].states
    found = {shape: sum(own.values()) for shape, own in zip(matrices, held, strict=True)}
    adam = ledger(SHAPES)["adam"].states
    for shape, state, rest in zip(SHAPES, counted, adam, strict=True):
        if len(shape) == 2:
            assert state.total == found[shape] and not state.second_moment
        else:
            assert state == rest


def test_soap_of_pytorch_optimizer():
    torch = pytest.importorskip("torch", reason="its optimizer's state is measured")
    peers = pytest.importorskip("pytorch_optimizer", reason="needs the extra 'peers'")
    held = []
    for shape in SHAPES:
        parameter = torch.nn.Parameter(torch.ones(shape))
        optimizer = peers.SOAP([parameter])
        for _ in range(2):
            parameter.grad = torch.ones(shape)
            optimizer.step()
        held.append(optimizer.state[parameter])

    def size(matrices):
        return sum(m.nbytes for m in matrices if isinstance(m, torch.Tensor))

    for own, state in zip(held, ledger(SHAPES)["soap"].states, strict=True):
        assert state.second_moment == own["exp_avg_sq"].nbytes + size(own["GG"])
        assert state.roots == size(own["Q"]) and state.first_moment == own["exp_avg"].nbytes


def numpy_optimizer(name, **options):
    """Return an optimizer of float64 arrays whose sketches are full."""
    from oco.optimizers import OPTIMIZERS

    rng = np.random.default_rng(0)
    optimizer = OPTIMIZERS[name]([np.zeros(shape) for shape in SHAPES], lr=0.1, **options)
    for _ in range(40):
        optimizer.step([rng.standard_normal(shape) for shape in SHAPES])
    return optimizer


@pytest.mark.parametrize("name", ["adam", "shampoo"])
def test_adam_and_shampoo_in_numpy(name):
    counted = ledger(SHAPES, number_bytes=8)[name].state
    assert numpy_optimizer(name).second_moment_bytes == counted.second_moment


@pytest.mark.parametrize("max_axis", [None, 7])
@pytest.mark.parametrize("k", [4, 24])
def test_sketches_by_products_in_numpy(k, max_axis):
    optimizer = numpy_optimizer("s-shampoo", k=k, max_axis=max_axis)
    counted = ledger(SHAPES, [k], number_bytes=8, max_axis=max_axis)[f"s-shampoo k={k}"].state
    assert optimizer.second_moment_bytes == counted.second_moment


@pytest.mark.parametrize("max_axis", [None, 7])
@pytest.mark.parametrize("k", [4, 24])
def test_s_shampoo_in_numpy(k, max_axis):
    """What its sketches say is what is counted; what they hold has room to work in besides."""
    optimizer = numpy_optimizer("s-shampoo", k=k, max_axis=max_axis, refresh="direct")
    said = room = 0
    for rule in optimizer.rules:
        if not hasattr(rule, "root"):
            said += rule.second_moment_bytes
            continue
        for factor in rule.root.factors:
            if factor.rank is None:
                said += factor.matrix.nbytes
            else:
                sketch = factor.sketch
                said += sketch.directions.nbytes + sketch.eigenvalues.nbytes + 8
                room += sketch.state_bytes - sketch.directions.nbytes - sketch.eigenvalues.nbytes
                room -= 8
    counted = ledger(SHAPES, [k], number_bytes=8, max_axis=max_axis)[f"s-shampoo k={k}"].state
    assert said == counted.second_moment
    assert optimizer.second_moment_bytes == counted.second_moment + room


# What each tensor or number of S-Shampoo's state is, for a matrix; None for counters.
COLUMNS = {
    "covariance": "second_moment",
    "directions": "second_moment",
    "eigenvalues": "second_moment",
    "escaped_mass": "second_moment",
    "root": "roots",
    "root_tail": "roots",
    "second_moment": "grafting",
    "factored_moment": "grafting",
    "momentum_buffer": "first_moment",
    "gradient_average": "first_moment",
    "step": None,
    "skipped": None,
    "absorbed": None,
    "total_mass": None,
    "second_weight": None,
    "factored_weight": None,
    "momentum_weight": None,
    "gradient_weight": None,
}


def columns(state, found):
    """Add up the numbers in nested dictionaries by the column they belong to."""
    for name, value in state.items():
        if isinstance(value, dict):
            columns(value, found)
        elif COLUMNS[name] is not None:
            # τ and the root's tail count as numbers like the others, though they are double.
            found[COLUMNS[name]] += value.nbytes if value.ndim else 4
    return found


@pytest.mark.parametrize("max_axis", [None, 7])
@pytest.mark.parametrize("k", [None, 4, 24])
@pytest.mark.parametrize("graft", ["unit", "adafactor"])
def test_shampoo_for_torch(graft, k, max_axis):
    torch = pytest.importorskip("torch", reason="its optimizer's state is measured")
    from oco.integrations.torch import SShampoo

    parameters = [torch.nn.Parameter(torch.ones(shape)) for shape in SHAPES]
    optimizer = SShampoo(parameters, k=k, max_axis=max_axis, graft=graft)
    sum((parameter**2).sum() for parameter in parameters).backward()
    optimizer.step()
    counted = ledger(SHAPES, [] if k is None else [k], max_axis=max_axis, graft=graft)
    label = "shampoo" if k is None else f"s-shampoo k={k}"
    for shape, parameter, state in zip(SHAPES, parameters, counted[label].states, strict=True):
        found = columns(optimizer.state[parameter], Counter())
        if sum(n > 1 for n in shape) < 2:
            # A vector's diagonal is all the second moment there is.
            found["second_moment"] = found.pop("grafting")
        assert {name: found[name] for name in asdict(state)} == asdict(state), shape


def test_what_is_wrong_is_refused():
    with pytest.raises(ValueError, match="parameters: expected at least one shape"):
        ledger([])
    with pytest.raises(ValueError, match="shape of 3x0: expected an integer >= 1, got 0"):
        ledger([(3, 0)])
    with pytest.raises(TypeError, match=r"shape of 3x2.5: expected an integer >= 1, got 2.5"):
        ledger([(3, 2.5)])
    with pytest.raises(ValueError, match="k: expected an integer >= 2, got 1"):
        ledger([(3, 4)], [1])
    with pytest.raises(ValueError, match="number_bytes: expected an integer >= 1, got 0"):
        ledger([(3, 4)], number_bytes=0)
    with pytest.raises(ValueError, match="max_axis: expected an integer >= 1, got 0"):
        ledger([(3, 4)], max_axis=0)
