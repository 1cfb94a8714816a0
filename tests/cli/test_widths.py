"""Every table of every command: at the widths that terminals have, and as files."""

import csv
import re
from importlib.util import find_spec

import numpy as np
import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from oco.cli import main, output
from oco.results.exports import sheets_of
from oco.results.layout import plain

GAME = ("--d", "30", "--T", "200")
COMMANDS = {
    "run": ("run", "--alg", "s-adagrad", *GAME, "--k", "5"),
    "run of a matrix": ("run", "--alg", "s-shampoo", "--shape", "8x6", "--T", "50", "--k", "3"),
    "compare": (
        *("compare", "--alg", "ogd", "--alg", "adagrad-norm", "--alg", "s-adagrad"),
        *("--alg", "full-adagrad", *GAME, "--lr", "0.123456"),
    ),
    "rank": ("rank", "gradients.npy"),
    "memory": ("memory", "1024x4096", "4096", "10x64x3x3"),
    "tune": ("tune", "--alg", "ada-fd", *GAME, "--grid", "1e-2:1:3", "--deltas", "1e-2:1:2"),
    "tune by regret": ("tune", "--alg", "ogd", *GAME, "--grid", "1e-2:1:3", "--by", "regret"),
    "spectra": ("spectra", "layer.npy", "--k", "4"),
    "spectra of vectors": ("spectra", "gradients.npy", "--k", "4"),
    "spectra of a network": ("reproduce", "spectra", "--steps", "2", "--k", "4"),
    "separation": ("reproduce", "separation", "--d", "12", "--T", "200", "--r", "4", "--k", "3"),
    "tightness": (
        *("reproduce", "tightness", "--d", "8", "--T", "60", "--k", "3", "--shape", "3x2"),
        *("--jobs", "1"),
    ),
    "appendix-a": ("reproduce", "appendix-a", "--data", "rows.npz", "--test", "rows.npz"),
    "verify": ("verify", "--cases", "1", "--check", "P1-under"),
    "list": ("list",),
} | {
    f"list {kind}": ("list", kind)
    for kind in ("learners", "losses", "streams", "domains", "optimizers")
}

if find_spec("torch"):
    COMMANDS["quality"] = (
        *("reproduce", "quality", "--task", "digits-mlp", "--steps", "2", "--seeds", "2"),
        *("--rounds", "1", "--jobs", "1", "--grid", "1e-3:1e-2:2"),
    )


# Print no table: a line of counts, a figure, a page.
WITHOUT = {("sweep",), ("plot",), ("report",)}
# Write a line for each run, with all digits, and not what they print.
OF_RUNS = {"run", "compare"}


@pytest.fixture(scope="module", params=COMMANDS)
def made(request, tmp_path_factory):
    """What a command prints, before it is laid out, and where it wrote its tables."""
    printed = []
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    np.save(folder / "gradients.npy", rng.standard_normal((300, 40)) * 0.7 ** np.arange(40))
    np.save(folder / "layer.npy", rng.standard_normal((300, 8, 5)))
    X = rng.standard_normal((60, 12))
    np.savez(folder / "rows.npz", X=X, y=np.where(X[:, 0] > 0, 1.0, -1.0))
    arguments = (*COMMANDS[request.param], "--csv", "tables.csv", "--latex", "tables.tex")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(output, "print_rich", lambda *parts, width=0: printed.extend(parts))
        outcome = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert outcome.exit_code in (0, 1), outcome.output
    assert printed
    return printed, folder, arguments[0]


@pytest.fixture(scope="module")
def parts(made):
    return made[0]


def numbers(text):
    return {word for word in text.split() if re.search(r"\d", word)}


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_table_keeps_to_the_width_with_every_number_whole(parts, width):
    shown = plain(*parts, width=width)
    assert "…" not in shown
    assert max(map(cell_len, shown.splitlines())) <= width
    wide = plain(*parts, width=1000)
    assert numbers(shown) == numbers(wide)
    assert set(re.findall(r"\w+", shown)) == set(re.findall(r"\w+", wide))


def test_every_table_is_written_to_files(made):
    printed, folder, command = made
    rows = list(csv.reader((folder / "tables.csv").read_text(encoding="utf-8").splitlines()))
    latex = (folder / "tables.tex").read_text(encoding="utf-8")
    if command in OF_RUNS:
        assert rows[0][0] == "algorithm" and len(rows) > 1 and latex.count(r"\toprule") == 1
        return
    sheets = sheets_of(printed)
    assert sheets and latex.count(r"\toprule") == len(sheets)
    for sheet in sheets:
        assert sheet.titles() in rows
        assert all(row in rows for row in sheet.texts())


def leaves(command=main, path=()):
    below = getattr(command, "commands", None)
    if below is None:
        yield path, {option for parameter in command.params for option in parameter.opts}
    else:
        for name, one in below.items():
            yield from leaves(one, (*path, name))


def test_every_command_that_prints_a_table_writes_it():
    options = dict(leaves())
    assert {path for path, has in options.items() if not {"--csv", "--latex"} <= has} == WITHOUT
    called = {path for path in options for line in COMMANDS.values() if line[: len(path)] == path}
    called |= {("reproduce", "quality")}  # which needs an extra
    # 'show' prints what others saved.
    assert set(options) - called == WITHOUT | {("show",)}
