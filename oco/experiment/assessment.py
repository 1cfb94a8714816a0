"""From a play to a Result: certified, held against its bounds, and with notes for the reader."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from oco.bounds import SpectralSums, full_adagrad_bound
from oco.checks import known
from oco.cores import one_blas_thread
from oco.experiment.accounting import Ladder, Spectra, build_ladder, diameters, rungs
from oco.experiment.certification import (
    Certification,
    certify,
    certify_dynamic,
    certify_prefixes,
    unmoved_losses,
)
from oco.experiment.eigenvalues import known_spectra, spectral_notes
from oco.experiment.game import Game
from oco.experiment.phases import CUT_SHORT, Watch, unwatched
from oco.linalg.engine import ENGINE
from oco.losses import Recorded
from oco.losses.functions import Linear
from oco.regret import LossError
from oco.results import BestFixedPoint, Interval, Result, Summary, Trace
from oco.results.summary import Axis
from oco.results.versions import versions
from oco.simulator import Play
from oco.sketch import escaped_mass_limit

__all__ = ["assess"]


@one_blas_thread()
def assess(game: Game, play: Play, watch: Watch = unwatched) -> Result:
    """Certify what was played and hold it against the bounds.

    Parameters
    ----------
    game : Game
        Who played, after the play; the learner retires.
    play : Play
        What happened.
    watch : callable, optional
        Called as ``watch(phase, **detail)`` while a phase gets on.

    Returns
    -------
    Result
        An interrupt (Ctrl-C) during the assessment ends it; the result says what it leaves out.
        So it does of what fails: the play is kept, and all that was computed beside.
    """
    # The best fixed point takes as much memory as a sketch does: not at the same time.
    game.retire()
    if play.status == "interrupted":
        watch(CUT_SHORT, done=play.rounds, total=game.stream.T)
    interruptions: list[str] = []
    failures: list[str] = []
    recorded = Recorded(game.stream, play.labels)

    def unless_interrupted(what: str, compute: Callable, otherwise=None, ready=lambda: False):
        # After one interrupt no other computation is begun; what has been computed is kept.
        if interruptions and not ready():
            interruptions.append(f"left out {what}")
            return otherwise
        try:
            return compute(game, play, recorded, watch)
        except KeyboardInterrupt:
            interruptions.append(f"interrupted while computing {what}")
        except LossError as error:
            failures.append(str(error))
        except Exception as error:
            failures.append(f"computing {what} failed: {type(error).__name__}: {error}")
        return otherwise

    certification, unmoved = Certification.missing(play), None
    with _beside(known_spectra, game, play, recorded, watch) as (spectra_found, ready):
        # A loss that failed in the play is no function to minimise.
        if play.rounds and play.status != "failed":
            unmoved = unless_interrupted("what never moving costs", unmoved_losses)
            certification = unless_interrupted("the best fixed point", certify, certification)
        comparator = certification.comparator
        if comparator is not None and comparator.trouble:
            failures.append(f"the search for the best fixed point ended in {comparator.trouble}")
        # For linear losses each prefix is solved in closed form.
        in_full = game.experiment.prefix_regret or isinstance(game.loss, Linear)
        if in_full and comparator is not None:
            prefixes = unless_interrupted(
                "each prefix's best fixed point",
                lambda g, p, r, w: certify_prefixes(g, p, r, w, certification.incurred),
            )
            certification = certification.with_prefixes(prefixes)
        dynamic = None
        if game.experiment.dynamic is not None and comparator is not None:
            dynamic = unless_interrupted(
                "the best sequence with switches",
                lambda g, p, r, w: certify_dynamic(g, p, r, w, certification.incurred),
            )
        missing = Spectra.missing(play)
        spectra = unless_interrupted("the spectrum of G_T", spectra_found, missing, ready)
    diameter_at, steps = np.full(len(play.checkpoints), np.nan), Ladder({}, {}, {}, {})
    try:
        diameter_at = diameters(game, play, certification)
        steps = build_ladder(game, play, certification, diameter_at, spectra)
    except Exception as error:
        failures.append(f"computing the bounds failed: {type(error).__name__}: {error}")
    summary = _summary(game, play, certification, diameter_at, steps, spectra)
    summary = summary.replace(dynamic=dynamic)
    if unmoved is not None:
        summary = summary.replace(
            unmoved_loss=float(unmoved.value[-1]),
            unmoved_regret=certification.regret_of(unmoved),
        )
    if interruptions or failures:
        message = "; ".join(filter(None, [play.message, *failures, *interruptions]))
        status = "failed" if failures or play.status == "failed" else "interrupted"
        summary = summary.replace(status=status, message=message)
    return Result(
        experiment=game.experiment,
        versions=versions(),
        summary=summary,
        trace=_trace(play, certification, steps),
        x=game.learner.x,
        comparator=None if certification.comparator is None else certification.comparator.x,
        spectrum=spectra.covariance[-1] if play.rounds else None,
    )


@contextmanager
def _beside(
    compute: Callable, game: Game, play: Play, recorded: Recorded, watch: Watch
) -> Iterator[tuple[Callable, Callable[[], bool]]]:
    """Let a computation run in a thread of its own beside what the block does.

    Yields a function that waits for its result, and one that tells whether it is there; the former
    computes it then and there where the features are not kept, as two threads are not to make them
    at a time.
    """
    if not game.stream.kept:
        yield compute, lambda: False
        return
    stopped = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(compute, game, play, _Stoppable(recorded, stopped), watch)
        try:
            yield lambda *_: begun.result(), begun.done
        finally:
            stopped.set()


class _Stoppable:
    """A recording whose passes end with an error when nobody waits for their result any more."""

    def __init__(self, recorded: Recorded, stopped: threading.Event) -> None:
        self.d = recorded.d
        self._recorded, self._stopped = recorded, stopped

    def chunks(self, stop: int | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for chunk in self._recorded.chunks(stop):
            if self._stopped.is_set():
                raise RuntimeError("stopped")
            yield chunk


def _trace(play: Play, certification: Certification, steps: Ladder) -> Trace:
    escaped = [account.escaped_mass if account else None for account in play.diagnostics]
    prefixes = certification.prefixes
    return Trace(
        t=play.checkpoints,
        loss=play.cumulative_loss,
        comparator_loss=certification.paid.value,
        regret=certification.regret,
        seconds=play.seconds,
        escaped_mass=np.array(escaped) if escaped and escaped[-1] is not None else None,
        prefix_regret_lo=None if prefixes is None else prefixes.lo,
        prefix_regret_hi=None if prefixes is None else prefixes.hi,
        bounds=steps.values,
        holds=steps.holds,
        least=steps.least,
    )


def _summary(
    game: Game,
    play: Play,
    certification: Certification,
    diameter_at: np.ndarray,
    steps: Ladder,
    spectra: Spectra,
) -> Summary:
    experiment, learner, n = game.experiment, game.learner, play.rounds
    bounds = steps.bounds(certification)
    total = float(play.cumulative_loss[-1]) if n else 0.0
    seconds = float(play.seconds[-1]) if n else 0.0
    account = play.diagnostics[-1] if n else None
    k, lr = learner.k, learner.lr
    spectrum = spectra.covariance[-1] if n else None
    axes = _axes(account, spectra) if n else ()
    diameter = float(diameter_at[-1]) if n and np.isfinite(diameter_at[-1]) else None
    # K's own diameter, so that learners compare: dual averaging has another D in its bounds.
    width = game.domain.diameter(game.stream.d) if game.domain.bounded else diameter
    low, high = spectra.ends(-1, k) if n else (None, None)
    full = full_range = None
    if width is not None and not _stays(account):
        if spectrum is not None:
            full = full_adagrad_bound(SpectralSums.of(spectrum, None).root_trace, width)
        elif low is not None and high is not None:
            ends = (full_adagrad_bound(sums.root_trace, width) for sums in (low, high))
            full_range = Interval(*ends)
    return Summary(
        algorithm=experiment.algorithm,
        loss=experiment.loss or game.loss.name,
        stream=known("stream", experiment.stream),
        domain=experiment.domain,
        d=game.stream.d,
        shape=game.shape,
        k=k,
        T=game.stream.T,
        seed=experiment.seed,
        rounds=n,
        engine=ENGINE,
        status=play.status,
        message=play.message,
        traceback=play.traceback,
        lr=None if lr is None else float(lr),
        total_loss=total,
        average_loss=total / n if n else None,
        comparator=_best(certification),
        regret=certification.interval,
        bounds=bounds,
        certificate=next((bound.value for bound in bounds if bound.name == "certificate"), None),
        diameter=diameter,
        escaped_mass=account.escaped_mass if account else None,
        omega=escaped_mass_limit(spectrum, k) if k and not axes and spectrum is not None else None,
        omega_range=_omega_range(learner.omega_range, low, high) if n else None,
        axes=axes,
        full_adagrad_bound=full,
        seconds=seconds,
        seconds_per_round=seconds / n if n else None,
        state_bytes=account.state_bytes if account else None,
        checkpoints=len(play.checkpoints),
        checked=certification.checked,
        notes=tuple(_notes(game, play, certification, diameter_at)),
        full_adagrad_range=full_range,
    )


def _omega_range(
    found: Interval | None, low: SpectralSums | None, high: SpectralSums | None
) -> Interval | None:
    """Return what is known of Ω_k from the learner's own sketch and from one of the gradients."""
    if low is None or high is None or low.omega is None or high.omega is None:
        return found
    if found is None:
        return Interval(low.omega, high.omega)
    return Interval(max(found.lo, low.omega), min(found.hi, high.omega))


