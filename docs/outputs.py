r"""Compare every console output in the pages and the README with what its command prints now.

    python docs/outputs.py                   # those of a few seconds, as .ci/site does
    python docs/outputs.py --slow            # the others: minutes, with a9a in $OCO_DATA
    python docs/outputs.py --slow --only separation
    python docs/outputs.py --update PAGE...  # write what differs, and the figures drawn, instead

A block of ``text`` is the output of the last ``oco`` command in a block of ``sh`` above it.  A
comment in the line above a block says more:

    <!-- output, slow -->            takes longer than a few seconds
    <!-- output: oco run … -->       of this command, where it stands elsewhere or in another form
    <!-- output, last 2 lines -->    the end of it, or with "first" its beginning
    <!-- output, lines 7 to 9 -->    from its middle
    <!-- file: study.toml -->        the block is a file that commands below it read
    <!-- run -->                     the block of Python is run before the commands below it

All of a page runs in one folder that is thrown away.  Times are masked, widths of columns do not
count, and a number may differ by one in its last digit, which is how other processors round.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

DOCS = Path(__file__).resolve().parent
README = DOCS.parent / "README.md"
# Pages whose tables are records of measurements, each with what made it and when.
RECORDS = {
    "shampoo.md": "times of one machine",
    "verification.md": "a sketch that is broken on purpose",
}
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)
MARK = re.compile(r"(?P<what>output|file|run)(?P<how>(?:, [\w ]+)*)(?:: (?P<of>.*))?")
PART = re.compile(r"(first|last) (\d+) lines?|lines (\d+) to (\d+)")
TIME = re.compile(r"(?<![\w.,])[\d.,]+ (?:ns|µs|ms|s|minutes?)(?!\w)")
NUMBER = re.compile(r"[+-]?\d[\d,]*(?P<decimals>\.\d+)?(?:e(?P<power>[+-]?\d+))?")


class Stale(Exception):
    """What is wrong with a page."""


@dataclass(frozen=True)
class Step:
    """A block of a page and what is to be done with it.

    Attributes
    ----------
    what : str
        "output", "file" or "run".
    text : str
        The block's content, which begins at `start` in the page.
    of : str
        The command, or the file's name.
    slow : bool
    part : slice
        Which lines of the output there are to see.
    """

    what: str
    text: str
    start: int
    of: str
    slow: bool
    part: slice


def steps(page: str) -> Iterator[Step]:
    """Iterate over the blocks of a page that are made or that make something."""
    command = ""
    for block in BLOCK.finditer(page):
        mark = MARK.fullmatch(block["mark"] or "")
        how = mark["how"] if mark else ""
        what, of = (mark["what"], mark["of"] or "") if mark else ("", "")
        if block["kind"] == "sh":
            lines = [line for line in block["text"].splitlines() if line.startswith("oco ")]
            command = lines[-1] if lines else command
        if block["kind"] == "text" or what:
            yield Step(
                what or "output",
                block["text"],
                block.start("text"),
                of or command,
                "slow" in how,
                part_of(how),
            )


def part_of(how: str) -> slice:
    """Return which lines of an output a mark asks for; all if it does not say."""
    found = PART.search(how)
    if found is None:
        return slice(None)
    if found[3]:
        return slice(int(found[3]) - 1, int(found[4]))
    return slice(-int(found[2]), None) if found[1] == "last" else slice(int(found[2]))


def printed(step: Step, folder: Path) -> str:
    """Return what a command prints in a folder."""
    command = shlex.split(step.of, comments=True)
    if command[:1] != ["oco"]:
        raise Stale(
            f"a block of text, and no command of which it is the output: {step.text[:60]!r}"
        )
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    ran = subprocess.run(
        [sys.executable, "-m", "oco", *command[1:]],
        cwd=folder,
        env={**environment, "PYTHONIOENCODING": "utf-8", "MPLBACKEND": "agg"},
        capture_output=True,
        encoding="utf-8",
    )
    if ran.returncode not in (0, 1) or not ran.stdout:
        raise Stale(f"{step.of}: exit code {ran.returncode}: {ran.stderr.strip()[-500:]}")
    lines = [line.rstrip() for line in ran.stdout.rstrip().splitlines()]
    return "\n".join(lines[step.part]) + "\n"


def differences(written: str, now: str) -> list[str]:
    """Return the lines that differ, as they are written and as they are now."""
    pairs = zip_longest(written.rstrip().splitlines(), now.rstrip().splitlines(), fillvalue="")
    return [f"- {old}\n+ {new}" for old, new in pairs if not alike(old, new)]


def alike(one: str, other: str) -> bool:
    """Return whether two lines say the same but for times, spaces and a last digit.

    Examples
    --------
    >>> alike("ogd  1.93  22.8 µs  2.41 kB", "ogd 1.92 3 ms 2.41 kB")
    True
    >>> alike("ogd  1.93", "ogd  1.91"), alike("a 7", "a 8"), alike("k = 56", "k = 57")
    (False, False, False)
    """
    words = [TIME.sub("…", re.sub("─+", "─", line)).split() for line in (one, other)]
    if len(words[0]) != len(words[1]):
        return False
    return all(map(_close, *words))


def _close(one: str, other: str) -> bool:
    if one == other:
        return True
    found = [NUMBER.search(word) for word in (one, other)]
    if None in found or NUMBER.sub("", one, 1) != NUMBER.sub("", other, 1):
        return False
    # Whole numbers count something.
    if not any(number["decimals"] or number["power"] for number in found):
        return False
    units = [10.0 ** (int(n["power"] or 0) - len(n["decimals"] or ".") + 1) for n in found]
    values = [float(number[0].replace(",", "")) for number in found]
    return abs(values[0] - values[1]) < 1.5 * max(units)


def visit(path: Path, *, slow: bool, update: bool, only: str = "") -> tuple[int, list[str]]:
    """Make the outputs of a page, of some commands; return how many, and what differs."""
    page = path.read_text(encoding="utf-8")

    def wanted(step: Step) -> bool:
        return step.what == "output" and step.slow == slow and only in step.of

    todo = list(steps(page))
    if not any(map(wanted, todo)):
        return 0, []
    made, wrong, moved = 0, [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "docs").mkdir()
        for step in todo:
            if step.what == "file":
                (folder / step.of).write_text(step.text, encoding="utf-8")
            elif step.what == "run":
                subprocess.run([sys.executable, "-c", step.text], cwd=folder, check=True)
            elif wanted(step):
                made += 1
                now = printed(step, folder)
                found = differences(step.text, now)
                if update and found:
                    start = step.start + moved
                    page = page[:start] + now + page[start + len(step.text) :]
                    moved += len(now) - len(step.text)
                elif found:
                    wrong += [f"{path.name}: {step.of}", *found]
        if update:
            path.write_text(page, encoding="utf-8")
            for figure in (folder / "docs").glob("*.svg"):
                shutil.copy(figure, DOCS / figure.name)
    return made, wrong


def main() -> int:
    """Visit the pages that are named, or all of them; return 1 if an output is stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", type=Path, help="all by default")
    parser.add_argument("--slow", action="store_true", help="those that take minutes")
    parser.add_argument("--only", default="", metavar="WORDS", help="that are in the command")
    parser.add_argument("--update", action="store_true", help="write what differs")
    options = parser.parse_args()
    pages = options.pages or [README, *sorted(DOCS.glob("*.md"))]
    count, problems = 0, []
    for path in pages:
        if path.name in RECORDS:
            continue
        try:
            made, wrong = visit(path, slow=options.slow, update=options.update, only=options.only)
        except Stale as error:
            made, wrong = 0, [f"{path.name}: {error}"]
        count, problems = count + made, problems + wrong
    print("\n".join(problems) or f"{count} outputs are as their commands print them")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
