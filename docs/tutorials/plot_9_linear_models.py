"""
A linear classifier that says what it regrets
=============================================

The learners of this package as estimators of scikit-learn: without a rate to tune, on a stream, on
sparse rows, and with a proof of how much worse than the best fixed weights they were.
"""

# %%
# Without a rate to tune
# ----------------------
# The rate follows the lengths of the rows. S-AdaGrad and FTSL sketch what the gradients have in
# common; diagonal AdaGrad has a rate for each feature.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from oco.integrations.sklearn import SketchedClassifier

X, y = load_breast_cancer(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, random_state=0)
for learner in ("s-adagrad", "ftsl", "adagrad", "ogd"):
    model = make_pipeline(StandardScaler(), SketchedClassifier(learner=learner, random_state=0))
    model.fit(X, y)
    cost = log_loss(y_test, model.predict_proba(X_test))
    print(f"{learner:10} accuracy {model.score(X_test, y_test):.3f}, log-loss {cost:.3f}")

# %%
# A stream, and its regret
# ------------------------
# Each row is predicted before its label is learned. With ``certify=True`` the rows are kept, and
# what the predictions cost beyond those of the best fixed weights, in a ball here, is proven.

rng = np.random.default_rng(0)
truth = rng.standard_normal(20)
rows = rng.standard_normal((2000, 20)) * 0.9 ** np.arange(20)
labels = rows @ truth + rng.logistic(size=2000) > 0
stream = SketchedClassifier(learner="ftsl", k=6, radius=5.0, lr=5 / 2**0.5, certify=True)
rounds, intervals, bounds = [], [], []
for part in np.array_split(np.arange(2000), 10):
    stream.partial_fit(rows[part], labels[part], classes=[False, True])
    rounds.append(stream.t_)
    intervals.append(stream.regret_interval_)
    bounds.append(stream.regret_bound_)
print(f"regret after {rounds[-1]} rounds: {intervals[-1][0]:.2f} to {intervals[-1][1]:.2f}")
print(f"at most, by FTSL's theory: {bounds[-1]:.1f}")

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.plot(rounds, np.array(intervals)[:, 1], ".-", color="#0072B2", label="regret, proven")
axes.plot(rounds, bounds, "--", color="#D55E00", label="the learner's own bound")
axes.set(xlabel="rounds", ylabel="sum of losses beyond the best fixed weights", yscale="log")
axes.legend()

# %%
# Sparse rows
# -----------
# With a diagonal or scalar metric a row costs what its entries do: a quarter of a million features
# are no more work than the few words of a line.

lines = ["for row in rows", "import numpy", "while row", "from numpy import array"] * 200
hashed = HashingVectorizer(n_features=2**18).transform(lines)
words = SketchedClassifier(learner="adagrad", random_state=0).fit(hashed, [0, 1, 0, 1] * 200)
print(f"{hashed.shape[1]:,} features, {np.count_nonzero(words.coef_)} weights that are not 0")
