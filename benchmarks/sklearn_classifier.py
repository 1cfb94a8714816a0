"""SketchedClassifier against scikit-learn's SGDClassifier with logistic loss, in one run.

On each data set both stand at their defaults, and both tuned over one grid of rates and penalties
by the log-loss of a third of the training rows (of 6,000 of them, where there are more), where
SGDClassifier's rate is `eta0` with inverse scaling.  It prints accuracy and log-loss on the test
set, the rows that one processor learns a second (all passes counted, of SGDClassifier those of the
class that takes most), the time of a row over SGDClassifier's with the same options, and the memory
of the weights and what the learner keeps beside them.

With --rates it prints instead what larger and smaller default rates would have given: the log-loss
of a third of the training rows, over the least of all.

a9a is read from the folder that OCO_DATA names.  The text is the source of Python's standard
library: lines hashed into 2¹⁸ features, to be told apart by the package that they come from.
S-AdaGrad and FTSL cost O(kd) a row, however few entries that has, as does a penalty: neither takes
part there.

    OCO_DATA=… python benchmarks/sklearn_classifier.py [--only digits] [--without ftsl] [--rates]
"""

from __future__ import annotations

import argparse
import itertools
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

from oco.integrations.sklearn import SketchedClassifier, rates

RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
PENALTIES = (0.0, 1e-4)
FACTORS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
TUNING_ROWS = 6000
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


def entrants(name: str, without: list[str]) -> dict:
    found = {"SGDClassifier": SGDClassifier(loss="log_loss", random_state=0)}
    dense = ("s-adagrad", "ftsl", "adagrad", "ogd")
    for learner in dense if name != "library" else ("adagrad", "ogd"):
        found[learner] = SketchedClassifier(learner=learner, random_state=0)
    if name == "digits":
        found["s-adagrad, softmax"] = SketchedClassifier("softmax", random_state=0)
    return {entrant: found[entrant] for entrant in found if entrant not in without}


def grid(name: str, estimator) -> list[dict]:
    penalties = PENALTIES if name != "library" else PENALTIES[:1]
    settings = itertools.product(penalties, RATES)
    if isinstance(estimator, SGDClassifier):
        return [{"alpha": a, "learning_rate": "invscaling", "eta0": lr} for a, lr in settings]
    return [{"alpha": a, "lr": lr} for a, lr in settings]


def halves(X, y):
    """Return rows to fit on, as many again by half to judge by, and the labels of both."""
    if len(y) > TUNING_ROWS:
        X, _, y, _ = train_test_split(X, y, train_size=TUNING_ROWS, random_state=2, stratify=y)
    return train_test_split(X, y, test_size=1 / 3, random_state=1, stratify=y)


def cost_of(estimator, X, X_held, y, y_held) -> float:
    estimator.fit(X, y)
    return log_loss(y_held, estimator.predict_proba(X_held), labels=estimator.classes_)


def tuned(estimator, settings: list[dict], X, y):
    parts = halves(X, y)
    costs = [cost_of(clone(estimator).set_params(**setting), *parts) for setting in settings]
    return clone(estimator).set_params(**settings[int(np.argmin(costs))])


def kept_bytes(estimator) -> int:
    """Return the memory of what the model needs to learn on."""
    if isinstance(estimator, SGDClassifier):
        return estimator.coef_.nbytes + estimator.intercept_.nbytes
    return sum(player.state_bytes for player in estimator._players)


def factors(names: list[str], without: list[str]) -> Table:
    table = Table("data", "classifier", *(f"× {factor:g}" for factor in FACTORS), "least")
    for name in names:
        X, _, y, _ = DATA[name]()
        parts = halves(X, y)
        for entrant, estimator in entrants(name, without).items():
            if isinstance(estimator, SGDClassifier):
                continue
            costs, usual = [], rates.RATE
            for factor in FACTORS:
                rates.RATE = factor * usual
                costs.append(cost_of(clone(estimator), *parts))
            rates.RATE, least = usual, min(costs)
            table.add_row(name, entrant, *(f"{cost / least:.3f}" for cost in costs), f"{least:.4f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--without", nargs="+", default=[], help="learners that are left out")
    parser.add_argument("--rates", action="store_true")
    arguments = parser.parse_args()
    names, without = arguments.only, arguments.without
    warnings.simplefilter("ignore", ConvergenceWarning)
    if arguments.rates:
        with threadpool_limits(1):
            Console(width=110).print(factors(names, without))
        return
    table = Table(
        "data", "classifier", "options", "accuracy", "log-loss", "rows/s", "÷", "passes", "kB"
    )
    with threadpool_limits(1):
        for name in names:
            X, X_test, y, y_test = DATA[name]()
            base: dict[str, float] = {}
            for entrant, estimator in entrants(name, without).items():
                for options in ("default", "tuned"):
                    if options == "tuned":
                        estimator = tuned(estimator, grid(name, estimator), X, y)
                    # Not of the rows: to load kernels, and libraries.
                    clone(estimator).set_params(max_iter=1).fit(X[:500], y[:500])
                    started = time.process_time()
                    estimator.fit(X, y)
                    seconds = time.process_time() - started
                    rows = X.shape[0] * estimator.n_iter_ / seconds
                    base.setdefault(options, rows)
                    proba = estimator.predict_proba(X_test)
                    table.add_row(
                        name,
                        entrant,
                        options,
                        f"{estimator.score(X_test, y_test):.4f}",
                        f"{log_loss(y_test, proba, labels=estimator.classes_):.4f}",
                        f"{rows:,.0f}",
                        f"{base[options] / rows:.3g}",
                        str(estimator.n_iter_),
                        f"{kept_bytes(estimator) / 1e3:,.0f}",
                    )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
