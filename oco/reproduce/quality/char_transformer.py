"""Transformers that predict the next character of Python's own standard library."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from oco.reproduce.quality import library
from oco.reproduce.quality.task import Task

CONTEXT = 64
HEADS, LAYERS = 4, 2
# Printable ASCII and the line break; all else becomes the symbol 0.
SYMBOLS = {chr(code): i for i, code in enumerate([10, *range(32, 127)], start=1)}


def _data() -> list[Tensor]:
    found: list[list[int]] = [[], [], []]
    for source in library.text().values():
        symbols = [SYMBOLS.get(character, 0) for character in source]
        for part, piece in zip(found, library.parts(symbols), strict=True):
            part.extend(piece)
    return [torch.tensor(part) for part in found]


def _windows(text: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
    """Return contexts, and for each of their characters the next one."""
    windows = text[starts[:, None] + torch.arange(CONTEXT + 1)]
    return windows[:, :-1], windows[:, 1:]


def _judged(text: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return contexts spread evenly over a text."""
    return _windows(text, torch.linspace(0, len(text) - CONTEXT - 1, count).long())


LEARNT, CHOOSING, JUDGING = _data()


class Transformer(nn.Module):
    """Embeddings, blocks of causal attention, and a linear layer to the symbols."""

    def __init__(self, width: int) -> None:
        super().__init__()
        count = len(SYMBOLS) + 1
        self.symbols = nn.Embedding(count, width)
        self.places = nn.Parameter(0.02 * torch.randn(CONTEXT, width))
        layer = nn.TransformerEncoderLayer(
            width, HEADS, 4 * width, dropout=0.0, activation="gelu",
            batch_first=True, norm_first=True,
        )  # fmt: skip
        self.blocks = nn.TransformerEncoder(
            layer, LAYERS, norm=nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.head = nn.Linear(width, count)
        nn.init.normal_(self.symbols.weight, std=0.02)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CONTEXT))

    def forward(self, symbols: Tensor) -> Tensor:
        """Return the logits of each next symbol."""
        hidden = self.symbols(symbols) + self.places
        return self.head(self.blocks(hidden, mask=self.mask, is_causal=True))


def batch(generator: torch.Generator, size: int) -> tuple[Tensor, Tensor]:
    """Return contexts to learn from, and for each of their characters the next one."""
    return _windows(LEARNT, torch.randint(len(LEARNT) - CONTEXT, (size,), generator=generator))


def loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of a character, in nats."""
    return nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten())


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """Return the percentage of the characters that is predicted correctly."""
    return 100 * float((outputs.argmax(2) == targets).float().mean())


def of_width(name: str, width: int, *, contexts: int, judged: int, steps: int) -> Task:
    """Return the task of a transformer of that width.

    Batches have so many `contexts`, and losses are measured on as many as are `judged`.
    """
    return Task(
        name=name,
        title=f"transformer of {LAYERS} layers, width {width}, on {library.describe()}; "
        "cross-entropy",
        model=partial(Transformer, width),
        batch=partial(batch, size=contexts),
        loss=loss,
        validation=_judged(CHOOSING, judged),
        test=_judged(JUDGING, judged),
        metric="next character %",
        measure=accuracy,
        steps=steps,
    )


TASK = of_width("char-transformer", 64, contexts=8, judged=128, steps=200)
