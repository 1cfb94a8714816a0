"""
Which sketch size does my network need?
=======================================

Sketches watch the gradients of each layer while it trains, in a loop of yours; then they are asked
how many directions carry the covariances.
"""

# %%
# Watch
# -----
# One line before the loop. Each gradient of a parameter is looked at every tenth time that
# ``backward`` makes one, which costs little; here, a small network learns digits.

import torch
from sklearn.datasets import load_digits

from oco.integrations.torch import SShampoo, watch

torch.manual_seed(0)
pixels, labels = (torch.tensor(part) for part in load_digits(return_X_y=True))
pixels = (pixels / 16).float()
model = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))


def train(optimizer, steps=150):
    for _ in range(steps):
        batch = torch.randint(len(pixels), (64,))
        loss = torch.nn.functional.cross_entropy(model(pixels[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


watched = watch(model)
print(f"loss {train(torch.optim.Adam(model.parameters(), lr=3e-3)):.3f}")
watched.close()

# %%
# Look
# ----
# For each axis of each layer: the smallest sketch that is *proven* to hold 90 % of the mass, the
# intrinsic dimension, and what could escape.

advice = watched.advise(target=0.9)
print(advice)
figure = advice.plot()

# %%
# Decide
# ------
# The advice is parameter groups for the optimizer, each matrix with sizes of its own:

optimizer = SShampoo(advice.options(), lr=3e-3)
print(f"loss {train(optimizer):.3f}, state of {optimizer.state_bytes / 1e3:.0f} kB")
