"""Parameters that are stepped together: those of one shape, stacked, or one that is shared out.

The tensors in the states of stacked parameters are views of the stacked ones.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from oco.integrations.torch.factors import Factor, FactorState, make_factor
from oco.integrations.torch.sharding import Alone, Shards, is_spread, local, owners
from oco.integrations.torch.state import (
    AVERAGES,
    FACTORED,
    MOMENTA,
    average_type,
    needed,
    new_averages,
    new_state,
    statistics_type,
)
from oco.shampoo import layout_of

__all__ = ["Batch", "current", "places_of", "stacked"]

# Numbers that small parameters of one shape, stepped together, may have in all: two megabytes,
# which caches hold.  Beyond, the arithmetic takes longer than what stacking saves.
TOGETHER = 1 << 19


class Batch:
    """Parameters of one shape and type, all with the same averages, and their stacked state.

    Parameters
    ----------
    parameters : sequence of Tensor
    states : sequence of dict
        Their states; tensors in them are replaced by views where there are several.
    group : dict
        Their options.
    phases : sequence of int
        When the factors of each are refreshed: see `due`.
    places : sequence of int
        Of each among all parameters.
    owner : int
        Who works on a parameter that is cut into shards, which is alone in its batch.

    Attributes
    ----------
    layout : Layout
    factors : list of list of Factor
        Of each block.
    axes : list of int
        Of the layout: those that have factors.
    numbers : dict
        The state but for the factors, of shape (batch, ...); averages have the layout's shape, or
        that of this process's shard.
    factor_numbers : list of list of dict
        The state of each of the factors, of shape (batch, ...).
    shards : Alone or Shards
        How the parameter is cut.
    rows : Tensor or None
        The numbers of its rows in this shard, if it is cut by rows.
    """

    def __init__(
        self,
        parameters: Sequence[Tensor],
        states: Sequence[dict[str, Any]],
        group: dict[str, Any],
        phases: Sequence[int],
        places: Sequence[int],
        owner: int = 0,
    ) -> None:
        self.parameters, self.states, self._phases = list(parameters), list(states), list(phases)
        self.dtype = statistics_type(parameters[0].dtype)
        self.places = torch.tensor(places, device=parameters[0].device)
        self.layout = layout_of(parameters[0].shape, group)
        self.factors: list[list[Factor]] = [
            [make_factor(side) for side in sides] for sides in self.layout.sides
        ]
        self.axes = [side.axis for side in self.layout.sides[0]] if self.layout.sides else []
        first = parameters[0]
        self.shards: Alone = Alone()
        self.rows: Tensor | None = None
        if is_spread(first):
            self.shards = shards = Shards(first, view=self.layout.shape, owner=owner)
            self.rows = shards.rows()
        names = [name for name in states[0] if name != "factors"]
        self.numbers = {name: self._stacked(states, name) for name in names}
        for name in AVERAGES:
            if name in self.numbers and name != FACTORED and not is_spread(first):
                self.numbers[name] = self.numbers[name].view(len(states), *self.layout.shape)
        self.factor_numbers: list[list[FactorState]] = []
        self._cuts: list[list[dict[str, Shards]]] = []
        if self.layout.preconditioned:
            for b in range(len(self.factors)):
                own = [[s["factors"][str(b)][str(axis)] for s in states] for axis in self.axes]
                self.factor_numbers.append(
                    [{name: self._stacked(each, name) for name in each[0]} for each in own]
                )
                if is_spread(first):
                    self._cuts.append([self._cut(each[0], owner) for each in own])
        self._calls = (self.numbers["step"] + self.numbers["skipped"]).tolist()
        self._new = [False] * len(states)
        if self.layout.preconditioned:
            self._new = (self.numbers["absorbed"] == 0).tolist()
        self.step_average = self.numbers["step"]
        self._entries = [(each, tuple(each.values())) for each in _dictionaries(states)]

    def _stacked(self, states: Sequence[dict[str, Any]], name: str) -> Tensor:
        found = [self._tensor(state[name], name) for state in states]
        if len(found) == 1:
            states[0][name] = found[0]
            result = local(found[0])[None]
        else:
            result = torch.stack(found)
            for state, view in zip(states, result.unbind(), strict=True):
                state[name] = view
        return result

    def _cut(self, state: dict[str, Any], owner: int) -> dict[str, Shards]:
        shapes = {name: value.shape for name, value in state.items() if is_spread(value)}
        return {n: Shards(self.parameters[0], shape, owner=owner) for n, shape in shapes.items()}

    def _tensor(self, value: Any, name: str) -> Tensor:
        """Return an entry of a state as hooks may have left it: a number, or strided."""
        if isinstance(value, Tensor):
            return value if is_spread(value) else value.contiguous()
        kind = torch.int64 if name in ("step", "skipped") else torch.float64
        return torch.tensor(value, dtype=kind, device=self.parameters[0].device)

    def held(self) -> list[Tensor]:
        """Return what this process holds of the parameters."""
        if isinstance(self.shards, Shards):
            return [local(p) for p in self.parameters]
        return self.parameters

    def whole_factors(self) -> list[list[FactorState]]:
        """Return the state of all factors: where it is kept, or, of shards, gathered."""
        if not self._cuts:
            return self.factor_numbers
        return [
            [
                {n: cut[n].gathered(x) if n in cut else x.clone() for n, x in own.items()}
                for own, cut in zip(block, cuts, strict=True)
            ]
            for block, cuts in zip(self.factor_numbers, self._cuts, strict=True)
        ]

    def keep(self, whole: list[list[FactorState]], made: Tensor) -> None:
        """Take of what the owner has made of gathered factors this process's rows."""
        each = (itertools.chain(*blocks) for blocks in (self.factor_numbers, whole, self._cuts))
        for own, found, cut in zip(*each, strict=True):
            for name, kept in own.items():
                new = self.shards.sent(found[name])
                kept.copy_(torch.where(made, cut[name].part(new) if name in cut else new, kept))

    def holds(self, states: Sequence[dict[str, Any]]) -> bool:
        """Return whether these are still the states, and nothing in them has been replaced."""
        return all(map(operator.is_, self.states, states)) and all(
            len(each) == len(entries) and all(map(operator.is_, each.values(), entries))
            for each, entries in self._entries
        )

    def due(self, every: int, interval: int) -> list[int]:
        """Return whose turn it is in this step, where s steps have those of 0, r, 2r, ... < s.

        They are counted from a parameter's calls 1 + φ, 1 + φ + s, 1 + φ + 2s, ..., φ its phase;
        besides it has each one until the first has been of use.
        """
        return [
            i
            for i, (calls, phase) in enumerate(zip(self._calls, self._phases, strict=True))
            if self._new[i] or (calls - phase) % every % interval == 0
        ]

    def began(self, rows: Sequence[int], used: Tensor) -> None:
        """Note of which of the parameters that were due the refresh has been of use."""
        if any(self._new[i] for i in rows):
            for i, of_use in zip(rows, used.tolist(), strict=True):
                self._new[i] = self._new[i] and not of_use

    def before(self, start_step: int) -> list[bool]:
        """Return whose step comes before the first that is preconditioned."""
        return [calls + 1 < start_step for calls in self._calls]

    def called(self) -> None:
        """Count a step, made or skipped."""
        self._calls = [calls + 1 for calls in self._calls]


