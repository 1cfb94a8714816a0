"""Shapes are read as they are written, and what is no shape is refused."""

from types import SimpleNamespace

import pytest

from oco.memory import Parameter, parse_shape, shapes_of


@pytest.mark.parametrize(
    ("text", "shape"),
    [("4096", (4096,)), ("1024x4096", (1024, 4096)), ("2×3x4", (2, 3, 4)), ("1", (1,))],
)
def test_a_shape_typed_in(text, shape):
    assert parse_shape(text) == Parameter(text, shape)


@pytest.mark.parametrize(
    "text",
    ["", "x", "3x", "x3", "3 x 4", "-3", "3.0", "1e3", "3,4", "3xx4", "٣", "9" * 16, "4\n"],
)
def test_other_text_is_refused(text):
    with pytest.raises(ValueError, match="shape: expected lengths joined by x"):
        parse_shape(text)


def test_an_empty_axis_is_refused():
    with pytest.raises(ValueError, match="shape of 3x0: expected an integer >= 1, got 0"):
        parse_shape("3x0")


def test_a_module_without_names():
    class Bag:
        def parameters(self):
            return iter([SimpleNamespace(shape=(2, 3)), SimpleNamespace(shape=())])

    assert [parameter.shape for parameter in shapes_of(Bag())] == [(2, 3), ()]


def test_what_is_no_module_is_refused():
    with pytest.raises(TypeError, match="module: expected one with named_parameters"):
        shapes_of([1, 2])
    with pytest.raises(ValueError, match="module: no parameter in it is trained"):
        shapes_of(SimpleNamespace(parameters=list))


def test_a_torch_module_without_what_is_frozen_or_shared():
    torch = pytest.importorskip("torch", reason="reads the shapes of a torch module")
    embedding, head = torch.nn.Embedding(20, 8), torch.nn.Linear(8, 20)
    head.weight = embedding.weight
    norm = torch.nn.BatchNorm1d(20)
    norm.bias.requires_grad = False
    found = shapes_of(torch.nn.Sequential(embedding, head, norm))
    # The shared weight is trained once, and so is its state; running means are no parameters.
    assert [(p.name, p.shape) for p in found] == [
        ("0.weight", (20, 8)),
        ("1.bias", (20,)),
        ("2.weight", (20,)),
    ]
