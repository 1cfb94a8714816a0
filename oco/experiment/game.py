"""From an Experiment to the things that play: domain, loss, stream, learner."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from oco import checks
from oco.algorithms import ALGORITHMS
from oco.algorithms.reshaped import reshaped
from oco.bounds import Account, Rung, ladder
from oco.bounds import resolve as rungs_of
from oco.domains import DOMAINS, Domain
from oco.experiment.lookup import PARTS, Options, resolve
from oco.losses import LOSSES, STREAMS, Loss, Stream
from oco.losses.loss import as_loss
from oco.options import OPTIONS, default_sketch
from oco.regret import MOST_NUMBERS
from oco.results import Experiment, Interval
from oco.sketch import FrequentDirections

__all__ = ["Game", "set_up"]

# A curvature is computed in floating point, and so are the predictions that it holds for.
ROUNDINGS = 1e-9


@dataclass(frozen=True)
class Retired:
    """What is asked of a learner after its last round.

    Attributes
    ----------
    x : ndarray of shape (d,)
        Its last point.
    k, lr, diameter : int, float, float, or None
        Its sketch size ℓ, its rate η and the D that its bounds are for, where it has them.
    bounds : tuple of str or Rung
        Which bounds it claims.
    omega_range : Interval or None
        What its sketch knows of Ω_k.
    """

    x: np.ndarray
    k: int | None
    lr: float | None
    diameter: float | None
    bounds: tuple[str | Rung, ...]
    omega_range: Interval | None

    @classmethod
    def of(cls, learner) -> Retired:
        """Ask a learner."""
        k, lr, diameter = (getattr(learner, name, None) for name in ("k", "lr", "diameter"))
        bounds = tuple(getattr(learner, "bounds", ()))
        x = np.array(learner.x, dtype=np.float64)
        return cls(x, k, lr, diameter, bounds, _omega_range(learner))


def _omega_range(learner) -> Interval | None:
    held = getattr(learner, "preconditioner", getattr(learner, "statistic", learner))
    sketch = getattr(held, "sketch", None)
    if not isinstance(sketch, FrequentDirections) or learner.k is None:
        return None
    return Interval(*sketch.escaped_mass_limit_range())


@dataclass
class Game:
    """All that is needed to play.

    Attributes
    ----------
    experiment : Experiment
        What it was made from.
    learner, loss, stream, domain
        Who plays, what is suffered, what is shown, where; the learner is `Retired` after the game.
    gradient_bound : float
        G ≥ ‖g_t‖ for all t; infinite where none is known.
    shape : tuple of int or None
        (m, n) where x is a matrix, flattened row by row.
    start : ndarray of shape (d,)
        x_1, where the learner starts.
    stated : bool
        Whether the learner's bounds rest on how long the stream states features and labels to be:
        on G, or on a curvature.
    """

    experiment: Experiment
    learner: Any
    loss: Loss
    stream: Stream
    domain: Domain
    gradient_bound: float
    shape: tuple[int, int] | None
    start: np.ndarray
    stated: bool

    @property
    def parts(self) -> tuple[Any, Loss, Stream]:
        """Who plays, what is suffered, what is shown."""
        return self.learner, self.loss, self.stream

    def retire(self) -> None:
        """Let go of the learner's state, which can take most of the memory."""
        if not isinstance(self.learner, Retired):
            self.learner = Retired.of(self.learner)


def set_up(experiment: Experiment, objects: Mapping | None = None) -> Game:
    """Make everything that an experiment names.

    Parameters
    ----------
    experiment : Experiment
        What to run.
    objects : mapping, optional
        The things themselves for the names ``"algorithm"``, ``"loss"``, ``"stream"``,
        ``"domain"``, ``"data"`` that are given as objects.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        If a name is unknown, an option is missing or out of range, or the parts do not fit.
    """
    objects = dict(objects or {})
    offered = [name for name in OPTIONS if name not in PARTS and OPTIONS[name].takers != ("run",)]
    options = Options({name: getattr(experiment, name) for name in offered})
    options.values |= {"d": _dimension(experiment), "path": objects.get("data", experiment.data)}
    domain = objects.get("domain") or options.call(
        "domain", DOMAINS[checks.choice("domain", experiment.domain, DOMAINS)]
    )
    loss, stream = _loss_and_stream(experiment, objects, options)
    if not domain.bounded and loss.name == "linear":
        raise ValueError(
            "domain: linear losses have no best fixed point on an unbounded domain; "
            "use a ball or a box"
        )
    if experiment.dynamic is not None:
        _require_switching(domain, stream)
    _require_room(stream)
    bound = _gradient_bound(loss, stream, domain)
    options.values |= {"d": stream.d, "T": stream.T, "domain": domain, "gradient_bound": bound}
    options.values["curvature"] = _curvature(loss, stream, domain)
    shape = _shape(experiment, stream)
    # A vector is a tensor with one axis.
    options.values |= {"shape": shape or (stream.d,), "gradient_rank": stream.gradient_rank}
    learner = _learner(experiment, objects, options)
    start = np.array(learner.x, dtype=np.float64).reshape(-1)
    stated = hasattr(learner, "curvature") or "rounds" in getattr(learner, "bounds", ())
    return Game(experiment, learner, loss, stream, domain, bound, shape, start, stated)