def _dictionaries(states: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Iterate over dictionaries and all those in them."""
    for state in states:
        yield state
        yield from _dictionaries(entry for entry in state.values() if isinstance(entry, dict))


def places_of(groups: Sequence[dict[str, Any]]) -> dict[Tensor, tuple[int, int]]:
    """Return the place of each parameter among those with two axes or more, and among all."""
    everyone = [p for group in groups for p in group["params"]]
    phases = itertools.accumulate((sum(n > 1 for n in p.shape) >= 2 for p in everyone), initial=0)
    return {p: (phase, i) for i, (p, phase) in enumerate(zip(everyone, phases, strict=False))}


def stacked(
    parameters: Sequence[Tensor],
    group: dict[str, Any],
    states: dict[Tensor, dict[str, Any]],
    places: dict[Tensor, tuple[int, int]],
) -> list[Batch]:
    """Return batches of the parameters that can be stepped together.

    States and averages that are missing begin, and those of another type than is wanted are turned
    into it.  `places` has the phase of each parameter, and its place among all.
    """
    alike: dict[tuple, list[Tensor]] = {}
    for p in parameters:
        plan, state = layout_of(p.shape, group), states[p]
        if not state:
            state.update(new_state(p, plan))
        missing = [name for name in needed(group, plan) if name not in state]
        state.update(new_averages(p, missing, group))
        for name in MOMENTA:
            if name in state:
                state[name] = state[name].to(average_type(name, p, group))
        alike.setdefault((p.shape, p.dtype, p.device, *sorted(state)), []).append(p)
    found, owner = [], owners(parameters)
    for some in alike.values():
        alone = group["foreach"] is False or is_spread(some[0])
        size = 1 if alone else max(1, TOGETHER // some[0].numel())
        for first in range(0, len(some), size):
            few = some[first : first + size]
            phases, ranks = zip(*(places[p] for p in few), strict=True)
            own = [states[p] for p in few]
            found.append(Batch(few, own, group, phases, ranks, owner.get(few[0], 0)))
    return found


def current(
    batches: Sequence[Batch],
    parameters: Sequence[Tensor],
    group: dict[str, Any],
    states: dict[Tensor, dict[str, Any]],
) -> bool:
    """Return whether batches are of these parameters, as their states and options are now."""
    known = [p for batch in batches for p in batch.parameters]
    return (
        len(known) == len(parameters)
        and {*map(id, known)} == {*map(id, parameters)}
        and all(
            (group["foreach"] is not False or len(batch.parameters) == 1)
            and all(name in batch.numbers for name in needed(group, batch.layout))
            and all(
                batch.numbers[name].dtype == average_type(name, batch.parameters[0], group)
                for name in MOMENTA
                if name in batch.numbers
            )
            and batch.layout == layout_of(batch.parameters[0].shape, group)
            and batch.holds([states[p] for p in batch.parameters])
            for batch in batches
        )
    )
