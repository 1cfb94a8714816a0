"""
Principal components of a stream, and how wrong they are
========================================================

Rows come in batches of any size and are forgotten. What is kept, a sketch, is enough for the
leading components, for an interval around each exact variance, and for the share of the variance
that is lost.
"""

# %%
# A stream
# --------
# 20,000 rows with 400 numbers, far from the origin, whose variances fall off slowly. Nothing below
# needs more than a batch of them at a time; the exact analysis at the end does.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA, IncrementalPCA

from oco.integrations.sklearn import SketchedPCA

rng = np.random.default_rng(0)
scales, center = np.arange(1.0, 401.0) ** -0.7, 10 * rng.standard_normal(400)
rows = rng.standard_normal((20_000, 400)) * scales + center
batches = np.array_split(rows, 300)

# %%
# One pass
# --------
# A batch may have one row, the first one too. With k = 10, 30 directions are followed by default.

pca = SketchedPCA(n_components=10)
for batch in batches:
    pca.partial_fit(batch)
print(f"{pca.n_samples_seen_:,} rows seen, {pca.sketch_size_} directions followed")

# %%
# How wrong it is
# ---------------
# The exact variances lie in these intervals, and no projection on ten directions misses less than
# the first, nor ours more than the second, of the two numbers at the end.

exact = PCA(10).fit(rows)
low, high = pca.explained_variance_interval_.T
for i in range(3):
    print(
        f"component {i}: {low[i]:.4f} to {high[i]:.4f}, exactly {exact.explained_variance_[i]:.4f}"
    )
least, most = pca.unexplained_variance_ratio_interval_
print(f"missed: {100 * least:.1f} % at least, {100 * most:.1f} % at most")

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
number = np.arange(1, 11)
axes.vlines(number, low, high, color="#0072B2", lw=6, alpha=0.4, label="proven interval")
axes.plot(number, pca.explained_variance_, "_", ms=12, color="#0072B2", label="estimate")
axes.plot(number, exact.explained_variance_, ".", color="black", label="exact")
axes.set(xlabel="component", ylabel="variance", yscale="log", xticks=number)
axes.legend()

# %%
# Beside IncrementalPCA
# ---------------------
# It holds as much, and says nothing of its error. What either leaves of the rows, beyond what the
# best ten directions leave:


def excess(components):
    """Return the share of the variance that they miss and the exact ones do not."""
    kept = ((rows - rows.mean(axis=0)) @ components.T).var(axis=0).sum()
    return exact.explained_variance_ratio_.sum() - kept / rows.var(axis=0).sum()


incremental = IncrementalPCA(10, batch_size=50).fit(rows)
print(f"SketchedPCA    {excess(pca.components_):.2e}")
print(f"IncrementalPCA {excess(incremental.components_):.2e}")

# %%
# Until an error is met
# ---------------------
# The sketch grows until what its ten components lose is proven to be small; or ask for the error of
# the reconstruction itself, and for how many components that takes.

proven = SketchedPCA(n_components=10, error=0.01).fit(rows)
print(f"sketch size {proven.sketch_size_} for a loss of 1 % at most")
half = SketchedPCA(n_components=0.7).fit(rows)
print(f"{half.n_components_} components are proven to explain 70 %")

# %%
# Apart, and together
# -------------------
# Two sketches of parts are merged into one of all rows: on a cluster, hand over a Dask array.

parts = [SketchedPCA(10).fit(part) for part in np.array_split(rows, 4)]
for other in parts[1:]:
    parts[0].merge(other)
low, high = parts[0].explained_variance_interval_.T
inside = (low <= exact.explained_variance_) & (exact.explained_variance_ <= high)
print(f"{inside.sum()} of 10 exact variances lie in the intervals of the merged sketch")
