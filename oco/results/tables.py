"""A run's summary as tables to read."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from oco.results import layout
from oco.results.experiment import Experiment
from oco.results.formats import duration, number, size
from oco.results.layout import Column, Sheet, line, plain, words
from oco.results.summary import Bound, DynamicRegret, Summary
from oco.texts import shown

__all__ = ["dimension", "domain", "html", "note", "report", "text"]

VERDICTS = {True: ("holds", "green"), False: ("VIOLATED", "bold red"), None: ("open", "yellow")}
# Width of a notebook's or a log's text, where no terminal says otherwise.
TEXT_WIDTH = 100
# Switches of a sequence that are listed.
LISTED = 8


def report(experiment: Experiment, summary: Summary) -> Group:
    """Return what there is to say about a run, for a rich console to print.

    Parameters
    ----------
    experiment : Experiment
        What was run.
    summary : Summary
        What it came to.

    Returns
    -------
    rich.console.Group
    """
    parts: list[RenderableType] = [
        _title(experiment, summary),
        Padding(_quantities(summary), (1, 0, 0, 2)),
    ]
    if summary.status != "complete":
        parts.insert(1, line(f"{summary.status.upper()}: {summary.message}", "bold red"))
    if summary.bounds:
        parts.append(Padding(_ladder(summary), (1, 0, 1, 1)))
        parts.append(Padding(_formulas(summary), (0, 0, 1, 2)))
        meaning = _meaning(summary)
        said = filter(None, (meaning, _checking(summary)))
        parts += [Padding(line(sentences), (0, 0, 1, 2)) for sentences in said]
    if summary.notes:
        above = 0 if summary.bounds else 1
        parts.append(Padding(Group(*map(note, summary.notes)), (above, 0, 0, 2)))
    return Group(*parts)


def text(experiment: Experiment, summary: Summary, width: int = TEXT_WIDTH) -> str:
    """Return the report as plain text of at most `width` characters a line."""
    return plain(report(experiment, summary), width=width)


def html(experiment: Experiment, summary: Summary) -> str:
    """Return the report as a piece of HTML."""
    return layout.html(report(experiment, summary), width=TEXT_WIDTH)


def _title(experiment: Experiment, summary: Summary) -> Text:
    title = line(summary.algorithm, "bold")
    where = experiment.data or f"the {summary.stream} stream"
    title.append(shown(f" on {where}, {summary.loss} loss, {domain(experiment)}"), "not bold")
    sizes = {"k": summary.k, "T": summary.T, "seed": summary.seed}
    numbers = [f"{name} = {value:,}" for name, value in sizes.items() if value is not None]
    numbers.insert(0, dimension(summary))
    if summary.lr is not None:
        numbers.append(f"η = {number(summary.lr)}")
    title.append("\n" + ", ".join(numbers), "not bold dim")
    return title


def dimension(summary: Summary) -> str:
    """Return the size of x in words.

    Examples
    --------
    >>> import oco
    >>> dimension(oco.run("ogd", shape=(30, 40), T=10).summary)
    'd = 30×40 = 1,200'
    """
    sides = "" if summary.shape is None else "×".join(map(str, summary.shape)) + " = "
    return f"d = {sides}{summary.d:,}"


def domain(experiment: Experiment) -> str:
    """Return the domain in words."""
    if experiment.domain == "ball":
        return f"ball of radius {experiment.radius:g}"
    if experiment.domain == "box":
        sides = (experiment.lower, experiment.upper)
        return "box from {} to {}".format(
            *(
                f"{side:g}" if isinstance(side, float) else f"<{len(side)} numbers>"
                for side in sides
            )
        )
    if experiment.domain in ("l1-ball", "operator-ball"):
        return f"{experiment.domain} of radius {experiment.radius:g}"
    return experiment.domain


def _quantities(summary: Summary) -> Sheet:
    table = Sheet("", "", words(), headed=False)
    if summary.rounds < summary.T:
        table.add("rounds played", f"{summary.rounds:,}", f"of {summary.T:,}")
    if summary.average_loss is not None:
        table.add("total loss", number(summary.total_loss), f"{summary.average_loss:.9g} a round")
    if summary.unmoved_loss is not None:
        table.add(
            "never moving", number(summary.unmoved_loss), _unmoved(summary, summary.unmoved_loss)
        )
    _add_regret(table, summary)
    if summary.axes:
        _add_axes(table, summary)
    elif summary.escaped_mass is not None:
        table.add("escaped mass ρ", number(summary.escaped_mass), _omega(summary))
    if summary.full_adagrad_bound is not None:
        table.add(
            "√2·D·tr G_T^½",
            number(summary.full_adagrad_bound),
            "what full-matrix AdaGrad promises on these gradients",
        )
    elif summary.full_adagrad_range is not None:
        found = summary.full_adagrad_range
        table.add(
            "√2·D·tr G_T^½",
            f"{number(found.lo)} to {number(found.hi)}",
            "between which lies what full-matrix AdaGrad promises on these gradients",
        )
    if summary.seconds_per_round is not None:
        table.add(
            "time", duration(summary.seconds), f"{duration(summary.seconds_per_round)} a round"
        )
    if summary.state_bytes is not None:
        full = 8 * summary.d**2
        table.add("learner's memory", size(summary.state_bytes), f"a full matrix: {size(full)}")
    return table


def _add_regret(table: Sheet, summary: Summary) -> None:
    best, regret = summary.comparator, summary.regret
    if best is None or regret is None:
        return
    table.add(
        "best fixed point",
        number(best.loss),
        f"no other is better by more than {number(best.gap)} ({best.method})",
    )
    table.add(
        "regret",
        number(regret.lo),
        f"to {number(regret.hi)}, certified; {regret.hi / summary.rounds:.4g} a round",
    )
    if summary.dynamic is not None:
        _add_dynamic(table, summary.dynamic)


def _add_dynamic(table: Sheet, dynamic: DynamicRegret) -> None:
    shown = ", ".join(f"{t:,}" for t in dynamic.times[:LISTED])
    shown += ", …" if len(dynamic.times) > LISTED else ""
    changes = f"; the best found changes after {shown}" if dynamic.times else ""
    table.add(
        f"against {dynamic.switches} switch{'es' * (dynamic.switches > 1)}",
        number(dynamic.regret.lo),
        f"to {number(dynamic.regret.hi)}, certified, for sequences that change so often at most"
        + changes,
    )


def _unmoved(summary: Summary, loss: float) -> str:
    """Return in words what the learner gained by moving from x_1."""
    gained = loss - summary.total_loss
    word = "less" if gained < 0 else "more"
    return f"what x_1 costs in every round: {number(abs(gained))} {word} than the learner"


def _add_axes(table: Sheet, summary: Summary) -> None:
    sides = ("left", "right") if len(summary.axes) > 1 else ("one",)
    for axis, side in zip(summary.axes, sides, strict=False):
        if axis.k is None:
            table.add(f"{side} factor", "exact", f"{axis.dim} × {axis.dim}")
        else:
            limit = "" if axis.omega is None else f"at most Ω_{axis.k} = {number(axis.omega)}"
            table.add(f"escaped mass, {side}", number(axis.escaped_mass), limit)


def _omega(summary: Summary) -> str:
    if summary.omega is not None:
        return f"at most Ω_{summary.k} = {number(summary.omega)}"
    if summary.omega_range is not None:
        lo, hi = summary.omega_range.lo, summary.omega_range.hi
        return f"at most Ω_{summary.k}, which lies between {number(lo)} and {number(hi)}"
    return ""


def _ladder(summary: Summary) -> Sheet:
    table = Sheet("bound", Column(left=True), "value", "margin", "× regret")
    for bound in summary.bounds:
        word, style = VERDICTS[bound.holds]
        table.add(
            bound.name,
            Text(word, style),
            _value(bound),
            number(bound.margin, digits=5),
            _multiple(bound, summary),
        )
    return table


def _value(bound: Bound) -> str:
    if bound.least is None:
        return number(bound.value, digits=5)
    return f"{number(bound.least, digits=5)} to {number(bound.value, digits=5)}"


def _formulas(summary: Summary) -> Sheet:
    table = Sheet("", words(), headed=False)
    for bound in summary.bounds:
        table.add(bound.name, bound.formula, style="dim")
    return table


def _meaning(summary: Summary) -> str:
    """Return in words what the bounds' size means, held against the regret of never moving."""
    values = [bound.value for bound in summary.bounds if bound.value is not None]
    unmoved = summary.unmoved_regret
    if unmoved is None or not values:
        return ""
    if min(values) < unmoved.lo:
        return (
            f"Never moving has a regret of {number(unmoved.lo, 4)}. The least bound, "
            f"{number(min(values), 4)}, is below that: by itself it proves that the learner learns "
            "here."
        )
    if min(values) < unmoved.hi:
        return (
            f"Never moving has a regret between {number(unmoved.lo, 4)} and "
            f"{number(unmoved.hi, 4)}, too close to the least bound, {number(min(values), 4)}, to "
            "tell which is less."
        )
    return (
        "A bound covers the worst losses with these gradients. On the losses here never moving has "
        f"a regret of {number(unmoved.hi, 4)}, less than any bound: they say how fast the regret "
        "can grow, not that the learner learns."
    )


def _checking(summary: Summary) -> str:
    """Return in words at which checkpoints the bounds were checked, and against what."""
    if not summary.checked or summary.violated:
        return ""
    if summary.checked == summary.checkpoints:
        return f"Checked against every point of K at all {summary.checkpoints} checkpoints."
    return (
        f"Checked against every point of K after round {summary.rounds:,}. At the "
        f"{summary.checkpoints - 1} checkpoints before against the best fixed point of all rounds "
        'alone, which violates nothing there, so they are "open (not checked)"; --prefix-regret '
        "checks them."
    )


def note(text: str) -> Text:
    """Return what a reader should know about the numbers, to print below them."""
    return line(f"· {text}")


def _multiple(bound: Bound, summary: Summary) -> str:
    if bound.value is None or summary.regret is None or summary.regret.hi <= 0:
        return "–"
    return f"{bound.value / summary.regret.hi:.3g}"
