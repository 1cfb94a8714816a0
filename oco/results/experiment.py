"""What to run, as plain data: every option of a run, validated, with its default."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, field
from typing import TypeVar

from oco.options import OPTIONS, checked
from oco.results.options import StoredOptions
from oco.results.records import Record

__all__ = ["Experiment", "default_stream", "given_options", "heading", "setting"]

Made = TypeVar("Made")


def _with_options(cls: type[Made]) -> type[Made]:
    """Make a dataclass of a class, with a field for each option."""
    cls.__annotations__ = {name: option.stored for name, option in OPTIONS.items()}
    lines: list[str] = []
    for name, option in OPTIONS.items():
        default = MISSING if option.required else option.default
        setattr(cls, name, field(default=default, kw_only=not option.required))
        kind = getattr(option.kind.stored, "__name__", str(option.kind.stored))
        optional = ", optional" if option.stored != option.kind.stored else ""
        lines.append(f"{name} : {kind}{optional}\n        {option.help}")
    cls.__doc__ = (cls.__doc__ or "").replace("OPTIONS", "\n    ".join(lines))
    return dataclass(frozen=True, eq=False)(cls)


@_with_options
class Experiment(StoredOptions, Record):
    """What to run.

    Parameters
    ----------
    OPTIONS

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range; the message starts with its name.

    Notes
    -----
    ``data="memory:…"`` names, by shape and hash, what was given to `oco.run` in memory and cannot
    be read again.

    Examples
    --------
    >>> Experiment("s-adagrad", d=1000, k=20, T=10_000).stream
    'stochastic'
    >>> Experiment("s-adagrad", d=10, k=1)
    Traceback (most recent call last):
    ...
    ValueError: k: expected an integer >= 2, got 1
    """

    def __post_init__(self) -> None:
        for name, option in OPTIONS.items():
            value = getattr(self, name)
            if value is not None or option.default is not None:
                object.__setattr__(self, name, checked(name, value))
        if self.stream is None:
            object.__setattr__(self, "stream", default_stream(self.loss, self.data, self.shape))
        if self.data is not None and self.stream != "data":
            raise ValueError(f"data: expected the stream 'data' with it, got {self.stream!r}")
        shape = self.shape
        if shape is not None and self.d not in (None, math.prod(shape)):
            raise ValueError(
                f"d: expected {math.prod(shape)}, as the shape is {shape}, got {self.d}"
            )


def default_stream(
    loss: str | None = None, data: str | None = None, shape: tuple[int, ...] | None = None
) -> str:
    """Return the name of the stream that is played unless another is asked for.

    Examples
    --------
    >>> default_stream(), default_stream(data="rows.npz"), default_stream("softmax")
    ('stochastic', 'data', 'multiclass')
    >>> default_stream(shape=(8, 4)), default_stream("hinge", shape=(8, 4))
    ('matrix-lowrank', 'stochastic')
    """
    if data is not None:
        return "data"
    if loss == "softmax":
        return "multiclass"
    return "stochastic" if shape is None or loss not in (None, "linear") else "matrix-lowrank"


def given_options(experiment: Experiment) -> dict:
    """Return the options of an experiment that differ from their defaults.

    Examples
    --------
    >>> given_options(Experiment("ogd", d=3, radius=1.0))
    {'algorithm': 'ogd', 'd': 3, 'stream': 'stochastic'}
    """
    options = {name: getattr(experiment, name) for name in OPTIONS}
    return {name: value for name, value in options.items() if value != OPTIONS[name].default}


def setting(experiment: Experiment) -> dict:
    """Return the options, as plain data, that say what is played against and where.

    Not those that only the learner takes, nor how closely the run is looked at.

    Examples
    --------
    >>> one, other = (Experiment(name, d=3, lr=0.1) for name in ("ogd", "adagrad"))
    >>> setting(one) == setting(other), setting(one) == setting(one.replace(seed=1))
    (True, False)
    """
    plain = experiment.plain()
    return {name: plain[name] for name, option in OPTIONS.items() if option.sets_the_game}


def heading(experiment: Experiment) -> list[str]:
    """Return the options of the stream that were given and that a heading states, in words.

    Examples
    --------
    >>> heading(Experiment("ogd", spectrum="exp:0.90", d=3, noise=0.2))
    ['spectrum exp:0.9', 'noise 0.2']
    """
    stated = {name: getattr(experiment, name) for name in OPTIONS if OPTIONS[name].heading}
    return [f"{name} {value}" for name, value in stated.items() if value is not None]
