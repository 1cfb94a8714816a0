"""Who competes: Adam, Shampoo, and S-Shampoo at several sizes, grafted or not, and by default.

Peers from other packages compete where they are asked for: SOAP, Muon and Adafactor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec

import torch
from torch import Tensor

from oco.extras import missing
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
    make: Callable[[Iterable[Tensor], float], torch.optim.Optimizer | Together]


def contestants(ks: tuple[int, ...], peers: bool = False) -> dict[str, Contestant]:
    """Return all that compete, by name.

    S-Shampoo at each k with the graft of RMSProp; at the middle one also with none, and with the
    default recipe, whose steps have unit length.  The peers come last.

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
    everyone += PEERS if peers else ()
    return {contestant.name: contestant for contestant in everyone}


class Together:
    """Two optimizers that each have some of the parameters, as one."""

    def __init__(self, *optimizers: torch.optim.Optimizer) -> None:
        self.optimizers = optimizers

    @property
    def param_groups(self) -> list[dict]:
        """Of both."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()

    def step(self) -> None:
        """Make the step of each."""
        for optimizer in self.optimizers:
            optimizer.step()


def soap(parameters: Iterable[Tensor], lr: float) -> torch.optim.Optimizer:
    """Return SOAP as pytorch_optimizer has it, with its own decays and no weight decay."""
    if find_spec("pytorch_optimizer") is None:
        raise ModuleNotFoundError(f"peers: {missing('pytorch_optimizer')}")
    from pytorch_optimizer import SOAP

    return SOAP(parameters, lr, weight_decay=0.0, precondition_frequency=UPDATE_EVERY)


def muon(parameters: Iterable[Tensor], lr: float) -> Together:
    """Return PyTorch's Muon for matrices, with steps as long as Adam's, and Adam for the rest."""
    if not hasattr(torch.optim, "Muon"):
        raise ModuleNotFoundError(
            f"peers: PyTorch has Muon from 2.9 on; this is {torch.__version__}"
        )
    everyone = list(parameters)
    matrices = [p for p in everyone if p.ndim == 2]
    rest = [p for p in everyone if p.ndim != 2]
    optimizers: list[torch.optim.Optimizer] = []
    if matrices:
        optimizers.append(
            torch.optim.Muon(matrices, lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
        )
    if rest:
        optimizers.append(torch.optim.Adam(rest, lr, betas=BETAS))
    return Together(*optimizers)


PEERS = (
    Contestant("SOAP", "soap", False, soap),
    Contestant("Muon", "muon", False, muon),
    Contestant("Adafactor", "adafactor", False, lambda p, lr: torch.optim.Adafactor(p, lr)),
)
