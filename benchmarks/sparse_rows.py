"""Frequent Directions of sparse rows beside the same rows made dense: time a row, memory, error.

    python benchmarks/sparse_rows.py --d 1048576 --k 20 --nnz 100 --rows 3000 --dense-rows 20

The dense rows are the first of the sparse ones; both sketches of these are compared.  Memory is the
largest that the process has held while sparse rows were absorbed, less what it held before.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
from scipy import sparse

from oco.cores import one_blas_thread
from oco.sketch import FrequentDirections


def hashed(rows: int, d: int, nnz: int, seed: int) -> sparse.csr_array:
    """Return rows with entries in places that are as frequent as words are, like 1/i."""
    rng = np.random.default_rng(seed)
    ranks = np.minimum(np.exp(rng.uniform(0, np.log(d), rows * nnz)).astype(np.int64), d - 1)
    columns = ranks * 2654435761 % d
    values = rng.choice([-1.0, 1.0], rows * nnz) / np.sqrt(nnz)
    result = sparse.csr_array((values, columns, np.arange(rows + 1) * nnz), shape=(rows, d))
    result.sum_duplicates()
    return result


def held() -> int:
    """Return the largest memory that the process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--d", type=int, default=1 << 20)
    parser.add_argument("--k", type=int, default=20)
    parser.add_argument("--nnz", type=int, default=100)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--dense-rows", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rows = hashed(asked.rows, asked.d, asked.nnz, asked.seed)
    stored = rows.data.nbytes + rows.indices.nbytes + rows.indptr.nbytes
    # What is compiled is compiled, and libraries are loaded, before the clock starts.
    for warm in (rows[:5, :200], rows[:5, :200].toarray()):
        FrequentDirections(200, asked.k).extend(warm)
    with one_blas_thread():
        sketch, before = FrequentDirections(asked.d, asked.k), held()
        start = time.perf_counter()
        sketch.extend(rows)
        quick = (time.perf_counter() - start) / asked.rows
        memory = held() - before
        few = rows[: asked.dense_rows]
        first, dense = (FrequentDirections(asked.d, asked.k) for _ in range(2))
        first.extend(few)
        start = time.perf_counter()
        for row in few:
            dense.append(row.toarray()[0] if row.ndim == 2 else row.toarray())
        slow = (time.perf_counter() - start) / asked.dense_rows
    off = np.abs(first.eigenvalues - dense.eigenvalues).max() / dense.total_mass
    units = (asked.k + 2) * asked.d * 8
    print(f"d = {asked.d:,}, k = {asked.k}, {rows.nnz / asked.rows:.0f} entries a row")
    print(f"sparse rows: {1e3 * quick:.3f} ms a row; as dense ones {1e3 * slow:.3f} ms")
    print(f"dense/sparse: {slow / quick:.1f}")
    print(
        f"largest memory beyond the rows' {stored / 1e6:.0f} MB: {memory / units:.2f}·(k+2)·d·8 B"
    )
    print(
        f"eigenvalues apart by {off:.1e} of tr G, escaped masses by "
        f"{abs(first.escaped_mass - dense.escaped_mass) / dense.total_mass:.1e}"
    )


if __name__ == "__main__":
    main()
