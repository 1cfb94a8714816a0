"""A small transformer that predicts the next character of Python's own standard library.

The text is on every machine with Python, and differs a little between Python's versions: its
length and its hash are in the title.
"""

from __future__ import annotations

import hashlib
import sysconfig
from pathlib import Path

import torch
from torch import Tensor, nn

from oco.reproduce.quality.task import Task

# Modules of one file each, in every version of Python since 3.10.
MODULES = (
    "argparse", "calendar", "configparser", "contextlib", "difflib", "functools", "inspect",
    "optparse", "pickle", "random", "shutil", "statistics", "textwrap", "tokenize", "typing",
)  # fmt: skip
# Fractions of each module to learn from and to choose rates by; the rest is the test set.
LEARN, CHOOSE = 0.8, 0.1
CONTEXT, BATCH = 64, 8
# Contexts that a loss is measured on.
JUDGED = 128
WIDTH, HEADS, LAYERS = 64, 4, 2
# Printable ASCII and the line break; all else becomes the symbol 0.
SYMBOLS = {chr(code): i for i, code in enumerate([10, *range(32, 127)], start=1)}


def _text() -> dict[str, str]:
    folder = Path(sysconfig.get_path("stdlib"))
    return {name: (folder / f"{name}.py").read_text(encoding="utf-8") for name in MODULES}


def _data(modules: dict[str, str]) -> list[Tensor]:
    parts: list[list[int]] = [[], [], []]
    for text in modules.values():
        symbols = [SYMBOLS.get(character, 0) for character in text]
        first, second = (round(part * len(symbols)) for part in (LEARN, LEARN + CHOOSE))
        for part, piece in zip(
            parts, (symbols[:first], symbols[first:second], symbols[second:]), strict=True
        ):
            part.extend(piece)
    return [torch.tensor(part) for part in parts]


def _windows(text: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
    """Return contexts, and for each of their characters the next one."""
    windows = text[starts[:, None] + torch.arange(CONTEXT + 1)]
    return windows[:, :-1], windows[:, 1:]


def _judged(text: Tensor) -> tuple[Tensor, Tensor]:
    """Return contexts spread evenly over a text."""
    return _windows(text, torch.linspace(0, len(text) - CONTEXT - 1, JUDGED).long())


SOURCE = _text()
LEARNT, CHOOSING, JUDGING = _data(SOURCE)
HASH = hashlib.sha256("".join(SOURCE.values()).encode()).hexdigest()[:8]


class Transformer(nn.Module):
    """Embeddings, blocks of causal attention, and a linear layer to the symbols."""

    def __init__(self) -> None:
        super().__init__()
        count = len(SYMBOLS) + 1
        self.symbols = nn.Embedding(count, WIDTH)
        self.places = nn.Parameter(0.02 * torch.randn(CONTEXT, WIDTH))
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 4 * WIDTH, dropout=0.0, activation="gelu",
            batch_first=True, norm_first=True,
        )  # fmt: skip
        self.blocks = nn.TransformerEncoder(
            layer, LAYERS, norm=nn.LayerNorm(WIDTH), enable_nested_tensor=False
        )
        self.head = nn.Linear(WIDTH, count)
        nn.init.normal_(self.symbols.weight, std=0.02)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CONTEXT))

    def forward(self, symbols: Tensor) -> Tensor:
        """Return the logits of each next symbol."""
        hidden = self.symbols(symbols) + self.places
        return self.head(self.blocks(hidden, mask=self.mask, is_causal=True))


def batch(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return contexts to learn from, and for each of their characters the next one."""
    return _windows(LEARNT, torch.randint(len(LEARNT) - CONTEXT, (BATCH,), generator=generator))


def loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of a character, in nats."""
    return nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten())


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """Return the percentage of the characters that is predicted correctly."""
    return 100 * float((outputs.argmax(2) == targets).float().mean())


TASK = Task(
    name="char-transformer",
    title=f"transformer of {LAYERS} layers, width {WIDTH}, on {sum(map(len, SOURCE.values())):,} "
    f"characters of {len(MODULES)} modules of Python's standard library (sha256 {HASH}…); "
    "cross-entropy",
    model=Transformer,
    batch=batch,
    loss=loss,
    validation=_judged(CHOOSING),
    test=_judged(JUDGING),
    metric="next character %",
    measure=accuracy,
    steps=200,
    ks=(4, 16, 32),
)
