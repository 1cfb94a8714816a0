"""Who competes: Adam, Shampoo, and S-Shampoo at several sizes, grafted or not, and by default."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from oco.integrations.torch import SShampoo

__all__ = ["UPDATE_EVERY", "Contestant", "contestants"]

# Adam's second moment forgets as fast as the covariances do by default, so that the optimizers
# differ in nothing else.
BETAS = (0.9, 0.99)
# Steps between two refreshes of the covariances.
UPDATE_EVERY = 10


@dataclass(frozen=True)
class Contestant:
    """An optimizer with everything chosen but its rate.

    Attributes
    ----------
    name : str
    entry : str
        Its row in the memory ledger.
    grafted : bool
        Whether it also keeps the diagonal second moment that a graft needs.
    make : callable
        ``make(parameters, lr)`` returns a PyTorch optimizer.
    """

    name: str
    entry: str
    grafted: bool
    make: Callable[[Iterable[Tensor], float], torch.optim.Optimizer]


def contestants(ks: tuple[int, ...]) -> dict[str, Contestant]:
    """Return all that compete, by name.

    S-Shampoo at each k with the graft of RMSProp; at the middle one also with none, and with the
    default recipe, whose steps have unit length.

    Examples
    --------
    >>> list(contestants((4, 16)))
    ['Adam', 'Shampoo', 'S-Shampoo k=4', 'S-Shampoo k=16', 'S-Shampoo k=16, no graft',
     'S-Shampoo k=16, unit length']
    """

    def shampoo(name: str, k: int | None, **options) -> Contestant:
        def make(parameters, lr):
            return SShampoo(parameters, lr, k=k, update_every=UPDATE_EVERY, **options)

        entry = "shampoo" if k is None else f"s-shampoo k={k}"
        return Contestant(name, entry, options.get("graft") == "rmsprop", make)

    def grafted(name: str, k: int | None, graft: str) -> Contestant:
        return shampoo(name, k, graft=graft, exponent="shampoo", average="step", nesterov=False)

    middle = ks[len(ks) // 2]
    everyone = (
        Contestant("Adam", "adam", False, lambda p, lr: torch.optim.Adam(p, lr, betas=BETAS)),
        grafted("Shampoo", None, "rmsprop"),
        *(grafted(f"S-Shampoo k={k}", k, "rmsprop") for k in ks),
        grafted(f"S-Shampoo k={middle}, no graft", middle, "none"),
        shampoo(f"S-Shampoo k={middle}, unit length", middle),
    )
    return {contestant.name: contestant for contestant in everyone}
