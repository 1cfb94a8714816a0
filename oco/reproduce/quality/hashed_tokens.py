"""A linear classifier of rare features: which module of Python's library a few lines come from.

Words are hashed to rows of an embedding, whose mean a linear layer classifies.  A batch touches few
rows, some words are common and most are rare: what a diagonal second moment is made for.
"""

from __future__ import annotations

import re
import zlib

import torch
from torch import Tensor, nn

from oco.reproduce.quality import library
from oco.reproduce.quality.task import Task

# Rows of the embedding, of which the first one stands for no word and stays zero.
BUCKETS, WIDTH = 512, 32
# Lines that are classified together, and words of theirs that are read.
LINES, WORDS = 4, 32
BATCH = 32
WORD = re.compile(r"[A-Za-z_]\w+")


def _bucket(word: str) -> int:
    return 1 + zlib.crc32(word.encode()) % (BUCKETS - 1)


def _data() -> list[tuple[Tensor, Tensor]]:
    rows: list[list[list[int]]] = [[], [], []]
    labels: list[list[int]] = [[], [], []]
    for label, source in enumerate(library.text().values()):
        for part, lines in enumerate(library.parts(source.splitlines())):
            for start in range(0, len(lines) - LINES + 1, LINES):
                words = WORD.findall("\n".join(lines[start : start + LINES]))[:WORDS]
                if words:
                    row = [_bucket(word) for word in words]
                    rows[part].append(row + [0] * (WORDS - len(row)))
                    labels[part].append(label)
    return [(torch.tensor(x), torch.tensor(y)) for x, y in zip(rows, labels, strict=True)]


LEARNT, VALIDATION, TEST = _data()


def model() -> nn.Module:
    """Return an embedding whose rows are averaged, and a linear layer to the modules."""
    return nn.Sequential(
        nn.EmbeddingBag(BUCKETS, WIDTH, mode="mean", padding_idx=0),
        nn.Linear(WIDTH, len(library.MODULES)),
    )


def batch(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return words of a few lines each, padded with 0, and the numbers of their modules."""
    inputs, targets = LEARNT
    rows = torch.randint(len(targets), (BATCH,), generator=generator)
    return inputs[rows], targets[rows]


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """Return the percentage that is classified correctly."""
    return 100 * float((outputs.argmax(1) == targets).float().mean())


TASK = Task(
    name="hashed-tokens",
    title=f"linear classifier of {BUCKETS} hashed words, width {WIDTH}: which module {LINES} lines "
    f"of {library.describe()} are from; cross-entropy",
    model=model,
    batch=batch,
    loss=nn.functional.cross_entropy,
    validation=VALIDATION,
    test=TEST,
    metric="accuracy %",
    measure=accuracy,
    steps=300,
)
