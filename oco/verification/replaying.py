"""Streams of rounds: the same each time that they are asked for, and as they are described."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from oco.experiment.lookup import Options
from oco.losses import LOSSES, STREAMS, Rademacher, Recorded, Stochastic, Stream
from oco.verification.cases import Case
from oco.verification.observations import Observation, Subject, check

__all__ = ["streams"]

ROUNDS = 40
UNIT = 1e-13
# Rounds of more than one chunk, in which a stream could forget where it is.
SECOND = 1100
LABELS = 1
FILES = ("data",)


def _made(name: str, loss: str, options: dict) -> Stream:
    return Options(options | {"loss": LOSSES[loss]}).call("stream", STREAMS[name])


@check(
    "streams",
    replay="a stream hands out the same rounds however they are asked for, and none else for a "
    "seed",
    labels="labels are those of the description: of the planted point, with the noise of the seed",
    features="features are as long as is said, and their covariance is the one asked for",
)
def streams(case: Case, subject: Subject) -> Iterator[Observation]:
    """Make one of the streams, twice, and read it in pieces."""
    rng = case.rng(14)
    names = [name for name in STREAMS if name not in FILES]
    name = names[int(rng.integers(len(names)))]
    able = [loss for loss in LOSSES if STREAMS[name].supports(loss)]
    loss = able[int(rng.integers(len(able)))]
    T = ROUNDS if rng.integers(4) else SECOND
    options: dict[str, Any] = {
        "d": int(rng.integers(2, 9)),
        "T": T,
        "seed": int(rng.integers(1 << 30)),
    }
    options |= {"shape": (2, 3), "radius": 10.0 ** rng.uniform(-1, 1), "noise": 0.2}
    first, second = _made(name, loss, options), _made(name, loss, options)
    other = _made(name, loss, options | {"seed": options["seed"] + 1})
    where = f"{name}, {loss}"
    features, labels = (np.concatenate(parts) for parts in zip(*first.chunks(), strict=True))
    yield from _replayed(first, second, other, features, labels, rng, where)
    yield from _described(first, features, labels, options, where)


def _replayed(first, second, other, features, labels, rng, where) -> Iterator[Observation]:
    T = first.T
    cuts = [0, *sorted(rng.integers(0, T + 1, 2).tolist()), T]
    pieces = [second.rows(a, b) for a, b in pairwise(cuts)]
    again = [np.concatenate(parts) for parts in zip(*pieces, strict=True)]
    part = int(rng.integers(1, T + 1))
    start = [np.concatenate(parts) for parts in zip(*second.chunks(part), strict=True)]
    answered = np.where(np.isnan(labels), 1.0, labels)
    recorded = [np.concatenate(p) for p in zip(*Recorded(second, answered).chunks(), strict=True)]
    for how, found, expected in (
        ("in pieces", again, (features, labels)),
        ("as far as a round", start, (features[:part], labels[:part])),
        ("recorded", recorded, (features, answered)),
    ):
        for what, one, other_one in zip(("features", "labels"), found, expected, strict=True):
            same = np.array_equal(one, other_one, equal_nan=True)
            yield Observation("replay", f"{where}, {what} {how}", float(not same), tolerance=0.0)
    elsewhere = next(other.chunks())[0]
    same = np.array_equal(elsewhere, features[: len(elsewhere)])
    yield Observation("replay", f"{where}, another seed", float(same), tolerance=0.0)


def _described(stream, features, labels, options, where) -> Iterator[Observation]:
    lengths = np.linalg.norm(features, axis=1)
    longest = float(lengths.max())
    bound = stream.feature_norm * (1 + UNIT)
    yield Observation("features", f"{where}, lengths", longest, bound, 1.0, 0.0)
    if stream.adaptive:
        answers = [stream.answer(z) for z in (-0.5, 0.5)]
        off = float(answers != [1.0, -1.0])
        yield Observation("labels", f"{where}, the worst of two", off, tolerance=0.0)
        return
    largest = float(np.abs(labels).max())
    yield Observation("labels", f"{where}, size", largest, stream.label_bound, 1.0, UNIT)
    if isinstance(stream, Stochastic):
        off = abs(float(np.linalg.norm(stream.planted)) / options["radius"] - 1)
        yield Observation("labels", f"{where}, ‖x*‖", off, tolerance=UNIT)
        expected = _planted(stream, features, options)
        error = float(np.abs(labels - expected).max())
        yield Observation("labels", where, error, 0.0, max(largest, 1.0), UNIT)
    if isinstance(stream, Rademacher):
        expected = np.where(_uniforms(options["seed"], len(labels)) < 0.5, -1.0, 1.0)
        yield Observation("labels", where, float(np.abs(labels - expected).max()), tolerance=0.0)
    if isinstance(stream, Stochastic | Rademacher):
        yield Observation("features", f"{where}, unit", float(np.abs(lengths - 1).max()), 0.0, 1.0)


def _uniforms(seed: int, count: int) -> np.ndarray:
    """Return the numbers in (0, 1) that labels are made with: the seed's second sequence."""
    words = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(LABELS,))).random_raw(count)
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52


def _planted(stream, features, options) -> np.ndarray:
    """Return sign⟨a, x*⟩, flipped where the noise says so, or ⟨a, x*⟩ with an error of its size."""
    uniforms = _uniforms(options["seed"], len(features))
    margins = np.array([float(np.sum(a * stream.planted)) for a in features])
    if stream.binary:
        right = np.where(margins >= 0, 1.0, -1.0)
        return np.where(uniforms < options["noise"], -right, right)
    return margins + options["noise"] * (2 * uniforms - 1)
