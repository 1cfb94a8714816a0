"""The code in docs/shampoo.md that needs PyTorch runs as it is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "shampoo.md"
BLOCKS = [
    block
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    if not block.startswith(">>>")
]


@pytest.mark.parametrize("block", BLOCKS)
def test_block_trains_a_model(block):
    torch.manual_seed(0)
    model = torch.nn.Linear(64, 48)
    x = torch.randn(256, 64)
    y = x @ torch.randn(64, 48) / 8

    def loss():
        return (model(x) - y).square().mean()

    names = {"model": model, "train": lambda _: loss().backward()}
    exec(block, names)

    before = loss().item()
    for _ in range(200):
        names["optimizer"].zero_grad()
        loss().backward()
        names["optimizer"].step()
    assert loss().item() < 0.5 * before
