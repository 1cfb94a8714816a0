"""
S-Shampoo in place of Adam, in PyTorch
======================================

One line changes. Both get the same budget here, three rates each, and are compared on images that
neither was trained on; one small network and one seed say which way to look, and no more than
that.
"""

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from oco.integrations.torch import SShampoo

torch.set_num_threads(1)
pixels, labels = load_digits(return_X_y=True)
parts = train_test_split(pixels / 16, labels, random_state=0)
train_x, test_x = (torch.tensor(part).float() for part in parts[:2])
train_y, test_y = (torch.tensor(part) for part in parts[2:])


def train(make, steps=300, seed=0):
    """Return the test loss at every tenth step, and what the optimizer keeps."""
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    optimizer = make(model.parameters())
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
    losses = []
    for step in range(steps):
        batch = torch.randint(len(train_x), (64,))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(train_x[batch]), train_y[batch]).backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 10 == 0:
            with torch.no_grad():
                losses.append(torch.nn.functional.cross_entropy(model(test_x), test_y).item())
    state = sum(
        value.numel() * value.element_size()
        for value in torch.utils._pytree.tree_leaves(optimizer.state_dict()["state"])
        if isinstance(value, torch.Tensor)
    )
    return losses, state


# %%
# The same three rates for both; the best is kept.

makers = {
    "Adam": lambda lr: lambda parameters: torch.optim.Adam(parameters, lr=lr),
    "S-Shampoo, k = 16": lambda lr: lambda parameters: SShampoo(parameters, lr=lr, k=16),
}
figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
for name, make in makers.items():
    tried = {lr: train(make(lr)) for lr in (1e-3, 3e-3, 1e-2)}
    best = min(tried, key=lambda lr: tried[lr][0][-1])
    losses, state = tried[best]
    axes.semilogy(range(10, 301, 10), losses, label=f"{name}, rate {best:g}")
    print(f"{name:18} rate {best:g}: test loss {losses[-1]:.4f}, state {state / 1e3:.0f} kB")
axes.set(xlabel="step", ylabel="test loss", title="Digits, network 64-128-10")
axes.legend(frameon=False)

# %%
# What the sketches saw is in the optimizer's state; checkpoints, schedulers and parameter groups
# are torch's own. :doc:`/shampoo` says what each option is for, :doc:`/quality` compares on larger
# tasks, with five seeds.
