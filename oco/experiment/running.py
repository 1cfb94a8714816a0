"""Run an experiment: set up, play, assess, save."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from oco import checks
from oco.domains import Box, Domain, Ellipsoid, OperatorBall, Simplex
from oco.experiment.assessment import assess
from oco.experiment.compiling import compile_kernels
from oco.experiment.game import Game, Retired, set_up
from oco.experiment.lookup import PARTS, described
from oco.experiment.phases import PLAYING, Watch, unwatched
from oco.experiment.takers import refuse_untaken, taken
from oco.losses.in_memory import Rows, rows_of
from oco.options import OPTIONS, checked
from oco.results import Experiment, Result
from oco.results.experiment import given_options
from oco.results.storage import require_free, require_writable, tidy
from oco.simulator import log_checkpoints, play

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from oco.results.options import RunOptions

__all__ = ["perform", "prepare", "run"]


def run(
    algorithm: str | Callable[..., Any],
    *,
    progress: Callable[[int], None] | None = None,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    **options: Unpack[RunOptions],
) -> Result:
    """Run a learner against a stream of losses, certify its regret and check its bounds.

    Parameters
    ----------
    algorithm : str or callable
        A learner's name, an import string ``"package.module:factory"``, or the factory itself.
    progress : callable, optional
        Called now and then with the number of rounds played.
    out : str or path-like, optional
        Directory to save the result in; checked before the first round.
    overwrite : bool
        Whether a result that is there already may be replaced; refused by default.
    **options
        Those of `Experiment`, as on the command line; `loss`, `stream`, `domain` and `data` may
        also be the things themselves: `data` an array whose last column is the label, a data frame
        or sparse array with `label`, or a pair (X, y), which ``X=X, y=y`` stands for too.

    Returns
    -------
    Result
        Also when Ctrl-C or a failure ended the run early: see ``result.summary.status``.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        If an option is unknown, missing, out of range or taken by nothing; before the first round.

    Examples
    --------
    >>> result = run("s-adagrad", d=50, k=10, T=200, seed=0)
    >>> result.summary.regret.hi < result.summary.certificate
    True
    """
    game = prepare(algorithm, out=out, overwrite=overwrite, **options)
    result = perform(game, progress)
    if out is not None:
        result.save(out)
    return result


def prepare(
    algorithm: str | Callable[..., Any],
    *,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    **options: Unpack[RunOptions],
) -> Game:
    """Check everything that `run` takes and make what will play.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        As `run` does.
    """
    given, objects = named(algorithm, dict(options))
    experiment = Experiment(**given)
    refuse_untaken(given_options(experiment), taken(given, objects))
    if isinstance(objects.get("domain"), Domain):
        experiment = experiment.replace(**_domain_options(objects["domain"]))
    try:
        game = set_up(experiment, objects)
    except MemoryError as error:
        sizes = {"shape": experiment.shape, "d": experiment.d, "k": experiment.k}
        name = next((name for name, size in sizes.items() if size is not None), "data")
        raise ValueError(f"{name}: not enough memory for the game: {error}") from None
    if out is not None:
        tidy((require_writable if overwrite else require_free)(out))
    # Before it is shown that the game begins.
    compile_kernels(game)
    return game


def named(algorithm, options: dict) -> tuple[dict, dict]:
    """Return what `run` was given, all of it by name, and the things themselves beside it.

    Raises
    ------
    TypeError, ValueError
        If an option is unknown, or rows in memory are not what they should be.
    """
    options = _with_data(options)
    for name in options:
        if name not in OPTIONS:
            raise TypeError(f"{name}: unknown option{checks.closest(name, OPTIONS)}")
    given = {"algorithm": algorithm, **options}
    objects = {
        name: given[name]
        for name in PARTS
        if given.get(name) is not None and not isinstance(given[name], str)
    }
    given |= {name: described(thing) for name, thing in objects.items()}
    if not isinstance(options.get("data"), str | os.PathLike | None):
        data = options["data"]
        if not isinstance(data, Rows):
            data = rows_of(data, _text(options.get("label")))
        objects["data"] = data
        given["data"] = objects["data"].name
    if isinstance(objects.get("domain"), Domain):
        for name in _domain_options(objects["domain"]):
            if name != "domain" and given.get(name) is not None:
                raise ValueError(f"{name}: expected none beside a domain that is an object")
        given["domain"] = objects["domain"].name
    return given, objects


def perform(
    game: Game,
    progress: Callable[[int], None] | None = None,
    *,
    watch: Watch = unwatched,
    partly: bool = True,
) -> Result:
    """Play a game to its end and assess it.

    Parameters
    ----------
    game : Game
        From `prepare`; a game can be performed once.
    progress : callable, optional
        Called now and then with the number of rounds played.
    watch : callable, optional
        Called as ``watch(phase, **detail)`` while a phase gets on; see `oco.experiment.phases`.
    partly : bool
        Whether a play that Ctrl-C has ended is assessed as far as it got.

    Raises
    ------
    KeyboardInterrupt
        If the play was interrupted and is not to be assessed.
    ValueError
        If the game has been performed already.
    """
    if isinstance(game.learner, Retired):
        raise ValueError("game: has been performed; expected one from `prepare`")
    compile_kernels(game)
    checkpoints = log_checkpoints(game.stream.T, game.experiment.checkpoints)

    def count(rounds: int) -> None:
        watch(PLAYING, done=rounds, total=game.stream.T)
        if progress is not None:
            progress(rounds)

    watch(PLAYING, done=0, total=game.stream.T)
    played = play(
        game.learner,
        game.loss,
        game.stream,
        checkpoints=checkpoints,
        domain=game.domain,
        stated=game.stated,
        progress=count,
    )
    return assess(game, played if partly else played.unless_interrupted(), watch)


def _with_data(options: dict) -> dict:
    """Return the options with X and y as the pair that they stand for."""
    apart = {name: options[name] for name in ("X", "y") if options.get(name) is not None}
    if not apart:
        return options
    others = {name: value for name, value in options.items() if name not in ("X", "y")}
    if options.get("data") is not None:
        raise TypeError(f"data: expected none beside {' and '.join(apart)}")
    if "X" not in apart:
        raise TypeError("X: not given, and y needs it")
    # A data frame may hold the labels itself.
    data = (apart["X"], apart["y"]) if "y" in apart else apart["X"]
    if "y" not in apart and options.get("label") is None:
        raise TypeError("y: not given, nor the label's column, and X needs one of them")
    return {**others, "data": data}


def _text(label) -> str | None:
    return None if label is None else checked("label", label)


def _domain_options(domain: Domain) -> dict:
    """Return the options of an Experiment that describe a domain given as an object."""
    options: dict[str, Any] = {"domain": domain.name}
    arrays = {Box: ("lower", "upper"), Ellipsoid: ("semiaxes",)}.get(type(domain), ())
    for name in arrays:
        numbers = getattr(domain, name)
        options[name] = tuple(numbers.tolist()) if numbers.ndim else float(numbers)
    if isinstance(domain, OperatorBall):
        options |= {"shape": domain.shape, "radius": domain.width(math.prod(domain.shape)) / 2}
    elif domain.bounded and not arrays and not isinstance(domain, Simplex):
        options["radius"] = domain.radius(1)
    return options
