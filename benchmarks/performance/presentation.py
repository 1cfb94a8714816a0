"""The tables, the figure and the README's part of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from rich.table import Table

from oco.linalg.engine import ENGINE
from oco.plots import drawing

from .rounds import LEARNERS

__all__ = ["Findings", "claims", "figure", "phases", "rounds", "write"]

Rounds = dict[tuple[int, int], dict[str, float]]
BEGIN, END = "<!-- performance -->", "<!-- /performance -->"
# What a run may take beside 2.5 kd numbers and the stream's chunk.
ALLOWED = 100e6


@dataclass(frozen=True)
class Findings:
    """All that was measured.

    Attributes
    ----------
    rounds : dict
        Median seconds of a round by (d, k) and name.
    uncompiled : float
        How many times a round of S-AdaGrad without numba goes into a decomposition, at d = 1000 and
        k = 20.
    full_adagrad : float
        How many times a round of full-matrix AdaGrad goes into `eigh`, at d = 1000 on the ball,
        once the rank has grown.
    headline : tuple of float
        Seconds of the headline command and of the textbook's loop.
    phases : list of (str, float)
        Where the headline's seconds go.
    k_ratio, power_of_t : float
    power_of_d : float or None
        At k = 20; None where large d were left out.
    memory : dict
        By (d, k, T).
    """

    rounds: Rounds
    uncompiled: float
    full_adagrad: float
    headline: tuple[float, float]
    phases: list[tuple[str, float]]
    k_ratio: float
    power_of_t: float
    power_of_d: float | None
    memory: dict[tuple[int, int, int], dict[str, float]]


def rounds(found: Rounds) -> Table:
    """Return the microseconds of a round of each learner, and the ratios."""
    table = Table(
        "d",
        "k",
        *LEARNERS,
        "svd ÷",
        "buffered ÷",
        "÷ reading 4kd",
        title=f"µs a round on the unit ball, engine {ENGINE}, one thread; "
        "svd ÷, buffered ÷: how many rounds of s-adagrad go into one of theirs",
    )
    for (d, k), times in found.items():
        own = times["s-adagrad"]
        table.add_row(
            f"{d:,}",
            str(k),
            *(f"{1e6 * times[name]:.1f}" if name in times else "–" for name in LEARNERS),
            f"{times['svd'] / own:.1f}",
            f"{times['buffered'] / own:.2f}",
            f"{own / times['reading']:.2f}",
        )
    return table


def phases(found: list[tuple[str, float]]) -> Table:
    """Return where the headline's time goes."""
    total = sum(seconds for _, seconds in found)
    table = Table("phase", "share", title="the headline command, compiled before")
    for name, seconds in found:
        table.add_row(name, f"{seconds / total:.0%}")
    return table


def _lines(found: Findings) -> Iterator[tuple[str, str]]:
    """Yield each claim and what was measured."""
    for (d, k), times in found.rounds.items():
        if (d, k) in ((124, 10), (1000, 20), (1000, 100)):
            yield (
                f"SVD a round ÷ s-adagrad a round, d = {d:,}, k = {k}",
                f"{times['svd'] / times['s-adagrad']:.1f}",
            )
    yield (
        "SVD a round ÷ s-adagrad a round without numba, d = 1,000, k = 20",
        f"{found.uncompiled:.1f}",
    )
    for (d, k), times in found.rounds.items():
        if d == 100_000 and k == 20:
            yield (
                f"s-adagrad a round ÷ reading 4kd numbers, d = {d:,}, k = {k}",
                f"{times['s-adagrad'] / times['reading']:.2f}",
            )
    yield "eigh a round ÷ full-adagrad a round, d = 1,000", f"{found.full_adagrad:.0f}"
    command, loop = found.headline
    yield "headline command ÷ a process with the SVD loop alone", f"{command / loop:.2f}"
    yield "s-adagrad at k = 80 ÷ at k = 20, d = 10,000", f"{found.k_ratio:.1f}"
    if found.power_of_d is not None:
        yield "cost's power of d, 10,000 to 100,000, k = 20", f"{found.power_of_d:.2f}"
    yield "cost's power of T", f"{found.power_of_t:.3f}"
    for (d, k, T), run in found.memory.items():
        above = run["grown"] - run["chunk"]
        allowed = 2.5 * k * d * 8 + ALLOWED
        yield (
            f"peak memory of a run beside a chunk ÷ (2.5 kd numbers + 100 MB), d = {d:,}, T = {T}",
            f"{above / allowed:.2f}",
        )


def claims(found: Findings) -> Table:
    """Return the ratios that the README states."""
    table = Table("what", "measured", title=f"engine {ENGINE}")
    for line in _lines(found):
        table.add_row(*line)
    return table


def write(readme: Path, found: Findings) -> None:
    """Replace what stands between the README's two marks."""
    rows = ["| measured in one run | |", "| --- | --- |"]
    rows += [f"| {what} | {measured} |" for what, measured in _lines(found)]
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    readme.write_text(f"{before}{BEGIN}\n{chr(10).join(rows)}\n{END}{after}", encoding="utf-8")


def figure(found: Rounds) -> Figure:
    """Draw the cost of a round over d, and how many times it goes into the baselines' over k."""
    drawn, (costs, ratios) = drawing.canvas(2, height=4.6)
    names = [*LEARNERS, "svd", "buffered"]
    for name in names:
        points = [
            (d, 1e6 * times[name])
            for (d, k), times in found.items()
            if (k, name in times) == (20, True)
        ]
        costs.plot(*zip(*points, strict=True), label=name, **drawing.style(name, names))
    drawing.clean(
        costs, xscale="log", yscale="log", xlabel="dimension d", ylabel="µs a round (k = 20)"
    )
    dimensions = sorted({d for d, k in found if k == 20})
    for i, d in enumerate(dimensions):
        points = [
            (k, times["svd"] / times["s-adagrad"]) for (e, k), times in found.items() if e == d
        ]
        look = {"marker": "os^D"[i % 4], "color": str(0.75 * i / len(dimensions))}
        ratios.plot(*zip(*points, strict=True), label=f"d = {d:,}", **look)
    drawing.clean(
        ratios, xlabel="sketch size k", ylabel="SVD a round ÷ s-adagrad a round", yscale="log"
    )
    for axes in (costs, ratios):
        drawing.legend(axes)
    drawing.caption(
        drawn,
        "Left: a round on the unit ball with a full sketch, one thread; svd and buffered only "
        "sketch. Right: below 1, the update would not beat a decomposition a round; a fall "
        "towards large d is where memory, not arithmetic, sets the pace.",
    )
    return drawn
