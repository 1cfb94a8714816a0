"""An SShampoo of a few parameters, and steps of it that are a matter of their number alone."""

from __future__ import annotations

import torch
from dense_shampoo import PLAIN

from oco.integrations.torch import SShampoo

SHAPES = [(6, 9), (7,), (2, 3, 4), ()]


def optimizer_of(shapes=SHAPES, seed=0, dtype=torch.float64, **options):
    torch.manual_seed(seed)
    weights = [torch.nn.Parameter(torch.randn(shape).to(dtype)) for shape in shapes]
    return SShampoo(weights, **{"lr": 0.01, "k": 3, **PLAIN, **options})


def parameters(optimizer):
    return optimizer.param_groups[0]["params"]


def play(optimizer, steps, first=0):
    """Take steps whose gradients are a matter of their number; return where they lead."""
    for step in range(first, first + steps):
        draw = torch.Generator().manual_seed(step)
        for p in parameters(optimizer):
            p.grad = torch.randn(p.shape, generator=draw).to(p.dtype)
        optimizer.step()
    return [p.detach().clone() for p in parameters(optimizer)]


def assert_same(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def only_tensors(value):
    if isinstance(value, dict):
        return all(isinstance(key, str) for key in value) and all(map(only_tensors, value.values()))
    return isinstance(value, torch.Tensor)
