"""Reproduced comparisons as tables and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path

from oco.domains import Ball
from oco.losses.functions import SQUARED
from oco.reproduce.appendix_a import AppendixA, Evaluation
from oco.reproduce.passes import Pass
from oco.reproduce.separation import Separation
from oco.reproduce.tightness import Tightness, Versus
from oco.results import Interval
from oco.results.exports import VERDICTS
from oco.results.formats import number
from oco.results.layout import Sheet
from oco.sweeps import tuning

__all__ = [
    "document",
    "growth_table",
    "growths",
    "panels",
    "ratio_table",
    "ratios",
    "tables",
]


def tables(found: AppendixA) -> tuple:
    """Return title, results, numerics and known figures, for a rich console to print."""
    title = (
        f"{Path(found.data).name}: logistic loss, d = {found.d}, k = {found.k}; tuned on "
        f"{found.train_rows:,} rows, then one pass over {found.test_rows:,} test rows"
    )
    results = Sheet(
        "learner", "η", "δ", "rates", "diverged", "train loss", "train error", "test loss",
        "test error", "x_T's test error",
    )  # fmt: skip
    for entry in found.entries:
        results.add(*_row(entry))
    parts = [title, "", results]
    parts += [f"{entry.name}: {entry.message}" for entry in found.entries if entry.message]
    if any(entry.numerics for entry in found.entries):
        parts += ["", _numerics(found.entries)]
    if found.references:
        known = Sheet("known figure", "η", "known", "measured", "difference")
        for reference, loss in found.references:
            known.add(
                reference.algorithm,
                number(reference.lr, 4),
                f"{reference.loss:.9g}",
                "–" if loss is None else f"{loss:.9f}",
                "–" if loss is None else f"{loss - reference.loss:+.1e}",
            )
        parts += ["", known]
    return tuple(parts)


def _numerics(entries: tuple[Evaluation, ...]) -> Sheet:
    """Return the train losses of ours and as published, at η and at the double after it."""
    sheet = Sheet(
        "train loss at", "η", "δ", "ours", "at the next η", "as published", "at the next η"
    )
    for entry in entries:
        best = entry.tuning.best
        if not entry.numerics or best is None:
            continue
        losses = [
            "failed" if loss is None else f"{loss:.9g}"
            for one in entry.numerics
            for loss in (one.loss, one.next_loss)
        ]
        sheet.add(entry.name, *_best(best), *losses)
    return sheet


def document(found: AppendixA) -> dict:
    """Return the comparison, with every curve, as JSON data."""
    entries = [
        {
            "name": entry.name,
            "algorithm": entry.algorithm,
            "tuning": tuning.document(entry.tuning),
            "train_error": entry.train_error,
            "test_loss": entry.test_loss,
            "test_error": entry.test_error,
            "last_error": entry.last_error,
            "train": _curves(entry.train),
            "test": _curves(entry.test),
            "numerics": [asdict(one) for one in entry.numerics],
            "message": entry.message,
        }
        for entry in found.entries
    ]
    references = [
        {"algorithm": ref.algorithm, "lr": ref.lr, "known": ref.loss, "measured": loss}
        for ref, loss in found.references
    ]
    sizes = {"data": found.data, "k": found.k, "d": found.d, "train_rows": found.train_rows}
    return {**sizes, "test_rows": found.test_rows, "entries": entries, "references": references}


def _curves(one: Pass | None) -> dict | None:
    """Return cumulative log loss and the number of wrong signs up to each checkpoint."""
    if one is None:
        return None
    return {"t": one.t.tolist(), "log_loss": one.log_loss.tolist(), "wrong": one.wrong.tolist()}


def panels(found: Sequence[AppendixA]) -> list[tuple[str, str, dict[str, tuple]]]:
    """Return, for `oco.plots.progress`, the average log loss and 0–1 loss of each file's passes."""
    made = []
    for one in found:
        rows = {"train": one.train_rows, "test": one.test_rows}
        for which, measure in product(rows, ("log loss", "wrong signs")):
            passes = {entry.name: getattr(entry, which) for entry in one.entries}
            curves = {
                name: (run.t, (run.log_loss if measure == "log loss" else run.wrong) / run.t)
                for name, run in passes.items()
                if run is not None
            }
            heading = f"{Path(one.data).name}: {rows[which]:,} {which} rows"
            made += [(heading, measure, curves)] if curves else []
    return made


