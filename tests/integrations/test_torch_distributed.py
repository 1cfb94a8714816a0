"""Two processes with DistributedDataParallel keep identical replicas."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
if not (torch.distributed.is_available() and torch.distributed.is_gloo_available()):
    pytest.skip("this PyTorch was built without gloo", allow_module_level=True)

# Seconds that both processes may take together; they need three on an idle machine.
PATIENCE = 60

WORKER = """
import sys
import torch
from torch.distributed import destroy_process_group, init_process_group
from oco.integrations.torch import SShampoo

rank, meeting, result = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.set_num_threads(1)
init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(40, 24), torch.nn.Tanh(), torch.nn.Linear(24, 3))
replica = torch.nn.parallel.DistributedDataParallel(model)
optimizer = SShampoo(replica.parameters(), lr=1e-2, k=6, update_every=2)
batches = torch.Generator().manual_seed(1)
for step in range(20):
    x = torch.randn(2, 16, 40, generator=batches)[rank]
    optimizer.zero_grad()
    loss = replica(x).square().mean()
    if step == 7 and rank == 1:
        loss = loss * float("nan")
    loss.backward()
    optimizer.step()
torch.save(
    {"model": model.state_dict(), "state": optimizer.state_dict()["state"], "x": x}, result
)
destroy_process_group()
"""


def test_replicas_stay_identical(tmp_path: Path):
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    results = [tmp_path / f"replica-{rank}.pt" for rank in range(2)]
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-W",
                "error",
                "-c",
                WORKER,
                str(rank),
                str(tmp_path / "meeting"),
                path,
            ],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, path in enumerate(results)
    ]
    try:
        errors = [process.communicate(timeout=PATIENCE)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], errors
    one, two = (torch.load(path, weights_only=True) for path in results)
    assert not torch.equal(one.pop("x"), two.pop("x")), "each process has data of its own"
    torch.testing.assert_close(one, two, rtol=0, atol=0)
    # The NaN of one process reached both with the averaged gradient.
    assert all(state["skipped"] == 1 and state["step"] == 19 for state in one["state"].values())
