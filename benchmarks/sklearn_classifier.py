"""SketchedClassifier against scikit-learn's SGDClassifier with logistic loss, in one run.

On each data set both stand at their defaults, and both tuned by the log-loss of a third of the
training rows: SGDClassifier over α and its rate (as given by `eta0` with inverse scaling, or its
own), ours over the rate, with as many settings.  It prints accuracy and log-loss on the test set,
the rows that one processor learns a second (all passes counted), and the memory of the weights and
what the learner keeps beside them.

a9a is read from the folder that OCO_DATA names.  The text is the source of Python's standard
library: lines hashed into 2¹⁸ features, to be told apart by the package that they come from.
S-AdaGrad costs O(kd) a row, however few entries that has, and does not take part there.

    OCO_DATA=… python benchmarks/sklearn_classifier.py [--only digits]
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_svmlight_file
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from oco.integrations.sklearn import SketchedClassifier

TUNED = {
    "SGDClassifier": [
        {"alpha": alpha, "learning_rate": rate, "eta0": eta0}
        for alpha in (1e-6, 1e-4)
        for rate, eta0 in (("optimal", 0.01), ("invscaling", 0.1), ("invscaling", 1.0))
    ],
    "sketched": [{"lr": lr} for lr in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)],
}
PACKAGES = ("email", "asyncio", "xml", "json", "unittest", "multiprocessing")
LINES = 20_000


def a9a():
    folder = Path(os.environ["OCO_DATA"])
    X, y = load_svmlight_file(folder / "a9a", n_features=123)
    X_test, y_test = load_svmlight_file(folder / "a9a.t", n_features=123)
    return X.toarray(), X_test.toarray(), y > 0, y_test > 0


def scaled(load):
    X, y = load(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), scaler.transform(X_test), y, y_test


def library():
    lines, labels = [], []
    top = Path(os.__file__).parent
    for package in PACKAGES:
        for path in sorted((top / package).rglob("*.py")):
            found = [
                line for line in path.read_text("utf-8", "ignore").splitlines() if line.strip()
            ]
            lines += found
            labels += [package] * len(found)
    chosen = np.random.default_rng(0).permutation(len(lines))[:LINES]
    X = HashingVectorizer(n_features=2**18).transform([lines[i] for i in chosen])
    y = np.array(labels)[chosen]
    return train_test_split(X.tocsr(), y, test_size=0.3, random_state=0)


DATA = {
    "a9a": a9a,
    "digits": lambda: scaled(load_digits),
    "breast cancer": lambda: scaled(load_breast_cancer),
    "library": library,
}


def entrants(name: str) -> dict:
    found = {"SGDClassifier": SGDClassifier(loss="log_loss", random_state=0)}
    for learner in ("s-adagrad", "adagrad") if name != "library" else ("adagrad",):
        found[learner] = SketchedClassifier(learner=learner, random_state=0)
    if name == "digits":
        found["s-adagrad, softmax"] = SketchedClassifier("softmax", random_state=0)
    return found


def tuned(estimator, grid: list, X, y):
    X, X_held, y, y_held = train_test_split(X, y, test_size=1 / 3, random_state=1, stratify=y)
    costs = [
        log_loss(y_held, fitted.predict_proba(X_held), labels=fitted.classes_)
        for fitted in (clone(estimator).set_params(**setting).fit(X, y) for setting in grid)
    ]
    return clone(estimator).set_params(**grid[int(np.argmin(costs))])


def kept_bytes(estimator) -> int:
    """Return the memory of what the model needs to learn on."""
    if isinstance(estimator, SGDClassifier):
        return estimator.coef_.nbytes + estimator.intercept_.nbytes
    held = 0
    for player in estimator._players:
        held += player.average.nbytes
        held += (
            player.learner.diagnostics().state_bytes
            if hasattr(player, "learner")
            else sum(
                array.nbytes for array in vars(player).values() if isinstance(array, np.ndarray)
            )
        )
    return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=DATA, default=list(DATA))
    names = parser.parse_args().only
    warnings.simplefilter("ignore", ConvergenceWarning)
    table = Table("data", "classifier", "options", "accuracy", "log-loss", "rows/s", "passes", "kB")
    with threadpool_limits(1):
        for name in names:
            X, X_test, y, y_test = DATA[name]()
            for entrant, estimator in entrants(name).items():
                grid = TUNED["SGDClassifier" if entrant == "SGDClassifier" else "sketched"]
                for options in ("default", "tuned"):
                    if options == "tuned":
                        estimator = tuned(estimator, grid, X, y)
                    started = time.process_time()
                    estimator.fit(X, y)
                    seconds = time.process_time() - started
                    proba = estimator.predict_proba(X_test)
                    table.add_row(
                        name,
                        entrant,
                        options,
                        f"{estimator.score(X_test, y_test):.4f}",
                        f"{log_loss(y_test, proba, labels=estimator.classes_):.4f}",
                        f"{X.shape[0] * estimator.n_iter_ / seconds:,.0f}",
                        str(estimator.n_iter_),
                        f"{kept_bytes(estimator) / 1e3:,.0f}",
                    )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
