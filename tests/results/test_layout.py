"""Tables at any width: every cell whole, the key beside it, no line too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from oco.results.layout import NARROWEST, Column, Sheet, line, plain, width_given, words

SHORT = st.text(st.sampled_from("abc019.,%±–Ωρ漢"), min_size=1, max_size=9)
SENTENCE = st.lists(SHORT, min_size=1, max_size=12).map(" ".join)


@st.composite
def sheets(draw):
    """A sheet with distinct keys, and its cells."""
    kinds = draw(st.lists(st.booleans(), min_size=1, max_size=8))
    joined = draw(st.lists(st.booleans(), min_size=len(kinds), max_size=len(kinds)))
    columns = [
        Column(draw(SENTENCE), words=is_words, joined=beside)
        for is_words, beside in zip(kinds, joined, strict=True)
    ]
    for i, column in enumerate(columns):
        # Two numbers are what is joined in the tables of this package.
        if column.joined and (
            i == 0 or column.words or columns[i - 1].words or columns[i - 1].joined
        ):
            columns[i] = Column(column.title, words=column.words)
    sheet, rows = Sheet("key", *columns), []
    for i in range(draw(st.integers(1, 4))):
        cells = [draw(SENTENCE if is_words else SHORT) for is_words in kinds]
        rows.append([f"k{i}", *cells])
        sheet.add(*rows[-1])
    return sheet, rows


@given(sheets(), st.integers(NARROWEST, 160))
def test_no_width_loses_or_breaks_a_cell(drawn, width):
    sheet, rows = drawn
    shown = plain(sheet, width=width)
    assert all(cell_len(row) <= width for row in shown.splitlines())
    assert "…" not in shown
    for row in rows:
        for cell in row:
            for word in cell.split():
                assert word in shown.split()
    blocks = shown.split("\n\n")
    for block in blocks:
        titles, _, body = block.partition("─\n")
        assert titles.splitlines()[-2 if "─" in titles.splitlines()[-1] else -1].startswith("key")
        keys = [row.split(" ")[0] for row in body.splitlines() if row.startswith("k")]
        assert keys == [row[0] for row in rows]


def test_columns_go_on_below_in_their_order_and_pairs_stay_together():
    sheet = Sheet("learner", "first", "regret", Column("to", joined=True), "last")
    sheet.add("ogd", "1" * 12, "2" * 12, "3" * 6, "4" * 3)
    assert plain(sheet, width=42).splitlines() == [
        "learner         first",
        "─────────────────────",
        "ogd      111111111111",
        "",
        "learner        regret      to  last",
        "───────────────────────────────────",
        "ogd      222222222222  333333   444",
    ]


def test_sentences_are_wrapped_before_columns_go_below():
    sheet = Sheet("name", words("what it is"), "size")
    sheet.add("x", "a sentence of quite some length", "12")
    assert plain(sheet, width=40).splitlines() == [
        "name  what it is                    size",
        "────────────────────────────────────────",
        "x     a sentence of quite some        12",
        "      length",
    ]


def test_what_is_wider_than_everything_is_folded_whole():
    sheet = Sheet("key", "value")
    sheet.add("p" * 100, "v" * 100)
    shown = plain(sheet, width=40)
    assert shown.count("p") == 100 and shown.count("v") == 100 + 1
    assert max(map(len, shown.splitlines())) <= 40


def test_text_is_taken_as_it_is():
    sheet = Sheet("key", "value")
    sheet.add("g[red]x.npy", Text("h[/y]", "bold"))
    assert plain(sheet, line("[bold]no markup[/z]"), width=60).splitlines()[2:] == [
        "g[red]x.npy  h[/y]",
        "[bold]no markup[/z]",
    ]


def test_a_row_has_a_cell_for_each_column():
    with pytest.raises(ValueError, match=r"^cells: expected 2 of them, got 1"):
        Sheet("a", "b").add("x")


@pytest.mark.parametrize(
    ("given_columns", "width"),
    [
        (None, 100),
        ("", 100),
        ("x", 100),
        ("-5", 100),
        ("0", 100),
        ("²", 100),
        ("60", 60),
        ("5", 40),
    ],
)
def test_the_width_is_read_from_columns_if_it_is_one(given_columns, width, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    if given_columns is not None:
        monkeypatch.setenv("COLUMNS", given_columns)
    assert width_given(100) == width
