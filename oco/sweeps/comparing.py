"""Several learners on one stream, one after the other, so that their times are comparable."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from oco.experiment import Experiment, perform, prepare
from oco.experiment.game import Game
from oco.experiment.lookup import described
from oco.experiment.running import named
from oco.experiment.takers import HARMLESS, refuse_untaken, taken
from oco.results import Result
from oco.results.experiment import given_options
from oco.sweeps.frame import frame
from oco.sweeps.outcomes import Outcome
from oco.sweeps.store import Store

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from oco.results.options import RunOptions

__all__ = ["Comparison", "compare", "prepare_comparison"]


class Comparison(tuple[Result, ...]):
    """Results of several learners on one stream: a tuple that shows itself as their tables."""

    __slots__ = ()

    @property
    def table(self):
        """A `pandas.DataFrame` with a row for each, as of `oco.load_table`."""
        return frame([Outcome(result.experiment, result) for result in self])

    def __repr__(self) -> str:
        # What draws tables is loaded where one is drawn.
        from oco.results import comparison, layout, tables

        return layout.plain(*comparison.overview(self), width=tables.TEXT_WIDTH)

    def _repr_html_(self) -> str:
        from oco.results import comparison, layout, tables

        return layout.html(*comparison.overview(self), width=tables.TEXT_WIDTH)


def compare(
    algorithms: str | Iterable[str | Callable[..., Any]],
    *,
    out: str | os.PathLike[str] | None = None,
    progress: Callable[[Game, int], None] | None = None,
    **options: Unpack[RunOptions],
) -> Comparison:
    """Run several learners against the same stream of losses.

    Parameters
    ----------
    algorithms : iterable of str or callable
        As the `algorithm` of `oco.run`.
    out : str or path-like, optional
        A directory to save the results in; `oco.load_table` reads it.
    progress : callable, optional
        Called now and then with the game that is played and the number of its rounds so far.
    **options
        Those of `oco.run`, the same for all; each learner is given those that it takes.

    Returns
    -------
    Comparison
        The results as a tuple, in the order given; one that failed or was interrupted does not stop
        the others.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        If an option is wrong for any of them, or taken by none; before the first round.

    Examples
    --------
    >>> results = compare(["ogd", "s-adagrad"], d=20, k=5, T=100)
    >>> all(result.summary.regret.hi < result.summary.certificate for result in results)
    True
    >>> print(str(results).splitlines()[0])
    stochastic stream, logistic loss, ball of radius 1; d = 20, T = 100, seed 0
    >>> list(results.table["algorithm"])
    ['ogd', 's-adagrad']
    """
    games = prepare_comparison(algorithms, out=out, **options)
    results = []
    while games:
        game = games.pop(0)
        step = None if progress is None else (lambda t, game=game: progress(game, t))
        results.append(perform(game, step))
        if out is not None:
            Store(out).save(Outcome(game.experiment, results[-1]))
    return Comparison(results)


def prepare_comparison(
    algorithms: str | Iterable[str | Callable[..., Any]],
    *,
    out: str | os.PathLike[str] | None = None,
    **options: Unpack[RunOptions],
) -> list[Game]:
    """Check everything that `compare` takes and make all that will play.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        As `compare` does.
    """
    algorithms = [algorithms] if isinstance(algorithms, str) else list(algorithms)
    if not algorithms:
        raise ValueError("algorithms: expected at least one learner, got none")
    if out is not None:
        Store(out).require_writable()
    # What one learner takes is not asked of the others.
    shared: dict[str, Any] = {**options}
    given, objects = named(algorithms[0], shared)
    if "data" in objects:
        shared = {**given, "data": objects["data"]}
        del shared["algorithm"]
    takes = [taken(*named(algorithm, shared)) | HARMLESS for algorithm in algorithms]
    together = " and ".join(described(algorithm) for algorithm in algorithms)
    asked = given_options(Experiment(**given)) | {"algorithm": together}
    refuse_untaken(asked, set().union(*takes))
    return [
        prepare(algorithm, **{name: shared[name] for name in shared if name in own})
        for algorithm, own in zip(algorithms, takes, strict=True)
    ]
