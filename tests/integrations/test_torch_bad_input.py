"""What S-Shampoo for PyTorch refuses: by name, and before anything is touched."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
SShampoo = pytest.importorskip("oco.integrations.torch").SShampoo


def parameter(*shape, dtype=torch.float32):
    return torch.nn.Parameter(torch.ones(shape, dtype=dtype))


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"lr": -1.0}, ValueError, "lr: expected a finite number >= 0, got -1.0"),
        ({"lr": float("nan")}, ValueError, "lr: expected a finite number >= 0, got nan"),
        ({"k": 1}, ValueError, "k: expected an integer >= 2, got 1"),
        ({"k": 0}, ValueError, "k: expected an integer >= 2, got 0"),
        ({"k": 2.5}, TypeError, "k: expected an integer >= 2, got 2.5"),
        ({"k": (4, 1)}, ValueError, r"k\[1\]: expected an integer >= 2, got 1"),
        (
            {"k": (4, 4, 4)},
            ValueError,
            r"k: expected one for each of the 2 axes of .*\(3, 5\)",
        ),
        ({"betas": (1.0, 0.9)}, ValueError, r"betas\[0\]: expected a finite number .*< 1, got 1"),
        ({"betas": (0.9, 0)}, ValueError, r"betas\[1\]: expected a finite number > 0"),
        ({"betas": (0.9, 1.1)}, ValueError, r"betas\[1\]: .*got 1.1"),
        ({"betas": 0.9}, TypeError, r"betas: expected two numbers \(beta1, beta2\), got 0.9"),
        ({"eps": 0}, ValueError, "eps: expected a finite number > 0"),
        ({"epsilon": -1e-6}, ValueError, "epsilon: expected a finite number >= 0"),
        ({"momentum": 1}, ValueError, "momentum: expected a finite number .*< 1, got 1"),
        ({"average": "gradients"}, ValueError, "average: .*did you mean 'gradient'"),
        ({"nesterov": 1}, TypeError, "nesterov: expected True or False, got 1"),
        ({"matrix_rate": 0}, ValueError, "matrix_rate: expected a finite number > 0, got 0"),
        ({"tail": "men"}, ValueError, "tail: .*did you mean 'mean'"),
        ({"exponent": "shampo"}, ValueError, "exponent: .*did you mean 'shampoo"),
        ({"graft": "rmsprob"}, ValueError, "graft: .*did you mean 'rmsprop'"),
        ({"weight_decay": "a"}, TypeError, "weight_decay: expected a finite number >= 0, got 'a'"),
        ({"update_every": 0}, ValueError, "update_every: expected an integer >= 1, got 0"),
        ({"start_step": 0}, ValueError, "start_step: expected an integer >= 1, got 0"),
        ({"max_axis": 0}, ValueError, "max_axis: expected an integer >= 1, got 0"),
        ({"bias_correction": 1}, TypeError, "bias_correction: expected True or False, got 1"),
        ({"sides": "short"}, ValueError, "sides: .*did you mean 'shorter'"),
        ({"refresh": "subspaces"}, ValueError, "refresh: .*did you mean 'subspace'"),
        ({"statistics": "averages"}, ValueError, "statistics: .*did you mean 'average'"),
        ({"long_axes": "factor"}, ValueError, "long_axes: .*did you mean 'factored'"),
        (
            {"update_every": 10, "statistics_every": 3},
            ValueError,
            "statistics_every: expected a divisor of update_every, 10, got 3",
        ),
    ],
    ids=str,
)
def test_options(options, error, message):
    with pytest.raises(error, match=message):
        SShampoo([parameter(3, 5)], **options)
    optimizer = SShampoo([parameter(2)])
    with pytest.raises(error, match=message):
        optimizer.add_param_group({"params": [parameter(3, 5)], **options})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize(
    "bad, error, message",
    [
        (torch.zeros(3, 0), ValueError, r"\[1\]: expected at least one entry, got shape \(3, 0\)"),
        (
            torch.zeros(3, dtype=torch.complex64),
            TypeError,
            r"\[1\]: expected .* got torch.complex64",
        ),
        (torch.zeros(3, dtype=torch.int64), TypeError, r"\[1\]: expected .* got torch.int64"),
        ("weight", TypeError, "can only optimize Tensors"),
    ],
)
def test_parameters(bad, error, message):
    with pytest.raises(error, match=message):
        SShampoo([parameter(2), bad])


def test_errors_use_the_parameters_own_names():
    with pytest.raises(ValueError, match=r"head\.weight: expected at least one entry"):
        SShampoo([("body", parameter(2)), ("head.weight", parameter(0))])


def test_sparse_gradients_are_refused_before_a_step():
    embedding = torch.nn.Embedding(5, 3, sparse=True)
    first = parameter(3, 5)
    optimizer = SShampoo([first, embedding.weight], k=2)
    embedding(torch.tensor([1, 2])).sum().backward()
    first.grad = torch.ones_like(first)
    with pytest.raises(TypeError, match=r"\['params'\]\[1\].grad: expected a dense .*torch.sparse"):
        optimizer.step()
    assert torch.equal(first, torch.ones_like(first)) and not optimizer.state


def test_a_refused_gradient_leaves_a_started_optimizer_as_it_was():
    weights = [parameter(3, 5), parameter(5, 3)]
    optimizer = SShampoo(weights, k=2)
    for weight in weights:
        weight.grad = torch.ones_like(weight)
    optimizer.step()
    before = copy.deepcopy((weights, optimizer.state_dict()["state"]))
    weights[1].grad = weights[1].grad.to_sparse()
    with pytest.raises(TypeError, match=r"\[1\].grad: expected a dense"):
        optimizer.step()
    after = (weights, optimizer.state_dict()["state"])
    torch.testing.assert_close(before, after, rtol=0, atol=0)


def test_a_step_inside_a_graph_capture_is_refused(monkeypatch):
    weight = parameter(3, 5)
    optimizer = SShampoo([weight], k=2)
    weight.grad = torch.ones_like(weight)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
    with pytest.raises(RuntimeError, match="capturable: expected no CUDA graph"):
        optimizer.step()
    assert torch.equal(weight, torch.ones_like(weight)) and not optimizer.state


def test_an_impossible_option_that_is_set_later_is_refused():
    weight = parameter(3, 5)
    optimizer = SShampoo([weight], k=2)
    weight.grad = torch.ones_like(weight)
    optimizer.param_groups[0]["capturable"] = True
    with pytest.raises(ValueError, match="capturable: expected False"):
        optimizer.step()
    assert not optimizer.state


@pytest.mark.skipif(
    not hasattr(torch.Tensor, "grad_dtype"), reason="this PyTorch never lets one be assigned"
)
def test_complex_gradients_are_refused():
    weight = parameter(3, 5)
    optimizer = SShampoo([weight], k=2)
    weight.grad_dtype = None
    weight.grad = torch.ones(3, 5, dtype=torch.complex64)
    with pytest.raises(TypeError, match=r"\.grad: expected a dense floating.*torch.complex64"):
        optimizer.step()


@pytest.mark.skipif(
    not hasattr(torch.Tensor, "grad_dtype"), reason="this PyTorch never lets one be assigned"
)
def test_integer_gradients_are_refused():
    p = parameter(3, 5)
    optimizer = SShampoo([p], k=2)
    p.grad_dtype = None
    p.grad = torch.ones(3, 5, dtype=torch.int64)
    with pytest.raises(TypeError, match=r"\.grad: expected a dense floating-point .*torch.int64"):
        optimizer.step()


def stepped(shape, **options):
    p = parameter(*shape)
    optimizer = SShampoo([p], **{"k": 3, **options})
    p.grad = torch.ones_like(p)
    optimizer.step()
    return optimizer


def adam():
    return torch.optim.Adam([parameter(8, 6)]).state_dict()


def changed(path, value):
    """A state dict of the right shape with one entry replaced."""
    numbers = copy.deepcopy(stepped((8, 6)).state_dict())
    place = numbers
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return numbers


@pytest.mark.parametrize(
    "saved, error, message",
    [
        (lambda: stepped((8, 7)).state_dict(), ValueError, r"state of .*shape \(8, 6\), got"),
        (lambda: stepped((8, 6), k=5).state_dict(), ValueError, "expected k 3 .* got 5"),
        (
            lambda: stepped((8, 6), k=None).state_dict(),
            ValueError,
            "expected k 3 .* got None",
        ),
        (lambda: stepped((8, 6), max_axis=5).state_dict(), ValueError, "max_axis 8192 .* got 5"),
        (adam, ValueError, "expected the option 'k', which is missing"),
        (lambda: {}, ValueError, "expected a dictionary with the key 'state'"),
        (lambda: None, ValueError, "expected a dictionary with the key 'state'"),
        (
            lambda: SShampoo([parameter(8, 6), parameter(2)], k=3).state_dict(),
            ValueError,
            r"\['params'\]: expected 1 parameters, got 2",
        ),
        (
            lambda: SShampoo([{"params": [parameter(1)]}, {"params": [parameter(2)]}]).state_dict(),
            ValueError,
            "expected 1 groups, got 2",
        ),
        (lambda: changed(["state", 0, "gradient_average"], None), TypeError, "got NoneType"),
        (lambda: changed(["state", 0, "more"], 1), ValueError, "differs in .'more'."),
        (lambda: changed(["state", 0, "factors"], []), TypeError, "expected dict, got list"),
        (lambda: changed(["state", 0, "factors", "1"], {}), ValueError, "differs in .'1'."),
        (
            lambda: changed(["state", 0, "factors", "0", "1", "root"], torch.zeros(3).double()),
            ValueError,
            r"\['factors'\]\['0'\]\['1'\]\['root'\]: expected .*float32 .* got .*float64",
        ),
        (
            lambda: changed(["state", 0, "factors", "0", "0", "root"], torch.full((2,), torch.nan)),
            ValueError,
            r"\['root'\]: expected finite numbers, got NaN or infinity",
        ),
        (lambda: changed(["state", 0, "step"], -1), ValueError, "expected a number >= 0, got -1"),
        (lambda: changed(["state", 0, "step"], "a"), TypeError, "expected a number >= 0, got str"),
        (lambda: changed(["state", 7], {}), ValueError, "groups list, got one of 7"),
        (
            lambda: changed(["param_groups", 0, "betas"], (0.9, 2)),
            ValueError,
            r"betas\[1\]: .*got 2",
        ),
    ],
)
def test_state_dicts_of_something_else(saved, error, message):
    optimizer = stepped((8, 6))
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(saved())
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"]
    torch.testing.assert_close(after["state"], before["state"], rtol=0, atol=0)


def test_without_pytorch_the_error_says_what_to_install():
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "try:\n    import oco.integrations.torch\n"
        "except ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith(
        "torch: PyTorch is not installed; in your clone of this package: "
    )
    assert "pip install '.[torch]'" in done.stdout and "/whl/cpu" in done.stdout
