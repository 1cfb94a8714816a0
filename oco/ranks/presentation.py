"""An advice on sketch sizes as a table to read and as JSON data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np

from oco.memory import ledger
from oco.ranks.advice import Advice
from oco.ranks.layers import AxisAdvice, LayerAdvice
from oco.results.formats import number, size
from oco.results.layout import Column, Sheet

__all__ = ["conclusion", "document", "layers", "layers_conclusion", "layers_document", "tables"]

# Optimizers whose memory is compared, and what they are called there.
BESIDE = {"s-shampoo": "S-Shampoo", "adam": "Adam", "soap": "SOAP", "shampoo": "Shampoo"}
# Rows of the table: sizes spaced evenly in the logarithm, and the recommended one.
LISTED = 12


def document(advice: Advice) -> dict:
    """Return the advice, with every sketch size, as JSON data."""
    best = advice.recommended
    sizes = {"full_bytes": advice.full_bytes, "adam_bytes": advice.adam_bytes}
    return {**asdict(advice), "recommended": None if best is None else best.k, **sizes}


def tables(advice: Advice, source: str) -> tuple:
    """Return a title that names the source, the table and its legend, for a console to print."""
    return (
        f"{source}: {advice.rows:,} gradients, d = {advice.d:,}; one sketch of size {advice.size}, "
        f"from which {number(advice.escaped_mass, 4)} of the mass {number(advice.total_mass, 4)} "
        "escaped",
        "",
        _choices(advice),
        "ratio: S-AdaGrad's bound over full-matrix AdaGrad's.  A full matrix: "
        f"{size(advice.full_bytes)}; Adam's two moments: {size(advice.adam_bytes)}",
    )


def conclusion(advice: Advice) -> str:
    """Return in a sentence which sketch size is recommended, or why none is."""
    best, target = advice.recommended, f"the target {advice.target:g}"
    if advice.error is not None:
        target = f"the error {advice.error:g}"
    if best is not None and advice.error is not None:
        return (
            f"recommended: k = {best.k}, the smallest whose best k − 1 directions are proven to "
            f"miss at most {100 * advice.error:g} % of the mass ({100 * best.missed_hi:.4g} %)"
        )
    if best is not None:
        return (
            f"recommended: k = {best.k}, the smallest proven to keep the bound within "
            f"{advice.target:g} of full-matrix AdaGrad's (at most {best.ratio_hi:.4g})"
        )
    if advice.hopeless:
        return f"no k up to {advice.size} meets {target}: proven; a larger --k-max may"
    return (
        f"no k up to {advice.size} is proven to meet {target}, nor that none does: try a larger "
        "--k-max"
    )


def _choices(advice: Advice) -> Sheet:
    most = Column("at most", joined=True)
    table = Sheet(
        Column("k"), "captured mass", "Ω_k at least", most, "ratio at least", most,
        "memory", "× Adam", "of d²",
    )  # fmt: skip
    count = len(advice.choices)
    listed = set(np.unique(np.geomspace(1, count, LISTED).round().astype(int) - 1))
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


def layers(advice: LayerAdvice) -> tuple:
    """Return the tables of what each axis of each layer needs, and of the memory it takes."""
    axes = Sheet(
        "layer", Column("axis"), "length", "k", "mass proven", "intrinsic dimension",
        Column("at most", joined=True), "Ω_k at least", Column("at most", joined=True),
    )  # fmt: skip
    for one in advice.axes:
        axes.add(
            one.layer,
            _side(one),
            f"{one.dim:,}",
            f"> {advice.size}" if one.k is None else str(one.k),
            f"{100 * one.captured:.1f} %",
            number(one.dimension_lo, 3),
            number(one.dimension_hi, 3),
            number(one.omega_lo, 3),
            number(one.omega_hi, 3),
        )
    memory = Sheet("layer", "shape", *BESIDE.values())
    states = _states(advice)
    for layer, shape in advice.shapes.items():
        memory.add(layer, "×".join(map(str, shape)), *map(size, states[layer].values()))
    if len(states) > 1:
        memory.add("together", "", *(size(sum(column)) for column in _columns(states)))
    return (
        f"the smallest k proven to hold {100 * advice.target:g} % of each covariance's mass, from "
        f"sketches of size {advice.size}",
        "",
        axes,
        "",
        "state of 4-byte numbers, momentum included; S-Shampoo at the larger k of the layer",
        "",
        memory,
    )


def layers_document(advice: LayerAdvice) -> dict:
    """Return the advice for layers, with the memory it takes, as JSON data."""
    return {**asdict(advice), "state_bytes": _states(advice)}


def layers_conclusion(advice: LayerAdvice) -> str:
    """Return in a sentence whether each axis has a size that is proven to be enough."""
    short = [f"{one.layer}, axis {_side(one)}" for one in advice.axes if one.k is None]
    share = f"{100 * advice.target:g} % of the mass"
    if not short:
        return f"every axis has a k that is proven to hold {share}"
    more = f" and {len(short) - LISTED} more" if len(short) > LISTED else ""
    return (
        f"no k up to {advice.size} is proven to hold {share} on {'; '.join(short[:LISTED])}{more}: "
        "a larger --k-max may"
    )


def _side(one: AxisAdvice) -> str:
    """Return the name of an axis: of a matrix L for the rows, R for the columns."""
    return "LR"[one.axis] if len(one.shape) == 2 else str(one.axis)


def _states(advice: LayerAdvice) -> dict[str, dict[str, int]]:
    """Return for each layer the bytes that optimizers would keep for it."""
    found = {}
    for layer, shape in advice.shapes.items():
        k = max(size for size in advice.sizes[layer] if size is not None)
        entries = {entry.optimizer: entry for entry in ledger([shape], k=[k]).entries}
        found[layer] = {name: entries[name].state.total for name in BESIDE}
    return found


def _columns(states: dict[str, dict[str, int]]) -> Iterator[tuple[int, ...]]:
    return zip(*(state.values() for state in states.values()), strict=True)
