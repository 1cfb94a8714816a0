"""A ledger of optimizers' memory as tables to read and as JSON data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict

from oco.memory.ledger import Ledger
from oco.results.formats import number, size
from oco.results.layout import Sheet

__all__ = ["document", "tables"]

# Shapes listed, those first that cost Shampoo most.
LISTED = 12


def document(counted: Ledger, left_out: Iterable[tuple[str, int]]) -> dict:
    """Return the ledger, with every shape, as JSON data.

    Parameters
    ----------
    counted : Ledger
    left_out : iterable of (str, int)
        Why tensors of a file were not counted, and how many.
    """
    return {
        "numbers": counted.numbers,
        "number_bytes": counted.number_bytes,
        "max_axis": counted.max_axis,
        "parameters": [asdict(parameter) for parameter in counted.parameters],
        "left_out": dict(left_out),
        "optimizers": [
            {
                "optimizer": entry.optimizer,
                "k": entry.k,
                **asdict(entry.state),
                "total": entry.state.total,
                "second_moment_of_each": [state.second_moment for state in entry.states],
            }
            for entry in counted.entries
        ],
    }


def tables(counted: Ledger) -> tuple:
    """Return title, totals and what each shape takes, for a rich console to print."""
    tensors = len(counted.parameters)
    parts = [
        f"{tensors:,} tensor{'s' * (tensors > 1)}, {counted.numbers:,} parameters, "
        f"{counted.number_bytes} bytes a number",
        "",
        _totals(counted),
        "second moment: statistics of the squared gradients.  roots: computed from them and kept.  "
        "grafting: the diagonal of an RMSProp graft, of which the default has none",
    ]
    if tensors > 1:
        shapes, others = _by_shape(counted)
        parts += ["", "second moment by shape", shapes]
        parts += [f"and {others:,} more shapes"] if others else []
    return tuple(parts)


def _totals(counted: Ledger) -> Sheet:
    adam, shampoo = (counted[name].state.second_moment for name in ("adam", "shampoo"))
    table = Sheet(
        "optimizer", "second moment", "× Adam", "of Shampoo", "roots", "grafting", "momentum", "all"
    )
    for entry in counted.entries:
        state = entry.state
        besides = (state.roots, state.grafting, state.first_moment)
        table.add(
            entry.label,
            size(state.second_moment),
            number(state.second_moment / adam, 3),
            f"{number(100 * state.second_moment / shampoo, 3)} %",
            *(size(part) if part else "–" for part in besides),
            size(state.total),
        )
    return table


def _by_shape(counted: Ledger) -> tuple[Sheet, int]:
    """Return the table of the distinct shapes, and how many it leaves out."""
    shapes = [parameter.shape for parameter in counted.parameters]
    counts = Counter(shapes)
    cost = {
        shape: state.second_moment * counts[shape]
        for shape, state in zip(shapes, counted["shampoo"].states, strict=True)
    }
    listed = sorted(counts, key=lambda shape: -cost[shape])[:LISTED]
    table = Sheet("shape", "tensors", *(entry.label for entry in counted.entries))
    for shape in listed:
        first = shapes.index(shape)
        table.add(
            "×".join(map(str, shape)) or "1",
            f"{counts[shape]:,}",
            *(size(e.states[first].second_moment * counts[shape]) for e in counted.entries),
        )
    return table, len(counts) - len(listed)
