"""The options of a run as a type checker and an editor see them: a mirror of `oco.options`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypedDict

from oco.notations import Grid, Shape, Spectrum

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from oco.domains import Domain
    from oco.losses import Loss, Stream

__all__ = ["ExperimentOptions", "RunOptions", "StoredOptions", "TuneOptions"]


class SharedOptions(TypedDict, total=False):
    """What is plain data in every call."""

    d: int | None
    shape: tuple[int, ...] | list[int] | str | None
    alpha: float | None
    grid: Grid | str | None
    k: int | None
    T: int | None
    seed: int
    radius: float
    lower: float | tuple[float, ...] | list[float]
    upper: float | tuple[float, ...] | list[float]
    semiaxes: float | tuple[float, ...] | list[float] | None
    spectrum: Spectrum | str | None
    noise: float | None
    turns: float | None
    r: int | None
    bias: bool
    features: int | None
    label: str | int | None
    labels: str | os.PathLike[str] | None
    positive: float | str | None
    checkpoints: int
    prefix_regret: bool
    gap: float
    dynamic: int | None
    spectra: str | None
    bracket_k: int | None


class RunOptions(SharedOptions, total=False):
    """The options of `oco.run` and `oco.compare`, which take what is in memory too."""

    loss: str | Loss | Callable[..., Any] | None
    stream: str | Stream | Callable[..., Any] | None
    domain: str | Domain
    lr: float | None
    delta: float | None
    data: Any
    X: Any
    y: Any


class TuneOptions(SharedOptions, total=False):
    """The options of `oco.tune`, which takes plain data, and rates of its own."""

    loss: str | None
    stream: str | None
    domain: str
    data: str | os.PathLike[str] | None


class ExperimentOptions(TuneOptions, total=False):
    """The options of an `oco.Experiment` beside its learner."""

    lr: float | None
    delta: float | None


class StoredOptions:
    """What an `oco.Experiment` holds."""

    algorithm: str
    d: int | None
    shape: Shape | None
    k: int | None
    T: int | None
    lr: float | None
    delta: float | None
    alpha: float | None
    grid: Grid | None
    domain: str
    radius: float
    lower: float | tuple[float, ...]
    upper: float | tuple[float, ...]
    semiaxes: float | tuple[float, ...] | None
    seed: int
    stream: str | None
    data: str | None
    label: str | None
    labels: str | None
    loss: str | None
    spectrum: Spectrum | None
    noise: float | None
    turns: float | None
    r: int | None
    bias: bool
    features: int | None
    positive: float | str | None
    checkpoints: int
    prefix_regret: bool
    gap: float
    dynamic: int | None
    spectra: str | None
    bracket_k: int | None

    if TYPE_CHECKING:

        def __init__(self, algorithm: str, **options: Unpack[ExperimentOptions]) -> None: ...
