"""A network trained by one process, or by several that hold a part of it each.

``python sharded_training.py RANK RANKS MEETING FOLDER FIRST LAST``: FSDP2 with gloo on the CPU,
steps FIRST to LAST − 1, from the checkpoint in FOLDER that others have left there before FIRST.
Each process leaves there what it has.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn

from oco.integrations.torch import SShampoo

# Sketched and exact factors, a tensor with an axis of length 1, vectors, fewer rows than processes.
OPTIONS = {"lr": 1e-2, "k": 4, "update_every": 3}
VARIANTS = {
    "default": {},
    "bfloat16": {"momentum_dtype": torch.bfloat16, "weight_decay": 0.1},
    "grafted": {"graft": "adam", "average": "step", "exponent": "shampoo", "max_axis": 16},
    "factored": {"graft": "adafactor", "max_axis": 50, "long_axes": "factored"},
    "cheap": {
        **{"sides": "shorter", "refresh": "subspace", "tail": "mean"},
        **{"statistics": "average", "statistics_every": 1},
    },
    "late": {"graft": "none", "start_step": 4, "tail": "mean", "lr": 1e-4},
}
# The step whose gradient is not a number, so that nothing of it may be taken.
BAD = 5


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Unflatten(1, (1, 20)),
        nn.Conv1d(1, 6, 3),
        nn.Flatten(),
        nn.Linear(108, 24),
        nn.Tanh(),
        nn.Linear(24, 24),
        nn.Tanh(),
        nn.Linear(24, 3),
    ).double()


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        draw = torch.Generator().manual_seed(step)
        x = torch.randn(16, 20, generator=draw, dtype=torch.float64)
        optimizer.zero_grad()
        loss = (model(x) - x[:, :3]).square().mean()
        (loss * (float("nan") if step == BAD else 1.0)).backward()
        optimizer.step()


def main(rank: int, ranks: int, meeting: str, folder: Path, first: int, last: int) -> None:
    import torch.distributed.checkpoint as saving
    from torch.distributed import destroy_process_group, init_process_group
    from torch.distributed.checkpoint import state_dict as states
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    torch.set_num_threads(1)
    init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=ranks)
    flat = states.StateDictOptions(flatten_optimizer_state_dict=True)
    found = {}
    for name, options in VARIANTS.items():
        model = network()
        for layer in model:
            if any(True for _ in layer.parameters()):
                fully_shard(layer, mesh=init_device_mesh("cpu", (ranks,)))
        fully_shard(model, mesh=init_device_mesh("cpu", (ranks,)))
        optimizer = SShampoo(model.parameters(), **{**OPTIONS, **options})
        if first:
            held = {
                "model": states.get_model_state_dict(model),
                "optimizer": states.get_optimizer_state_dict(model, optimizer, options=flat),
            }
            saving.load(held, checkpoint_id=folder / f"{name}-{first}")
            states.set_model_state_dict(model, held["model"])
            states.set_optimizer_state_dict(model, optimizer, held["optimizer"], options=flat)
        train(model, optimizer, range(first, last))
        held = {
            "model": states.get_model_state_dict(model),
            "optimizer": states.get_optimizer_state_dict(model, optimizer, options=flat),
        }
        saving.save(held, checkpoint_id=folder / f"{name}-{last}")
        whole = states.StateDictOptions(full_state_dict=True)
        found[name] = {
            "weights": [p.full_tensor().detach() for p in model.parameters()],
            "state_bytes": optimizer.state_bytes,
            "skipped": optimizer.skipped,
            "works": [b.shards.mine for b in optimizer._batches[0] if b.layout.order >= 2],
            "whole": states.get_optimizer_state_dict(model, optimizer, options=whole)["state"],
        }
    torch.save(found, folder / f"after-{last}-{ranks}-{rank}.pt")
    destroy_process_group()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), sys.argv[3], Path(sys.argv[4]), *map(int, sys.argv[5:7]))
