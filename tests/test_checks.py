"""What counts as an array of real numbers, for every entry that takes one."""

import inspect
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from what_learners_take import RATED, domain_of, own_options

from oco import checks
from oco.algorithms import ALGORITHMS
from oco.sketch import FrequentDirections, escaped_mass_limit

VALUES = [[1.0, 0.0, 2.0], [0.5, 3.0, 0.0], [4.0, 0.0, 1.0], [0.0, 2.0, 2.0]]
PLAIN = np.array(VALUES)
READ_ONLY = PLAIN.copy()
READ_ONLY.flags.writeable = False

# What is wrong, what the message says of it, and what to do.
REFUSED = {
    "complex": (PLAIN + 1j, "expected real numbers, got complex128; take .real and .imag"),
    "complex without imaginary part": (PLAIN + 0j, "got complex128"),
    "masked": (np.ma.masked_equal(PLAIN, 0.0), "got 4 masked entries; say what they are: .filled"),
    "csr": (scipy.sparse.csr_matrix(PLAIN), r"got a sparse csr_matrix; call .toarray\(\)"),
    "sparse array": (scipy.sparse.coo_array(PLAIN), r"got a sparse coo_array; call .toarray\(\)"),
    "objects": (PLAIN.astype(object), "expected real numbers, got object; convert it to float"),
    "decimals": ([[Decimal(1)] * 3] * 4, "got object"),
    "huge integers": ([[10**400] * 3] * 4, "got object"),
    "texts": (PLAIN.astype(str), "got <U"),
    "bytes": (PLAIN.astype("S5"), r"got \|S5"),
    "bools": (PLAIN > 1, "got bool; convert it to float"),
    "dates": (np.zeros((4, 3), "datetime64[s]"), r"got datetime64\[s\]"),
    "spans of time": (np.zeros((4, 3), "timedelta64[s]"), r"got timedelta64\[s\]"),
    "records": (np.zeros((4, 3), [("a", float)]), "expected real numbers, got "),
    "mixed frame": (pd.DataFrame({"a": [1.0], "b": ["x"], "c": [2.0]}), "got object"),
}
ACCEPTED = {
    "lists": VALUES,
    "integers": PLAIN.astype(np.int8) * 2 - 1,
    "unsigned": PLAIN.astype(np.uint64),
    "float16": PLAIN.astype(np.float16),
    "float32": PLAIN.astype(np.float32),
    "long double": PLAIN.astype(np.longdouble),
    "other byte order": PLAIN.astype(">f8"),
    "other byte order, integers": PLAIN.astype(">i2"),
    "frame": pd.DataFrame(PLAIN),
    "frame of integers and floats": pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": [1, 1]}),
    "matrix": PLAIN.view(np.matrix),
    "nothing masked": np.ma.masked_array(PLAIN, mask=False),
    "read only": READ_ONLY,
    "negative strides": PLAIN[::-1, ::-1],
    "columns first": np.asfortranarray(PLAIN),
    "every other column": np.repeat(PLAIN, 2, axis=1)[:, ::2],
    "unaligned": np.frombuffer(b"x" + PLAIN.tobytes(), dtype=np.uint8)[1:].view("f8").reshape(4, 3),
    "broadcast": np.broadcast_to(PLAIN[0], (4, 3)),
}


def sketch():
    return FrequentDirections(3, 3)


def first(rows):
    """The first row, in the kind of array that the rows are."""
    if isinstance(rows, list):
        return rows[0]
    if isinstance(rows, pd.DataFrame):
        return rows.iloc[0]
    if scipy.sparse.issparse(rows):
        return scipy.sparse.csr_matrix(rows)[0]
    return rows[0]


