"""Parameters that processes hold a part of each (FSDP2): weights of one, a share of the work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
pytest.importorskip("torch.distributed.fsdp", reason="FSDP2 came with PyTorch 2.6")
if not (torch.distributed.is_available() and torch.distributed.is_gloo_available()):
    pytest.skip("this PyTorch was built without gloo", allow_module_level=True)
if not hasattr(torch.distributed.fsdp, "fully_shard"):
    pytest.skip("FSDP2 came with PyTorch 2.6", allow_module_level=True)

import sharded_training  # noqa: E402

from oco.integrations.torch import SShampoo  # noqa: E402

# Seconds that all processes may take together; they need ten on an idle machine.
PATIENCE = 240
# Sums in another order, through so many steps.
ROUNDING = 1e-10
BEFORE, FIRST, LAST = 4, 8, 14


def processes(ranks: int, folder: Path, first: int, last: int) -> list[dict]:
    """Train with so many processes; return what each of them has."""
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [
                *(sys.executable, sharded_training.__file__, str(rank), str(ranks)),
                *(str(folder / f"meeting-{last}-{ranks}"), str(folder), str(first), str(last)),
            ],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(ranks)
    ]
    try:
        errors = [process.communicate(timeout=PATIENCE)[1] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0] * ranks, errors
    return [
        torch.load(folder / f"after-{last}-{ranks}-{rank}.pt", weights_only=True)
        for rank in range(ranks)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sharded")


@pytest.fixture(scope="module")
def four(folder):
    """They go on with what two have saved."""
    processes(2, folder, 0, BEFORE)
    return processes(4, folder, BEFORE, FIRST)


@pytest.fixture(scope="module")
def two(folder, four):
    """They go on with what four have saved."""
    return processes(2, folder, FIRST, LAST)


@pytest.fixture(scope="module")
def alone():
    """The same by one process: weights and optimizer after FIRST and after LAST steps."""
    found = {}
    for name, options in sharded_training.VARIANTS.items():
        model = sharded_training.network()
        optimizer = SShampoo(model.parameters(), **{**sharded_training.OPTIONS, **options})
        stages = []
        for steps in (range(FIRST), range(FIRST, LAST)):
            sharded_training.train(model, optimizer, steps)
            stages.append([p.detach().clone() for p in model.parameters()])
        found[name] = (*stages, optimizer)
    return found


@pytest.mark.parametrize("name", sharded_training.VARIANTS)
def test_four_processes_have_the_weights_of_one(name, four, alone):
    for process in four:
        torch.testing.assert_close(process[name]["weights"], alone[name][0], rtol=0, atol=ROUNDING)
        assert process[name]["skipped"] == len(alone[name][0])


@pytest.mark.parametrize("name", sharded_training.VARIANTS)
def test_two_processes_go_on_where_four_have_stopped(name, two, alone):
    for process in two:
        torch.testing.assert_close(process[name]["weights"], alone[name][1], rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("name", sharded_training.VARIANTS)
def test_each_process_keeps_its_share_of_the_state(name, four, two, alone):
    everything = alone[name][2].state_bytes
    for process, ranks in [(p, 4) for p in four] + [(p, 2) for p in two]:
        assert process[name]["state_bytes"] <= (1 / ranks + 0.1) * everything
    # All keep the few numbers of a factored second moment.
    states = alone[name][2].state.values()
    means = sum(s["factored_moment"].nbytes for s in states if "factored_moment" in s)
    assert sum(process[name]["state_bytes"] for process in two) == everything + means


def test_one_process_works_on_each_matrix_and_all_have_work(four):
    works = torch.tensor([process["default"]["works"] for process in four]).int()
    assert works.sum(0).tolist() == [1] * works.shape[1] and (works.sum(1) > 0).all()


@pytest.fixture
def mesh(tmp_path):
    """This process as a mesh of one."""
    from torch.distributed import destroy_process_group, init_device_mesh, init_process_group

    init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    yield init_device_mesh("cpu", (1,))
    destroy_process_group()


def test_what_is_to_be_summed_is_refused(mesh):
    from torch.distributed.tensor import DTensor, Partial

    p = torch.nn.Parameter(DTensor.from_local(torch.ones(4, 6), mesh, [Partial()]))
    with pytest.raises(
        ValueError, match=r"params'\]\[0\]: expected .* cut or repeated, got .*Partial"
    ):
        SShampoo([p])


def test_a_state_of_one_process_is_cut_as_its_parameter(mesh):
    from torch.distributed.tensor import DTensor, Shard, distribute_tensor

    (whole,) = plain = [torch.nn.Parameter(torch.ones(4, 30))]
    cut = torch.nn.Parameter(distribute_tensor(whole.detach().clone(), mesh, [Shard(0)]))
    one, other = SShampoo(plain, k=3), SShampoo([cut], k=3)
    for step in range(6):
        gradient = torch.randn(4, 30, generator=torch.Generator().manual_seed(step))
        whole.grad = gradient
        one.step()
        if step == 2:
            other.load_state_dict(one.state_dict())
            cut.to_local().detach().copy_(whole.detach())
            factors = other.state[cut]["factors"]["0"]["1"]
            assert isinstance(other.state[cut]["gradient_average"], DTensor)
            assert isinstance(factors["directions"], DTensor)
        elif step > 2:
            cut.grad = distribute_tensor(gradient, mesh, [Shard(0)])
            other.step()
    torch.testing.assert_close(cut.to_local(), whole, rtol=0, atol=1e-6)


def test_a_whole_state_loads_into_one_process(two, alone):
    """What `get_optimizer_state_dict` gathers from shards is the state of one process."""
    expected = alone["default"][2].state_dict()["state"]
    gathered = list(two[0]["default"]["whole"].values())
    for own, other in zip(gathered, expected.values(), strict=True):
        torch.testing.assert_close(
            own["gradient_average"], other["gradient_average"], rtol=0, atol=ROUNDING
        )
        assert own.keys() == other.keys() and own["step"] == other["step"]
    optimizer = SShampoo(sharded_training.network().parameters(), **sharded_training.OPTIONS)
    saved = optimizer.state_dict()
    optimizer.load_state_dict({**saved, "state": dict(enumerate(gathered))})
    assert optimizer.state_bytes == alone["default"][2].state_bytes
