"""Who competes: Adam, AdamW, Shampoo and S-Shampoo, as it is by default and with less memory.

Peers from other packages compete where they are asked for: SOAP, Muon and Adafactor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import torch
from torch import Tensor

from oco.extras import missing
from oco.integrations.torch import SShampoo

__all__ = ["UPDATE_EVERY", "Contestant", "Together", "contestants"]

# Adam's second moment forgets as fast as the covariances do by default, so that the optimizers
# look back equally long.
BETAS = (0.9, 0.99)
# Steps between two refreshes of the covariances.
UPDATE_EVERY = 10
# Shampoo as it is known: steps averaged, as long as RMSProp's.
GRAFTED = {"graft": "rmsprop", "exponent": "shampoo", "average": "step", "nesterov": False}


@dataclass(frozen=True)
class Contestant:
    """An optimizer with everything chosen but its rate.

    Attributes
    ----------
    name : str
    make : callable
        ``make(parameters, lr)`` returns a PyTorch optimizer.
    """

    name: str
    make: Callable[[Iterable[Tensor], float], torch.optim.Optimizer | Together]


def contestants(peers: bool = False) -> dict[str, Contestant]:
    """Return all that compete, by name; the rival of all others first, the peers last.

    Examples
    --------
    >>> list(contestants())
    ['Adam', 'AdamW', 'Shampoo', 'S-Shampoo', 'S-Shampoo, bfloat16']
    """
    sketched = partial(SShampoo, update_every=UPDATE_EVERY)
    makers = {
        "Adam": partial(torch.optim.Adam, betas=BETAS),
        # With PyTorch's weight decay, 0.01; nobody else has any.
        "AdamW": partial(torch.optim.AdamW, betas=BETAS),
        "Shampoo": partial(sketched, k=None, **GRAFTED),
        "S-Shampoo": sketched,
        "S-Shampoo, bfloat16": partial(sketched, momentum_dtype=torch.bfloat16),
    }
    if peers:
        makers |= {"SOAP": soap, "Muon": muon, "Adafactor": torch.optim.Adafactor}
    return {name: Contestant(name, make) for name, make in makers.items()}


class Together:
    """Two optimizers that each have some of the parameters, as one."""

    def __init__(self, *optimizers: torch.optim.Optimizer) -> None:
        self.optimizers = optimizers

    @property
    def param_groups(self) -> list[dict]:
        """Of both."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    @property
    def defaults(self) -> list[dict]:
        """Of each."""
        return [optimizer.defaults for optimizer in self.optimizers]

    @property
    def state(self) -> dict:
        """Of both."""
        return {p: kept for optimizer in self.optimizers for p, kept in optimizer.state.items()}

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