def _stays(account) -> bool:
    """Tell whether a learner's bounds on an unbounded domain do not depend on where it played."""
    return account is not None and account.travelled == 0.0


def _axes(account, spectra: Spectra) -> tuple[Axis, ...]:
    """Return what the sketches of a matrix learner lost, side by side."""
    axes = getattr(account, "axes", ())
    found = spectra.axes[-1] or (None,) * len(axes)
    return tuple(
        Axis(
            dim=axis.dim,
            k=axis.rank,
            escaped_mass=float(axis.escaped_mass),
            omega=None
            if axis.rank is None or spectrum is None
            else escaped_mass_limit(spectrum, axis.rank),
        )
        for axis, spectrum in zip(axes, found, strict=True)
    )


def _best(certification: Certification) -> BestFixedPoint | None:
    comparator = certification.comparator
    if comparator is None:
        return None
    return BestFixedPoint(
        loss=float(comparator.value),
        lower=float(comparator.lower),
        gap=float(comparator.gap),
        method=comparator.method,
        radius=None if comparator.radius is None else float(comparator.radius),
    )


def _notes(game: Game, play: Play, certification: Certification, diameter_at: np.ndarray):
    """Yield what a reader should know about the numbers."""
    comparator, regret = certification.comparator, certification.interval
    if comparator is not None and comparator.radius is not None:
        length = float(np.linalg.norm(comparator.x))
        measured = f"max‖x_t‖ + ‖x̂‖ = {diameter_at[-1] - length:.6g} + {length:.6g}"
        if _stays(play.diagnostics[-1]):
            measured = f"‖x̂‖ = {length:.6g}"
        yield (
            f"the domain is unbounded: D = {measured} was measured; that no point is better "
            f"than x̂ by more than the gap is proven for the ball of radius {comparator.radius:.6g}"
        )
    asked = 0.0 if regret is None else game.experiment.gap * abs(regret.lo)
    if regret is not None and comparator is not None and comparator.gap > asked:
        yield (
            f"the best fixed point is known to {comparator.gap:.3g}, not to the fraction "
            f"{game.experiment.gap:g} of the regret that was asked for"
        )
    yield from spectral_notes(game, play)
    standings = getattr(play.diagnostics[-1] if play.rounds else None, "standings", ())
    if standings:
        best = max(standings, key=lambda one: one.behind)
        rates = [one.lr for one in standings]
        yield (
            f"{game.experiment.algorithm}: of {len(rates)} rates from {min(rates):.4g} to "
            f"{max(rates):.4g}, η = {best.lr:.4g} won: to first order its copy lost "
            f"{best.behind:.4g} less than was lost"
        )
    if not rungs(game, play) and play.rounds:
        name = game.experiment.algorithm
        yield f"the learner {name} claims no bounds on its regret: none was checked"
    if play.status == "failed":
        yield "after a failure no best fixed point is computed, so the regret is not known"
    yield from game.stream.notes