def _require_switching(domain: Domain, stream: Stream) -> None:
    """Raise a ValueError if the best sequence with switches cannot be sought."""
    if not domain.bounded:
        raise ValueError(
            "dynamic: needs a bounded domain, a ball or a box, as without bounds no lower bound "
            f"on what sequences can pay is proven; got {domain!r}"
        )
    numbers = stream.T * (stream.d // (stream.outputs or 1))
    if numbers > MOST_NUMBERS:
        raise ValueError(
            f"dynamic: keeps the features in memory, at most {MOST_NUMBERS:,} numbers; "
            f"got {numbers:,}"
        )


def _require_room(stream: Stream) -> None:
    """Raise a ValueError if what is recorded of each round is more than memory can hold."""
    numbers = stream.T * (5 + 2 * (stream.outputs or 1))
    try:
        np.empty(numbers)
    except (MemoryError, ValueError):
        raise ValueError(
            f"T: not enough memory for the record of {stream.T:,} rounds, "
            f"{8 * numbers / 1e9:,.3g} GB"
        ) from None


def _dimension(experiment: Experiment) -> int | None:
    return experiment.d if experiment.shape is None else math.prod(experiment.shape)


def _shape(experiment: Experiment, stream: Stream) -> tuple[int, int] | None:
    """Return the shape of x, if it is to be a matrix."""
    shape = stream.shape or experiment.shape
    asked = experiment.shape or shape
    if shape is not None and (shape != asked or math.prod(shape) != stream.d):
        m, n = checks.known("shape", asked)
        has = f"d = {stream.d}" if stream.shape is None else "{}x{}".format(*stream.shape)
        raise ValueError(f"shape: the {stream.name} stream has {has}, expected {m}x{n}")
    return shape


def _loss_and_stream(experiment, objects, options) -> tuple[Loss, Stream]:
    factory = objects.get("stream") or resolve("stream", experiment.stream, STREAMS)
    name = experiment.loss or getattr(factory, "default_loss", None)
    if name is not None:
        options.values["loss"] = _loss(
            objects.get("loss") or resolve("loss", name, LOSSES), options
        )
    stream = factory if isinstance(factory, Stream) else options.call("stream", factory)
    if not isinstance(stream, Stream):
        raise ValueError(
            f"stream: {experiment.stream} must give an oco.losses.Stream, "
            f"got {type(stream).__name__}"
        )
    loss = options.values.setdefault("loss", LOSSES[stream.default_loss])
    if not stream.supports(loss.name) or (loss.labels == "class") != (stream.outputs is not None):
        able = [name for name, known in STREAMS.items() if known.supports(loss.name)]
        raise ValueError(
            f"loss: the {stream.name} stream cannot be played with {loss.name!r}; "
            f"{', '.join(able)} can"
        )
    return loss, stream


def _loss(found, options: Options) -> Loss:
    is_loss = hasattr(found, "value") and hasattr(found, "derivative")
    if inspect.isclass(found) or not is_loss:
        found = options.call("loss", found)
    return as_loss(found)


def _learner(experiment, objects, options):
    factory = objects.get("algorithm") or resolve("algorithm", experiment.algorithm, ALGORITHMS)
    if options.values["k"] is None:
        options.values["k"] = default_sketch(options.values["d"])
    if options.values["curvature"] is None and _asks_for_curvature(factory):
        raise ValueError(
            f"loss: the learner {experiment.algorithm} needs a loss with curvature along its "
            f"gradients, got {options.values['loss'].name!r} on {options.values['domain']!r}; on a "
            "bounded domain, squared and logistic have it, and a loss of your own says so with "
            "gradient_curvature"
        )
    learner = options.call("algorithm", factory)
    if not hasattr(learner, "x") or not callable(getattr(learner, "update", None)):
        raise ValueError(
            f"algorithm: a learner has an array `x` and a method `update(g)`; "
            f"{experiment.algorithm} gives {type(learner).__name__}, which has not"
        )
    if np.ndim(learner.x) > 1:
        learner = reshaped(learner, (np.size(learner.x),))
    checks.vector("algorithm: the learner's x", learner.x, options.values["d"])
    if getattr(learner, "bounds", ()):
        _rehearse_bounds(learner, options.values["d"])
    return learner


def _asks_for_curvature(factory) -> bool:
    try:
        return "curvature" in inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False


def _rehearse_bounds(learner, d: int) -> None:
    """Compute the bounds that a learner claims once before the game, not first after it."""
    try:
        claimed = rungs_of(learner.bounds)
        lr = getattr(learner, "lr", None)
        lr = None if lr is None else checks.number("lr", lr, above=0)
        diagnostics = learner.diagnostics()
        account = Account(
            t=1,
            d=d,
            k=getattr(learner, "k", None),
            lr=lr,
            diameter=1.0,
            gradient_bound=1.0,
            diagnostics=diagnostics,
            spectrum=np.ones(1),
            axis_spectra=tuple(np.ones(1) for _ in getattr(diagnostics, "axes", ())),
        )
        ladder(claimed, account)
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"algorithm: the bounds that the learner claims cannot be computed: {error}"
        ) from None


def _curvature(loss: Loss, stream: Stream, domain: Domain) -> float | None:
    """Return the curvature along gradients over K, less rounding; None if the loss has none."""
    radius = domain.radius(stream.d)
    margin = stream.feature_norm * radius if stream.feature_norm else 0.0
    found = float(loss.gradient_curvature(margin, stream.label_bound))
    return found * (1 - ROUNDINGS) if 0 < found < math.inf else None


def _gradient_bound(loss: Loss, stream: Stream, domain: Domain) -> float:
    """Return G = sup |φ'| · sup ‖a_t‖ over K."""
    radius = domain.radius(stream.d)
    margin = stream.feature_norm * radius if stream.feature_norm else 0.0
    bound = float(loss.lipschitz(margin, stream.label_bound))
    return bound * stream.feature_norm if math.isfinite(bound) else math.inf
