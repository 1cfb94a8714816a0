"""Reproduced comparisons as tables and JSON."""

from __future__ import annotations

from oco.reproduce.appendix_a import AppendixA, Evaluation
from oco.reproduce.separation import Separation
from oco.results.formats import number
from oco.results.layout import Sheet
from oco.sweeps import tuning

__all__ = ["document", "growth_table", "growths", "tables"]


def tables(found: AppendixA) -> tuple:
    """Return title, results and known figures, for a rich console to print."""
    title = (
        f"logistic loss, d = {found.d}, k = {found.k}; tuned on {found.train_rows:,} rows, "
        f"then one pass over {found.test_rows:,} test rows"
    )
    results = Sheet(
        "learner", "η", "δ", "rates", "diverged", "train loss", "train error", "test loss",
        "test error", "x_T's test error",
    )  # fmt: skip
    for entry in found.entries:
        results.add(*_row(entry))
    parts = [title, "", results]
    parts += [f"{entry.algorithm}: {entry.message}" for entry in found.entries if entry.message]
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


def document(found: AppendixA) -> dict:
    """Return the comparison, with every curve, as JSON data."""
    entries = [
        {
            "algorithm": entry.algorithm,
            "tuning": tuning.document(entry.tuning),
            "train_error": entry.train_error,
            "test_loss": entry.test_loss,
            "test_error": entry.test_error,
            "last_error": entry.last_error,
            "t": entry.t.tolist(),
            "test_curve": entry.test_curve.tolist(),
            "message": entry.message,
        }
        for entry in found.entries
    ]
    references = [
        {"algorithm": ref.algorithm, "lr": ref.lr, "known": ref.loss, "measured": loss}
        for ref, loss in found.references
    ]
    sizes = {"k": found.k, "d": found.d, "train_rows": found.train_rows}
    return {**sizes, "test_rows": found.test_rows, "entries": entries, "references": references}


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


def _row(entry: Evaluation) -> list[str]:
    best, trials = entry.tuning.best, entry.tuning.trials
    lost = str(sum(bool(trial.verdict) for trial in trials))
    if best is None:
        return [entry.algorithm, "–", "–", str(len(trials)), lost, *"–" * 5]
    delta = best.experiment.delta
    return [
        entry.algorithm,
        number(best.experiment.lr, 3),
        "" if delta is None else number(delta, 3),
        str(len(trials)),
        lost,
        f"{best.average_loss:.6f}",
        _percent(entry.train_error),
        f"{entry.test_loss:.6f}",
        _percent(entry.test_error),
        _percent(entry.last_error),
    ]


def _percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:.2f} %"
