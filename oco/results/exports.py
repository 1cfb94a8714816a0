"""Tables for a spreadsheet (CSV) or an article (LaTeX): of several runs, or as they are printed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from oco.results.comparison import label, setting
from oco.results.formats import number
from oco.results.layout import Sheet
from oco.results.result import Result
from oco.results.summary import Bound
from oco.texts import shown

__all__ = ["as_csv", "as_latex", "sheets_as_csv", "sheets_as_latex", "sheets_of"]

VERDICTS = {True: "holds", False: "violated", None: "open"}
ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "×": r"$\times$",
    "÷": r"$\div$",
    "√": r"$\surd$",
    "−": "$-$",
    "η": r"$\eta$",
    "δ": r"$\delta$",
    "λ": r"$\lambda$",
    "ρ": r"$\rho$",
    "τ": r"$\tau$",
    "Ω": r"$\Omega$",
    "–": "--",
} | {character: "\\" + character for character in "&%$#_{}"}


def as_csv(results: Sequence[Result]) -> str:
    """Return a line for each run, with all digits of its numbers, below a line of names.

    For each bound there is its value, and in another column whether it holds, is open or violated;
    what a run does not have is empty.

    Examples
    --------
    >>> import oco
    >>> table = as_csv(oco.compare(["ogd", "adagrad"], d=5, T=10))
    >>> table.splitlines()[0][:32], len(table.splitlines())
    ('algorithm,k,lr,status,average_lo', 3)
    """
    names = _rungs(results)
    head = ["algorithm", "k", "lr", "status", "average_loss", "regret_lo", "regret_hi"]
    with_dynamic = any(result.summary.dynamic for result in results)
    head += ["dynamic_lo", "dynamic_hi"] if with_dynamic else []
    head += ["escaped_mass", "seconds_per_round", "state_bytes"]
    head += [column for name in names for column in (name, f"{name} verdict")]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(head)
    for result in results:
        summary, bounds = result.summary, _bounds(result)
        ends = (summary.regret.lo, summary.regret.hi) if summary.regret else (None, None)
        cells = [summary.algorithm, summary.k, summary.lr, summary.status, summary.average_loss]
        cells += ends
        if with_dynamic:
            best = summary.dynamic
            cells += [best.regret.lo, best.regret.hi] if best else [None, None]
        cells += [summary.escaped_mass, summary.seconds_per_round, summary.state_bytes]
        for name in names:
            bound = bounds.get(name)
            cells += [None, None] if bound is None else [bound.value, VERDICTS[bound.holds]]
        table.writerow(cells)
    return text.getvalue()


def as_latex(results: Sequence[Result]) -> str:
    r"""Return a tabular of the package booktabs: loss, regret, each bound and the tightest's ratio.

    A bound that is not certified to hold is marked so.

    Examples
    --------
    >>> import oco
    >>> print(as_latex(oco.compare(["ogd"], d=5, T=10)).splitlines()[1])
    \begin{tabular}{lrrrrrr}
    """
    names = _rungs(results)
    columns = ["learner", "η", "average loss", "regret", *names, "least bound × regret"]
    rows = []
    for result in results:
        summary, bounds = result.summary, _bounds(result)
        done = summary.status == "complete"
        regret = number(summary.regret.hi, 5) if summary.regret and done else summary.status
        cells = [label(summary), number(summary.lr, 3), number(summary.average_loss, 5), regret]
        cells += [_cell(bounds.get(name)) for name in names]
        held = [b.value for b in bounds.values() if b.holds is True and b.value is not None]
        most = summary.regret.hi if summary.regret is not None else 0.0
        cells.append(number(min(held) / most, 3) if held and most > 0 else "–")
        rows.append(cells)
    about = shown(setting(results[0])) if results else "nothing was compared"
    return f"% {about}\n{_tabular(columns, rows)}"


def sheets_of(parts: Iterable) -> list[Sheet]:
    """Return the tables among what a command prints."""
    return [part for part in parts if isinstance(part, Sheet)]


def sheets_as_csv(sheets: Iterable[Sheet]) -> str:
    """Return tables as they are printed, one below the other, an empty line between two.

    Examples
    --------
    >>> sheet = Sheet("learner", "regret")
    >>> sheet.add("ogd", "1,024.5")
    >>> sheets_as_csv([sheet]).splitlines()
    ['learner,regret', 'ogd,"1,024.5"']
    """
    texts = []
    for sheet in sheets:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([sheet.titles(), *sheet.texts()])
        texts.append(text.getvalue())
    return "\n".join(texts)


def sheets_as_latex(sheets: Iterable[Sheet]) -> str:
    r"""Return tables as they are printed, each a tabular of the package booktabs.

    Examples
    --------
    >>> sheet = Sheet("learner", "share")
    >>> sheet.add("ogd", "5 %")
    >>> print(sheets_as_latex([sheet]).splitlines()[4])
    ogd & 5 \% \\
    """
    return "\n".join(_tabular(sheet.titles(), sheet.texts()) for sheet in sheets)


def _tabular(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose first column is a key at the left."""
    head, *lines = (" & ".join(map(_escaped, cells)) + r" \\" for cells in (columns, *rows))
    begin = rf"\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}"
    end = [r"\bottomrule", r"\end{tabular}", ""]
    return "\n".join([begin, r"\toprule", head, r"\midrule", *lines, *end])


def _rungs(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(b.name for result in results for b in result.summary.bounds))


def _bounds(result: Result) -> dict[str, Bound]:
    return {bound.name: bound for bound in result.summary.bounds}


def _cell(bound: Bound | None) -> str:
    if bound is None:
        return ""
    value = number(bound.value, 5)
    return value if bound.holds is True else f"{value} ({VERDICTS[bound.holds]})"


def _escaped(text: str) -> str:
    return "".join(ESCAPES.get(character, character) for character in shown(text))
