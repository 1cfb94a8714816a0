"""Records are equal by content and survive strict JSON."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oco.results.records import Record, same


@dataclass(frozen=True, eq=False)
class Leaf(Record):
    number: float
    text: str


@dataclass(frozen=True, eq=False)
class Tree(Record):
    count: int
    flag: bool | None
    number: float | None
    side: float | tuple[float, ...]
    leaf: Leaf | None
    leaves: tuple[Leaf, ...]
    names: dict[str, float]


numbers = st.floats(allow_nan=True, allow_infinity=True)
leaves = st.builds(Leaf, numbers, st.text())
trees = st.builds(
    Tree,
    st.integers(),
    st.none() | st.booleans(),
    st.none() | numbers,
    numbers | st.lists(numbers).map(tuple),
    st.none() | leaves,
    st.lists(leaves, max_size=3).map(tuple),
    st.dictionaries(st.text(), numbers, max_size=3),
)


@given(trees)
def test_a_record_survives_strict_json(tree):
    text = json.dumps(tree.plain(), allow_nan=False)
    assert Tree.from_plain(json.loads(text)) == tree


TREE = Tree(1, None, 1.0, 2.0, None, (Leaf(1.0, "a"),), {})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", 1.0),
        ("count", True),
        ("count", "1"),
        ("flag", 0),
        ("number", "one"),
        ("number", True),
        ("number", "nan"),
        ("side", ["x"]),
        ("leaf", {"number": 1.0}),
        ("leaf", []),
        ("leaves", {"number": 1.0}),
        ("leaves", [{"number": 1.0, "text": 3}]),
        ("names", {"a": None}),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=rf"{field}|Leaf\."):
        Tree.from_plain(TREE.plain() | {field: value})


def test_missing_and_unknown_fields_are_refused():
    plain = TREE.plain()
    with pytest.raises(ValueError, match="expected the fields"):
        Tree.from_plain(plain | {"more": 1})
    del plain["count"]
    with pytest.raises(ValueError, match="expected the fields"):
        Tree.from_plain(plain)
    with pytest.raises(ValueError, match="expected the fields"):
        Tree.from_plain([])


def test_what_was_written_before_a_field_existed_has_its_default():
    @dataclass(frozen=True, eq=False)
    class Grown(Record):
        old: int
        new: float | None = 0.5

    plain = {"old": 3}
    assert Grown.from_plain(plain) == Grown(3, 0.5)
    assert plain == {"old": 3}
    with pytest.raises(ValueError, match="expected the fields"):
        Grown.from_plain({"new": 1.0})


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), True),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0]), False),
        (np.array([1.0]), np.array([1]), False),
        (np.array([1.0]), np.array([[1.0]]), False),
        (np.array([1.0]), None, False),
        (np.array([1.0]), 1.0, False),
        (float("nan"), float("nan"), True),
        (float("nan"), 0.0, False),
        (0.0, float("nan"), False),
        (1, True, False),
        ((1.0, float("nan")), (1.0, float("nan")), True),
        ((1.0,), (1.0, 2.0), False),
        ({"a": np.zeros(2)}, {"a": np.zeros(2)}, True),
        ({"a": 1}, {"b": 1}, False),
    ],
)
def test_same(a, b, equal):
    assert same(a, b) is equal


def test_records_of_two_classes_differ():
    assert Leaf(1.0, "a") != "a"
    assert TREE.replace(count=2) != TREE
