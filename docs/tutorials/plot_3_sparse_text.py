"""
Principal components of sparse text, with error bars
====================================================

The words of documents are a sparse matrix with far more columns than anybody makes dense. One pass
over its rows, in batches, gives the leading components and an interval around each exact variance.
"""

# %%
# A text that is there already
# ----------------------------
# The docstrings in Python's own standard library, one document each: a stream of files, of which
# one is open at a time. Which there are depends a little on the version of Python.

import ast
import sysconfig
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse.linalg import eigsh
from sklearn.feature_extraction.text import CountVectorizer

from oco.integrations.sklearn import SketchedPCA

ROOMS = ("asyncio", "collections", "concurrent", "email", "html", "http", "importlib", "json")


def documents():
    """Iterate over the docstrings of functions and classes."""
    library = Path(sysconfig.get_path("stdlib"))
    alone = [path for path in library.glob("*.py") if path.name[0] != "_"]
    for path in sorted([*alone, *(p for room in ROOMS for p in library.glob(f"{room}/*.py"))]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8", errors="replace"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                text = ast.get_docstring(node)
                if text:
                    yield text


counter = CountVectorizer(stop_words="english", binary=True)
words = counter.fit_transform(documents()).astype(float)
n, d = words.shape
print(f"{n:,} documents, {d:,} words, {100 * words.nnz / n / d:.2f} % of the entries are not 0")

# %%
# One pass, in batches
# --------------------
# The rows are centred without ever being made dense: the mean is a vector of its own. What is kept
# beside it is a sketch of 60 directions.

pca = SketchedPCA(n_components=5, sketch_size=60)
for start in range(0, n, 200):
    pca.partial_fit(words[start : start + 200])
kept = pca.sketch_size_ * d * 8 / 1e6
print(f"about {kept:.0f} MB; the covariance would take {d * d * 8 / 1e6:,.0f} MB")

# %%
# The error bars
# --------------
# The exact variances lie in the intervals. Here they can be had for comparison, from the documents'
# inner products, as there are few enough of them.

low, high = pca.explained_variance_interval_.T
mean = np.asarray(words.mean(axis=0)).ravel()
products = (words @ words.T).toarray()
towards = words @ mean
products += mean @ mean - towards[:, None] - towards
exact = np.sort(eigsh(products, 5, return_eigenvectors=False))[::-1] / (n - 1)
inside = (low <= exact) & (exact <= high)
for i in range(5):
    print(f"component {i}: {low[i]:.3f} to {high[i]:.3f}, exactly {exact[i]:.3f}")
assert inside.all()
print(f"{inside.sum()} of 5 exact variances lie in their intervals")

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
number = np.arange(1, 6)
axes.vlines(number, low, high, color="#0072B2", lw=6, alpha=0.4, label="proven interval")
axes.plot(number, pca.explained_variance_, "_", ms=12, color="#0072B2", label="estimate")
axes.plot(number, exact, ".", color="black", label="exact")
axes.set(xlabel="component", ylabel="variance", xticks=number, ylim=(0, None))
axes.legend()

# %%
# The intervals are as wide as the mass that escaped the sketch, and text has a long tail: what five
# components miss of the variance is most of it, and that is proven too.

least, most = pca.unexplained_variance_ratio_interval_
print(f"missed: {100 * least:.0f} % at least, {100 * most:.0f} % at most")

# %%
# What the components are about
# -----------------------------
# The words with the largest weights; signs mean nothing.

names = counter.get_feature_names_out()
for i, component in enumerate(pca.components_):
    strongest = np.argsort(-np.abs(component))[:7]
    print(f"{i}: {', '.join(names[j] for j in strongest)}")