ENTRIES = {
    "append": ("row", lambda rows: sketch().append(first(rows))),
    "extend": ("rows", lambda rows: sketch().extend(rows)),
    "update": ("matrix", lambda rows: sketch().update(rows)),
    "guarantees": ("covariance", lambda rows: sketch().guarantees(rows[:3])),
    "limit": ("spectrum", lambda rows: escaped_mass_limit(first(rows), 2)),
}
for _name, _make in ALGORITHMS.items():
    _taken = inspect.signature(_make).parameters
    _options = {"shape": 3} if "shape" in _taken else {"d": 3}
    _options |= own_options(_name) | ({"lr": 0.5} if _name in RATED else {})
    _options |= {"domain": domain_of(_name)}

    def _update(rows, make=_make, options=_options):
        learner = make(**options)
        learner.update(first(rows))
        return learner

    ENTRIES[_name] = ("g", _update)


# A sketch takes sparse rows, which nothing else here does.
SPARSE, TAKE_SPARSE = ("csr", "sparse array"), ("append", "extend", "update")


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (entry, kind)
        for entry in ENTRIES
        for kind in REFUSED
        if kind != "mixed frame" and not (kind in SPARSE and entry in TAKE_SPARSE)
    ],
)
def test_what_is_not_real_numbers_is_refused_by_name(entry, kind):
    parameter, absorb = ENTRIES[entry]
    rows, _ = REFUSED[kind]
    if entry == "guarantees" and kind == "sparse array":
        rows = scipy.sparse.csr_array(rows)
    with pytest.raises(TypeError, match=f"^{parameter}: expected "):
        absorb(rows)


@pytest.mark.parametrize("kind", REFUSED)
def test_the_message_says_what_it_got_and_what_to_do(kind):
    rows, message = REFUSED[kind]
    with pytest.raises(TypeError, match=f"^rows: .*{message}"):
        checks.matrix("rows", rows, 3)


def test_what_is_refused_changes_nothing():
    held = sketch()
    held.extend(PLAIN)
    before = held.covariance().dense()
    for rows in (rows for kind, (rows, _) in REFUSED.items() if kind not in SPARSE):
        for absorb in (held.extend, held.update):
            with pytest.raises(TypeError):
                absorb(rows)
    np.testing.assert_array_equal(held.covariance().dense(), before)
    assert held.rows == 4


@pytest.mark.parametrize("kind", ACCEPTED)
def test_numbers_count_by_their_values(kind):
    rows = ACCEPTED[kind]
    values = np.array(rows, dtype=np.float64)
    expected, by_rows, by_block = sketch(), sketch(), sketch()
    for row in values:
        expected.append(row.copy())
    by_rows.extend(rows)
    np.testing.assert_array_equal(by_rows.covariance().dense(), expected.covariance().dense())
    one = sketch()
    one.append(np.ravel(first(rows)) if kind == "matrix" else first(rows))
    np.testing.assert_allclose(one.covariance().dense(), np.outer(values[0], values[0]), atol=1e-14)
    by_block.update(rows)
    np.testing.assert_allclose(by_block.total_mass, np.sum(values**2), rtol=1e-14)
    learner = ENTRIES["s-adagrad"][1](values)
    if kind != "matrix":
        np.testing.assert_array_equal(ENTRIES["s-adagrad"][1](rows).x, learner.x)


@pytest.mark.parametrize("rows", [[[1.0, 2.0, 3.0], [1.0]], [[1.0, [2.0], 3.0]]])
def test_ragged_lists_are_named(rows):
    with pytest.raises(ValueError, match=r"^rows: expected an array of numbers, got a ragged list"):
        sketch().extend(rows)


def test_long_doubles_beyond_the_range_are_infinite():
    huge = np.array([np.longdouble(10) ** 400, 0, 0])
    with pytest.raises(ValueError, match=r"^row: expected finite numbers, got inf at index"):
        sketch().append(huge)


@pytest.mark.parametrize("row", [1.0, np.float64(1.0), np.array(1.0), [], [[1.0, 2.0, 3.0]]])
def test_other_shapes_are_named(row):
    with pytest.raises(ValueError, match=r"^row: expected a vector of shape \(3,\), got shape"):
        sketch().append(row)
