"""SShampoo in other libraries' training loops takes the steps that it takes in a plain one."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from oco.integrations.torch import SShampoo  # noqa: E402

STEPS = 6
OPTIONS = {"lr": 0.02, "k": 3, "update_every": 2}


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(9, 16), torch.nn.Tanh(), torch.nn.Linear(16, 2))


def batches():
    rows = torch.randn(STEPS, 8, 9, generator=torch.Generator().manual_seed(1))
    return [(x, x[:, :2].sin()) for x in rows]


def loss_of(model, x, y):
    return (model(x) - y).square().mean()


@pytest.fixture(scope="module")
def plain():
    """The weights of a loop of one's own, which lowers the loss."""
    model = network()
    optimizer = SShampoo(model.parameters(), **OPTIONS)
    before = sum(float(loss_of(model, *batch).detach()) for batch in batches())
    for batch in batches():
        optimizer.zero_grad()
        loss_of(model, *batch).backward()
        optimizer.step()
    assert sum(float(loss_of(model, *batch).detach()) for batch in batches()) < before
    return list(model.parameters())


def test_accelerate(plain):
    accelerate = pytest.importorskip("accelerate", reason="Hugging Face Accelerate is not there")
    accelerator = accelerate.Accelerator(cpu=True)
    model = network()
    optimizer = SShampoo(model.parameters(), **OPTIONS)
    loader = torch.utils.data.DataLoader(batches(), batch_size=None)
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    model, optimizer, loader, schedule = accelerator.prepare(model, optimizer, loader, schedule)
    for batch in loader:
        optimizer.zero_grad()
        accelerator.backward(loss_of(model, *batch))
        optimizer.step()
        schedule.step()
    torch.testing.assert_close(list(model.parameters()), plain, rtol=0, atol=0)


# What Lightning warns of in itself and in PyTorch is not this library's.
@pytest.mark.filterwarnings("ignore")
def test_lightning(plain, tmp_path):
    lightning = pytest.importorskip("lightning", reason="Lightning is not there")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = network()

        def training_step(self, batch, index):
            return loss_of(self.model, *batch)

        def configure_optimizers(self):
            return SShampoo(self.parameters(), **OPTIONS)

    def trainer(steps):
        return lightning.Trainer(
            max_steps=steps,
            max_epochs=2,
            accelerator="cpu",
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            default_root_dir=tmp_path,
        )

    module, loader = Module(), torch.utils.data.DataLoader(batches(), batch_size=None)
    first = trainer(STEPS)
    first.fit(module, loader)
    torch.testing.assert_close(list(module.parameters()), plain, rtol=0, atol=0)
    # Its checkpoints hold the optimizer's state: from there it goes on as without one.
    saved = tmp_path / "saved.ckpt"
    first.save_checkpoint(saved)
    again = Module()
    trainer(STEPS + 1).fit(again, loader, ckpt_path=saved)
    optimizer = SShampoo(module.parameters(), **OPTIONS)
    optimizer.load_state_dict(torch.load(saved, weights_only=True)["optimizer_states"][0])
    optimizer.zero_grad()
    loss_of(module.model, *batches()[0]).backward()
    optimizer.step()
    torch.testing.assert_close(list(again.parameters()), list(module.parameters()), rtol=0, atol=0)
