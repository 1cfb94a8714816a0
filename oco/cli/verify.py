"""``oco verify``: the properties on this machine, on drawn streams or on the user's gradients."""

from __future__ import annotations

import itertools
import shlex
from pathlib import Path

import click

from oco.cli import output
from oco.cli.completion import Named
from oco.cli.options import JSON, OUTPUT, Sectioned, option
from oco.cli.progress import bar
from oco.cli.tables import export, table_files, table_options
from oco.options import DEFAULT_SKETCH, WHAT

__all__ = ["verify"]

# What takes a minute on one core.
CASES = 300
# \b keeps the line breaks.
EXAMPLES = """\b
Examples:
  oco verify
  oco verify --cases 5000 --seed 1 --d-max 100
  oco verify --grads gradients.npy --k 20
  oco verify --sketch my_module:MySketch
  oco verify --replay counterexample-P3-escaped.npz
"""


@click.command(
    cls=Sectioned, epilog=EXAMPLES, short_help="Check on this machine all that is promised."
)
@option(WHAT, "--cases", kind=int, default=CASES, help="How many streams to draw, at least 1.")
@option(WHAT, "--seed", kind=int, default=0, help="Of all that is drawn, at least 0.")
@option(WHAT, "--d-max", kind=int, default=40, help="Largest length of the rows, 1 to 2000.")
@option(
    WHAT,
    "--k",
    kind=int,
    show_default=f"drawn from 2 to d+1; with --grads {DEFAULT_SKETCH}, or d+1 if less",
    help="Sketch size.",
)
@option(
    WHAT,
    "--grads",
    unit="FILE",
    help="Look at these gradients instead: a .npy file, one row a round, compressed or not, or "
    "a pipe.",
)
@option(
    WHAT,
    "--check",
    "only",
    kind=Named("oco.verification:PROPERTIES"),
    unit="NAME",
    multiple=True,
    show_default="all",
    help="Look at this property only, by its name in the table (and at what is seen with it); "
    "may be repeated.",
)
@option(
    WHAT,
    "--sketch",
    unit="MODULE:CLASS",
    help="Verify this sketch instead of FrequentDirections: called with (d, k, decay); has "
    "append(row), eigenvalues, directions, escaped_mass.",
)
@option(WHAT, "--replay", unit="FILE", help="Look at a saved counterexample again.")
@option(
    OUTPUT,
    "--out",
    unit="DIR",
    default=".",
    show_default="this directory",
    help="Where a counterexample is saved.",
)
@table_options
@JSON
@click.pass_context
def verify(
    context, /, cases, seed, d_max, k, grads, only, sketch, out, replay, csv, latex, as_json
) -> None:
    """Verify the error bounds of the sketch, and all that is built on them.

    Streams made to break a sketch are drawn, and every property is held against exact dense
    computation on each.  The exit code is 0; 1 if a property is violated, and then a minimal
    counterexample is saved; 2 for bad input; 130 after Ctrl-C.
    """
    with output.bad_input():
        subject = _subject(sketch)
        if replay is not None:
            if csv is not None or latex is not None:
                raise ValueError("replay: makes no table for --csv or --latex")
            _replayed(replay, subject, as_json)
            return
        files = table_files(csv=csv, latex=latex)
        drawn, count, names = _cases(cases, seed, d_max, k, grads, only)
    from oco import verification
    from oco.verification import presentation

    with bar("verifying", count * len(names)) as advance:
        done = itertools.count(1)
        step = advance and (lambda case, check: advance(next(done), f"{check}: {case.name}"))
        result = verification.verify(drawn, subject, only=names, progress=step)
    saved = [_saved(example, out, sketch) for example in result.counterexamples]
    parts = presentation.table(result)
    if as_json:
        output.print_document({**presentation.document(result), "counterexamples": saved})
    else:
        output.print_rich(*parts)
    for found in saved:
        _complain(found)
    problems = export(parts, files)
    output.errors(problems)
    if problems or not result.holds:
        context.exit(output.FAILED)
    if result.interrupted:
        output.say("INTERRUPTED: what was seen until then holds", err=True)
        context.exit(output.INTERRUPTED)


def _subject(sketch: str | None):
    from oco.verification import Subject

    if sketch is None:
        return Subject()
    from oco.experiment.lookup import resolve
    from oco.sketch import FrequentDirections

    found = resolve("sketch", sketch, {"FrequentDirections": FrequentDirections})
    made = found(3, 2, 1.0)
    for name in ("append", "eigenvalues", "directions", "escaped_mass"):
        if not hasattr(made, name):
            raise ValueError(f"sketch: {type(made).__name__} has no {name!r}")
    return Subject(sketch=found)


def _cases(cases, seed, d_max, k, grads, only):
    """Return the cases, how many they are, and the checks to make; everything is validated."""
    from oco import checks
    from oco.options import default_sketch
    from oco.verification import Case, checks_for, draw, load_rows

    names = checks_for(only or None)
    if grads is None:
        return draw(cases, seed, d_max, k), cases, names
    rows = load_rows(grads)
    d = rows.shape[1]
    size = default_sketch(d) if k is None else checks.integer("k", k, low=2, high=d + 1)
    seed = checks.integer("seed", seed, low=0)
    return [Case(rows, size, seed=seed, name=Path(grads).name)], 1, names


def _replayed(path: str, subject, as_json: bool) -> None:
    from oco.verification import replay

    case, name, seen = replay(path, subject)
    if as_json:
        facts = {"property": name, "violated": seen is not None, "case": repr(case)}
        output.print_document(facts | ({"where": seen.where} if seen else {}))
    elif seen is None:
        output.say(f"{name} holds on {case}")
    else:
        output.say(f"rows:\n{case.rows!r}\nk = {case.k}, decay = {case.decay}, seed = {case.seed}")
        output.say(f"at {seen.where}: {seen.value} <= {seen.limit} claimed")
    if seen is not None:
        output.loud(f"VIOLATED: {name}")
        click.get_current_context().exit(output.FAILED)


def _saved(example, out: str, sketch: str | None) -> dict:
    """Save a counterexample; return what to say about it."""
    facts = {
        "property": example.property,
        "case": repr(example.case),
        "from": example.original,
        "where": example.seen.where,
    }
    try:
        path = example.save(out)
    except (OSError, ValueError) as error:
        return facts | {"error": output.one_line(error)}
    command = ["oco", "verify", "--replay", str(path)]
    command += ["--sketch", sketch] if sketch else []
    return facts | {"path": str(path), "replay": shlex.join(command)}


def _complain(found: dict) -> None:
    lines = [f"VIOLATED: {found['property']}, at {found['where']} of {found['case']}"]
    if "error" in found:
        lines.append(f"  the counterexample cannot be saved: {found['error']}")
    else:
        lines.append(f"  counterexample: {found['path']}")
        lines.append(f"  replay it with: {found['replay']}")
    output.loud("\n".join(lines))
