"""``oco rank``: the sketch size that given gradients need."""

from __future__ import annotations

import click

from oco.cli import output
from oco.cli.completion import FILE
from oco.cli.options import OUTPUT, Sectioned, option
from oco.cli.progress import bar, working
from oco.options import WHAT

__all__ = ["rank"]

# Rows of the table: sizes spaced evenly in the logarithm, and the recommended one.
LISTED = 12
# Sketch size that answers for itself and all below, unless told.
LARGEST = 128


@click.command(cls=Sectioned, short_help="Say which sketch size gradients need.")
@click.argument("gradients", metavar="GRADIENTS.npy", type=FILE)
@option(
    WHAT,
    "--target",
    kind=float,
    default=1.1,
    help="Largest acceptable ratio of S-AdaGrad's regret bound to full-matrix AdaGrad's, above 1.",
)
@option(
    WHAT,
    "--k-max",
    kind=int,
    show_default=f"{LARGEST}, or d+1 if less",
    help="Size of the one sketch that is made: it answers for all sizes up to its own.",
)
@option(
    WHAT,
    "--dask",
    unit="ADDRESS",
    help="Sketch on the workers of the Dask scheduler at this address; they must see the file.",
)
@option(OUTPUT, "--plot", unit="FILE", help="Draw the answer: a .png, .pdf or .svg file.")
@option(OUTPUT, "--json", "as_json", is_flag=True, help="Print one JSON object, with every k.")
@click.pass_context
def rank(context, gradients, target, k_max, dask, plot, as_json) -> None:
    """Say which sketch size S-AdaGrad needs on gradients like those in a file.

    The file is an array of shape (T, d), one gradient a row; it may be larger than memory, for one
    pass in O(d·K) memory is made over it, and compressed, or a pipe (- is standard input).  What is
    printed is proven from that one sketch, as brackets.  The exit code is 1 if no
    size up to K is proven to meet the target.
    """
    with output.bad_input():
        from oco import checks, ranks

        checks.number("target", target, above=1)
        file = ranks.GradientFile(gradients)
        k_max = min(LARGEST, file.d + 1) if k_max is None else k_max
        checks.integer("k_max", k_max, low=2, high=file.d + 1)
        figure = None if plot is None else output.require_figure(plot)
        with bar("rows", file.rows) as advance:
            if dask is None:
                sketch = ranks.sketch_file(file, k_max, advance)
            else:
                sketch = ranks.sketch_on_cluster(file, k_max, dask)
        advice = ranks.advise(sketch, target)
    if as_json:
        _print_json(advice)
    else:
        _print(advice, gradients)
    if figure is not None:
        from oco import plots

        with working("drawing"):
            plots.save(plots.advice(advice), figure)
    if advice.recommended is None:
        context.exit(output.FAILED)


def _print_json(advice) -> None:
    from dataclasses import asdict

    best = advice.recommended
    content = {**asdict(advice), "recommended": None if best is None else best.k}
    sizes = {"full_bytes": advice.full_bytes, "adam_bytes": advice.adam_bytes}
    output.print_document({**content, **sizes})


def _print(advice, path: str) -> None:
    from oco.results.formats import number, size

    output.print_rich(
        f"{path}: {advice.rows:,} gradients, d = {advice.d:,}; one sketch of size {advice.size}, "
        f"from which {number(advice.escaped_mass, 4)} of the mass {number(advice.total_mass, 4)} "
        "escaped",
        "",
        _table(advice),
        "ratio: S-AdaGrad's bound over full-matrix AdaGrad's.  A full matrix: "
        f"{size(advice.full_bytes)}; Adam's two moments: {size(advice.adam_bytes)}",
    )
    best = advice.recommended
    if best is not None:
        output.say(
            f"recommended: k = {best.k}, the smallest proven to keep the bound within "
            f"{advice.target:g} of full-matrix AdaGrad's (at most {best.ratio_hi:.4g})"
        )
    elif advice.hopeless:
        output.loud(
            f"no k up to {advice.size} meets the target {advice.target:g}: proven; "
            "a larger --k-max may"
        )
    else:
        output.loud(
            f"no k up to {advice.size} is proven to meet the target {advice.target:g}, nor that "
            "none does: try a larger --k-max"
        )


def _table(advice):
    import numpy as np

    from oco.results.formats import number, size
    from oco.results.layout import Column, Sheet

    most = Column("at most", joined=True)
    table = Sheet(
        Column("k"), "captured mass", "Ω_k at least", most, "ratio at least", most,
        "memory", "× Adam", "of d²",
    )  # fmt: skip
    last = len(advice.choices) - 1
    listed = set(np.unique(np.geomspace(1, last + 1, LISTED).round().astype(int) - 1))
    best = advice.recommended
    for i, choice in enumerate(advice.choices):
        if i not in listed and choice is not best:
            continue
        table.add(
            str(choice.k),
            f"{100 * choice.captured_lo:.1f} – {100 * choice.captured_hi:.1f} %",
            number(choice.omega_lo, 4),
            number(choice.omega_hi, 4),
            number(choice.ratio_lo, 4),
            number(choice.ratio_hi, 4),
            size(choice.state_bytes),
            number(choice.state_bytes / advice.adam_bytes, 3),
            f"{100 * choice.state_bytes / advice.full_bytes:.3g} %",
            style="bold" if choice is best else "",
        )
    return table
