"""Games with sparse rows beside the same rows made dense, and scikit-learn's SGDClassifier.

    python benchmarks/sparse_play.py --d 1048576 --k 20 --nnz 100 --rows 2048 --dense-rows 10

Processor time of one process.  Dense rounds are updates with the same rows' gradients; quality is
the share of labels, of a linear rule with noise, that were predicted wrongly when they came.
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np
from sklearn.linear_model import SGDClassifier
from sparse_rows import hashed, held

import oco
from oco.cores import one_blas_thread
from oco.losses import LOSSES
from oco.losses.files import DataFile
from oco.simulator import play

BALL, BOX, ANYWHERE = oco.Ball(10.0), oco.Box(-0.1, 0.1), oco.Euclidean()
# Rows are of length 1, or less where two entries fall into one place, and slopes are at most 1.
RATE, LONGEST = {"lr": 1.0}, {"lr": 1.0, "delta": 2.0}
# What plays where, with which options, and whether it has a sketch.  A diagonal metric's projection
# onto a ball costs O(d): those play unconstrained.
LEARNERS = {
    "ogd": ("ogd", BALL, RATE, False),
    "ogd in a box": ("ogd", BOX, RATE, False),
    "adagrad-norm": ("adagrad-norm", BALL, RATE, False),
    "adagrad": ("adagrad", ANYWHERE, RATE, False),
    "adagrad in a box": ("adagrad", BOX, RATE, False),
    "da-norm": ("da-norm", BALL, LONGEST, False),
    "da-diagonal": ("da-diagonal", ANYWHERE, LONGEST, False),
    "da-diagonal in a box": ("da-diagonal", BOX, LONGEST, False),
    "s-adagrad": ("s-adagrad", BALL, RATE, True),
    "ftsl": ("ftsl", BALL, LONGEST, True),
    "s-ons": ("s-ons", BALL, {"curvature": 0.1}, True),
}


def learner(name: str, d: int, k: int):
    """Return a learner in its domain."""
    algorithm, domain, options, sketched = LEARNERS[name]
    sketch = {"k": k} if sketched else {}
    return oco.algorithms.ALGORITHMS[algorithm](d, domain=domain, **options, **sketch)


def sparse_round(name: str, rows, labels, k: int) -> tuple[float, float]:
    """Return the seconds of a round, and the share of wrong predictions."""
    stream = DataFile(path=(rows, labels))
    start = time.process_time()
    found = play(
        learner(name, rows.shape[1], k),
        LOSSES["logistic"],
        stream,
        checkpoints=np.array([stream.T]),
    )
    assert found.status == "complete", found.message
    seconds = (time.process_time() - start) / stream.T
    return seconds, float(np.mean(found.margins * labels <= 0))


def dense_round(name: str, rows, labels, k: int, count: int) -> float:
    """Return the seconds of a round with a dense gradient, once a sketch is full."""
    player, spent = learner(name, rows.shape[1], k), 0.0
    for i in range(k + count):
        gradient = -0.5 * labels[i] * rows[[i]].toarray()[0]
        start = time.process_time()
        player.update(gradient)
        if i >= k:
            spent += time.process_time() - start
    return spent / count


def sgd_round(rows, labels) -> tuple[float, float]:
    """Return SGDClassifier's seconds of a row, and its share of wrong predictions a batch ahead."""
    rows = rows.copy()
    rows.indices, rows.indptr = rows.indices.astype(np.int32), rows.indptr.astype(np.int32)
    model, wrong, spent = SGDClassifier(loss="log_loss", random_state=0), 0, 0.0
    for first in range(0, rows.shape[0], 128):
        some = slice(first, first + 128)
        if first:
            wrong += int(np.sum(model.predict(rows[some]) != labels[some]))
        start = time.process_time()
        model.partial_fit(rows[some], labels[some], classes=[-1.0, 1.0])
        spent += time.process_time() - start
    return spent / rows.shape[0], wrong / (rows.shape[0] - 128)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--d", type=int, default=1 << 20)
    parser.add_argument("--k", type=int, default=20)
    parser.add_argument("--nnz", type=int, default=100)
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--dense-rows", type=int, default=10)
    parser.add_argument("--only", choices=LEARNERS, action="append", help="some of the learners")
    asked = parser.parse_args()

    def game(d: int, nnz: int):
        rows = hashed(asked.rows, d, nnz, seed=0)
        rng = np.random.default_rng(1)
        scores = rows @ rng.standard_normal(d) + 0.1 * rng.standard_normal(asked.rows)
        return rows, np.where(scores > 0, 1.0, -1.0)

    names = asked.only or LEARNERS
    with one_blas_thread():
        rows, labels = game(asked.d, asked.nnz)
        for name in names:
            sparse_round(name, *game(2000, 5), asked.k)
        sgd, sgd_wrong = sgd_round(rows, labels)
        print(f"d = {asked.d:,}, k = {asked.k}, {rows.nnz / asked.rows:.0f} entries a row")
        for name in names:
            before = held()
            quick, wrong = sparse_round(name, rows, labels, asked.k)
            grown = (held() - before) / ((asked.k + 2) * asked.d * 8)
            slow = dense_round(name, rows, labels, asked.k, asked.dense_rows)
            print(
                f"{name}: dense ÷ sparse {slow / quick:.1f}, SGDClassifier ÷ it {sgd / quick:.2f}, "
                f"wrong {wrong:.3f} (SGDClassifier {sgd_wrong:.3f}), "
                f"memory {grown:.2f}·(k+2)·d·8 B"
            )
        for name in names:
            by_d = [sparse_round(name, *game(d, asked.nnz), asked.k)[0] for d in (1 << 17, asked.d)]
            by_n = [sparse_round(name, *game(1 << 17, n), asked.k)[0] for n in (25, 200)]
            power_d = math.log(by_d[1] / by_d[0]) / math.log(asked.d / (1 << 17))
            power_n = math.log(by_n[1] / by_n[0]) / math.log(8)
            print(f"{name}: cost's power of d {power_d:.2f}, of entries a row {power_n:.2f}")


if __name__ == "__main__":
    main()
