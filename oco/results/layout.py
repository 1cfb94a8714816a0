"""The one place that lays out tables: what does not fit beside the key is folded, never cut."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from oco.texts import shown

__all__ = [
    "NARROWEST",
    "Column",
    "Screen",
    "Sheet",
    "html",
    "line",
    "plain",
    "width_given",
    "words",
]

# Between two columns, in characters.
GAP = 2
# Words are wrapped to columns of at least this width, or go on below.
NARROW_WORDS = 24
# No terminal is taken to be narrower: a number that is broken says something else.
NARROWEST = 40


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : str
        May be wrapped between words.
    words : bool
        Whether the cells are sentences, which may be wrapped too; others are never broken.
    joined : bool
        Whether it stays beside the column before it: the other end of an interval, say.
    left : bool
        Whether the cells stand at the left.
    """

    title: str = ""
    words: bool = False
    joined: bool = False
    left: bool = False


class Screen(Console):
    r"""A console that shows text as it is: it finds no markup in it and obeys nothing in it.

    Examples
    --------
    >>> screen = Screen(file=io.StringIO(), width=40)
    >>> screen.print("g[red]x.npy\x1b[2J :smile:")
    >>> screen.file.getvalue()
    'g[red]x.npy\\x1b[2J :smile:\n'
    """

    def __init__(self, **settings) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **settings)

    def render(self, renderable, options=None) -> Iterable[Segment]:
        """Return what rich makes of a thing, with the texts in it made visible."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(shown(segment.text), segment.style)


def words(title: str = "") -> Column:
    """Return a column of sentences."""
    return Column(title, words=True, left=True)


class Sheet:
    """A table for a rich console, of a key and columns in the order of their importance.

    Parameters
    ----------
    key : str or Column
        The first column: what a row is about.
    *columns : str or Column
        The others.
    headed : bool
        Whether the titles are shown.

    Notes
    -----
    Titles are wrapped first, then sentences.  The last columns that still do not fit go on below
    the others, beside the key again.  So no width loses a column or breaks a number; only what is
    wider than the whole width is folded.

    Examples
    --------
    >>> sheet = Sheet("learner", "regret", Column("to", joined=True))
    >>> sheet.add("ogd", "12.5", "12.6")
    >>> print(plain(sheet, width=40))
    learner  regret    to
    ─────────────────────
    ogd        12.5  12.6
    """

    def __init__(self, key: str | Column, *columns: str | Column, headed: bool = True) -> None:
        first = key if isinstance(key, Column) else Column(key, left=True)
        others = (column if isinstance(column, Column) else Column(column) for column in columns)
        self.columns, self.headed = [first, *others], headed
        self.rows: list[tuple[list[Text], str]] = []

    def add(self, *cells: str | Text, style: str = "") -> None:
        """Add a row; text is taken as it is, markup is not looked for."""
        if len(cells) != len(self.columns):
            raise ValueError(f"cells: expected {len(self.columns)} of them, got {len(cells)}")
        made = [cell if isinstance(cell, Text) else Text(shown(cell)) for cell in cells]
        self.rows.append((made, style))

    def titles(self) -> list[str]:
        """Return what stands above the columns."""
        return [column.title for column in self.columns]

    def texts(self) -> list[list[str]]:
        """Return the cells of each row, in words alone."""
        return [[cell.plain for cell in cells] for cells, _ in self.rows]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        for i, widths in enumerate(self._parts(width)):
            if i:
                yield Text()
            yield self._table(widths)

    def _parts(self, width: int) -> list[dict[int, int]]:
        """Return which columns stand beside each other, with their widths."""
        least = [self._least(i) for i in range(len(self.columns))]
        wanted = [self._natural(i) for i in range(len(self.columns))]
        groups: list[list[int]] = []
        for i in range(1, len(self.columns)):
            if groups and self.columns[i].joined:
                groups[-1].append(i)
            else:
                groups.append([i])
        if groups:
            # A long key is wrapped where another column would have no room beside it.
            widest = max(sum(least[j] + GAP for j in group) for group in groups)
            least[0] = min(least[0], max(width // 2, width - widest))
        room = width - least[0]
        parts: list[list[int]] = [[]]
        for group in groups:
            together = [*parts[-1], *group]
            if parts[-1] and sum(least[j] + GAP for j in together) > room:
                parts.append(group)
            else:
                parts[-1] = together
        return [self._widths([0, *part], least, wanted, width) for part in parts]

    def _widths(self, part: list[int], least, wanted, width: int) -> dict[int, int]:
        """Share the width: sentences first, the short ones in full; then titles on one line."""
        widths = {i: min(least[i], max(1, width)) for i in part}
        left = width - sum(widths.values()) - GAP * (len(part) - 1)
        sentences = [i for i in part if self.columns[i].words and wanted[i] > widths[i]]
        for n, i in enumerate(sorted(sentences, key=lambda i: wanted[i] - widths[i])):
            more = min(wanted[i] - widths[i], max(0, left) // (len(sentences) - n))
            widths[i] += more
            left -= more
        for i in part:
            more = wanted[i] - widths[i]
            if not self.columns[i].words and 0 < more <= left:
                widths[i] += more
                left -= more
        if left < 0:
            # One column by itself that is wider than all: it is folded.
            widths[part[-1]] = max(1, widths[part[-1]] + left)
        return widths

    def _cells(self, i: int) -> Iterable[str]:
        return (line for cells, _ in self.rows for line in cells[i].plain.splitlines() or [""])

    def _natural(self, i: int) -> int:
        title = cell_len(self.columns[i].title) if self.headed else 0
        return max([title, *map(cell_len, self._cells(i)), 1])

    def _least(self, i: int) -> int:
        if self.columns[i].words:
            return min(self._natural(i), NARROW_WORDS)
        title = self.columns[i].title.split() if self.headed else []
        return max([*map(cell_len, title), *map(cell_len, self._cells(i)), 1])

    def _table(self, widths: dict[int, int]) -> Table:
        box = SIMPLE_HEAD if self.headed else None
        # The box puts a character of its own between columns.
        padding = (0, GAP - 1 if self.headed else GAP, 0, 0)
        table = Table(
            box=box, padding=padding, pad_edge=False, show_edge=False, show_header=self.headed
        )
        for i, width in widths.items():
            column = self.columns[i]
            table.add_column(
                Text(column.title),
                justify="left" if column.left else "right",
                style="bold" if i == 0 else "",
                width=width,
                overflow="fold",
            )
        for cells, style in self.rows:
            table.add_row(*(cells[i] for i in widths), style=style)
        return table


def line(text: str, style: str = "") -> Text:
    """Return a sentence to print: wrapped between words; markup is not looked for."""
    return Text(shown(text), style, overflow="fold")


def plain(*parts, width: int) -> str:
    """Return what a console of that width shows of tables and texts, without colours.

    Examples
    --------
    >>> print(plain("one two three", width=8))
    one two
    three
    """
    written = io.StringIO()
    console = Screen(file=written, width=width, color_system=None)
    for part in parts:
        console.print(line(part) if isinstance(part, str) else part)
    rows = written.getvalue().rstrip().splitlines()
    return "\n".join(row.rstrip() for row in rows)


def html(*parts, width: int) -> str:
    """Return what a console of that width shows, in colour, as a piece of HTML."""
    console = Screen(file=io.StringIO(), width=width, record=True)
    for part in parts:
        console.print(line(part) if isinstance(part, str) else part)
    return console.export_html(
        inline_styles=True, code_format='<pre style="line-height: 1.25">{code}</pre>'
    )


def width_given(otherwise: int) -> int:
    """Return the width that the environment variable COLUMNS asks for, if it is a number."""
    given = os.environ.get("COLUMNS", "")
    return max(int(given), NARROWEST) if given.isdecimal() and int(given) else otherwise
