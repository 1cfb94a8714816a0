"""
Which package does this come from?
==================================

The source of Python's standard library, ten lines at a time, each token hashed to one of 2²⁰
features: is it from ``asyncio``, or from one of nine other packages? The answer is predicted before
it is shown, and every row is seen once.

Rows stay sparse, about 30 entries of a million each. S-AdaGrad's sketch and its steps are computed
for hundreds of rows at a time, in the small space that these span, and are those of dense rows.
That asks for rows that differ: one that almost lies in the span of those before it, as a single
line may, is played as a dense row. Of pieces of ten lines hardly any is.

Most tokens are rare, and each is a feature of its own. That is what AdaGrad's diagonal is made for,
and it is the best here. A sketch of 30 directions knows nothing of axes, and is ahead of gradient
descent all the same.
"""

import sysconfig
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer

import oco
from oco.losses import LOSSES
from oco.losses.files import DataFile
from oco.regret import Rounds, best_fixed_point
from oco.simulator import play

ours, theirs = "asyncio", "concurrent email http importlib json logging multiprocessing urllib xml"
library, lines, rounds = Path(sysconfig.get_path("stdlib")), 10, 2000

pieces, labels = [], []
for package in [ours, *theirs.split()]:
    for path in sorted((library / package).rglob("*.py")):
        code = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        for start in range(0, len(code) - lines + 1, lines):
            pieces.append("\n".join(code[start : start + lines]))
            labels.append(1.0 if package == ours else -1.0)
chosen = np.random.default_rng(0).permutation(len(pieces))[:rounds]
hashing = HashingVectorizer(n_features=2**20, token_pattern=r"[A-Za-z_]\w+", lowercase=False)
rows, labels = hashing.transform(pieces[i] for i in chosen), np.array(labels)[chosen]
print(f"{rows.shape[0]:,} rows, {rows.nnz / len(labels):.0f} entries of {rows.shape[1]:,} in each")

# %%
# Three learners without bounds, at the best of three rates each, in hindsight. All are compared to
# the best point of length at most 50; it is proven how far it may be from optimal, so that regret
# is an interval.

loss, stream = LOSSES["logistic"], DataFile(path=(rows, labels))
best = best_fixed_point(loss, oco.Ball(50.0), Rounds(stream))
wrong = {"always “another package”": labels > 0}
for name, options in {
    "ogd": {"lr": 30.0},
    "adagrad": {"lr": 1.0},
    "s-adagrad": {"lr": 3.0, "k": 30},
}.items():
    make = oco.algorithms.ALGORITHMS[name]
    learner = make(rows.shape[1], domain=oco.Euclidean(), **options)
    found = play(learner, loss, stream, checkpoints=np.array([rounds]))
    wrong[name], paid = found.margins * labels <= 0, found.losses.sum()
    low, high = paid - best.upper, paid - best.lower
    print(f"{name}: wrong {wrong[name].sum()}, regret in [{low:.2f}, {high:.2f}]")

# %%
# On the right are the tokens that speak loudest in S-AdaGrad's last point: the weights of their
# features, with the signs that hashing gave them.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.5), layout="constrained")
colours = ["0.6", "#E69F00", "#0072B2", "#D55E00"]
for (name, missed), colour in zip(wrong.items(), colours, strict=True):
    left.plot(np.cumsum(missed), color=colour, label=name)
left.set(xlabel="pieces of ten lines", ylabel="wrong so far")
left.legend(frameon=False)

tokens = sorted(set(hashing.build_tokenizer()("\n".join(pieces[i] for i in chosen))))
weights = hashing.transform(tokens) @ learner.x
order = np.argsort(weights)
for shown, colour in (order[:8], colours[0]), (order[-8:], colours[-1]):
    right.barh([tokens[i] for i in shown], weights[shown], color=colour)
right.axvline(0, color="black", linewidth=0.8)
right.set(xlabel="weight in S-AdaGrad's point", title="← another package · asyncio →")