def growth_table(found: Separation) -> tuple:
    """Return title and exponents, for a rich console to print."""
    title = (
        f"gradients uniform on r = {found.r} orthonormal vectors; d = {found.d}, k = {found.k}, "
        f"T = {found.T:,}, seed {found.seed}"
    )
    table = Sheet("certificate of", "exponent of t", "at T")
    for growth in (found.sketched, *found.capped):
        table.add(growth.name, f"{growth.exponent:.3f}", number(growth.values[-1], 5))
    return title, "", table


def growths(found: Separation) -> dict:
    """Return the certificates and their exponents as JSON data."""
    setting = {name: getattr(found, name) for name in ("d", "T", "r", "k", "seed")}
    rows = [
        {"name": growth.name, "exponent": growth.exponent, "values": growth.values.tolist()}
        for growth in (found.sketched, *found.capped)
    ]
    return {**setting, "t": found.t.tolist(), "certificates": rows}


def ratio_table(found: Tightness) -> tuple:
    """Return title, ratios and their meaning, for a rich console to print."""
    title = (
        f"certificate ÷ regret on the ball of radius 1; d = {found.d}, matrices {found.shape}, "
        f"k = {found.k}, T = {found.T:,}, spectrum {found.spectrum}, seed {found.seed}"
    )
    table = Sheet("learner", *found.streams)
    for algorithm in found.algorithms:
        cells = (_ratio(found.of(algorithm, stream)) for stream in found.streams)
        table.add(algorithm, *cells)
    curved = [entry.algorithm for entry in found.entries if entry.loss == SQUARED.name]
    legend = "the most that the ratio can be, as the regret is an interval; –: it is not positive"
    if curved:
        legend += f".  Squared loss: {', '.join(dict.fromkeys(curved))}; else the stream's own"
    elsewhere = {e.algorithm: e.domain for e in found.entries if e.domain != Ball.name}
    legend += "".join(f".  On the {domain}: {name}" for name, domain in elsewhere.items())
    return title, "", table, legend


def ratios(found: Tightness) -> dict:
    """Return certificates, regrets and ratios as JSON data."""
    names = ("d", "T", "k", "seed", "shape", "spectrum")
    rows = [
        {
            "algorithm": entry.algorithm,
            "stream": entry.stream,
            "loss": entry.loss,
            "domain": entry.domain,
            "certificate": entry.certificate,
            "regret": _ends(entry.regret),
            "ratio": _ends(entry.ratio),
            "holds": entry.holds,
            "message": entry.message,
        }
        for entry in found.entries
    ]
    return {**{name: getattr(found, name) for name in names}, "entries": rows}


def _ends(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.lo, interval.hi]


def _ratio(entry: Versus | None) -> str:
    if entry is None:
        return ""
    if entry.certificate is None:
        return "FAILED"
    if entry.holds is not True:
        return VERDICTS[entry.holds].upper()
    return "–" if entry.ratio is None else number(entry.ratio.hi, 3)


def _row(entry: Evaluation) -> list[str]:
    best, trials = entry.tuning.best, entry.tuning.trials
    lost = str(sum(bool(trial.verdict) for trial in trials))
    if best is None:
        return [entry.name, "–", "–", str(len(trials)), lost, *"–" * 5]
    return [
        entry.name,
        *_best(best),
        str(len(trials)),
        lost,
        f"{best.average_loss:.6f}",
        _percent(entry.train_error),
        f"{entry.test_loss:.6f}",
        _percent(entry.test_error),
        _percent(entry.last_error),
    ]


def _best(best: tuning.Trial) -> tuple[str, str]:
    """Return η and δ of a trial."""
    delta = best.experiment.delta
    return number(best.experiment.lr, 3), "" if delta is None else number(delta, 3)


def _percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:.2f} %"
