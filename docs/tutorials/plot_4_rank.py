"""
Which sketch size does my network need?
=======================================

Record the gradients of a layer for a while, and ask how many directions carry their covariances.
"""

# %%
# Record
# ------
# In a loop of yours this is one line after ``loss.backward()``. Here, a small network learns
# digits.

import numpy as np
import torch
from sklearn.datasets import load_digits

import oco
from oco.integrations.torch import SShampoo

torch.manual_seed(0)
pixels, labels = (torch.tensor(part) for part in load_digits(return_X_y=True))
pixels = (pixels / 16).float()
model = torch.nn.Sequential(torch.nn.Linear(64, 96), torch.nn.ReLU(), torch.nn.Linear(96, 10))
optimizer = SShampoo(model.parameters(), lr=3e-3, k=16)
gradients = []
for _ in range(200):
    batch = torch.randint(len(pixels), (64,))
    loss = torch.nn.functional.cross_entropy(model(pixels[batch]), labels[batch])
    optimizer.zero_grad()
    loss.backward()
    gradients.append(model[0].weight.grad.numpy(force=True).astype(np.float64))
    optimizer.step()
print(f"loss {loss.item():.3f} after {len(gradients)} steps")

# %%
# Look
# ----
# The covariances of both axes of the weight, exactly and as a sketch of size 16 has them:

study = oco.spectra.follow(gradients, k=16)
for name, factor in study.factors.items():
    values = factor.eigenvalues[-1]
    print(
        f"{name}: {len(values)} directions, intrinsic dimension "
        f"{oco.spectra.intrinsic_dimension(values):.1f}; "
        f"{oco.spectra.directions_for(values, 0.95)} directions hold 95 % of the mass"
    )
figure = oco.plots.spectra(study)

# %%
# Decide
# ------
# A sketch of size k keeps k − 1 directions; the mass beyond them is added back as a multiple of
# the identity. What a choice costs, in bytes of state:

counted = oco.memory.ledger([(96, 64), (10, 96)], k=[8, 16, 32])
for entry in counted.entries:
    print(f"{entry.label:20} {entry.state.total:>9,} bytes")
