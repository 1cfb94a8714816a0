"""An option is a row, and a row is an option everywhere."""

import inspect
import json
import subprocess
import sys

import pytest

from oco.algorithms import ALGORITHMS
from oco.domains import DOMAINS
from oco.experiment.takers import REGISTRIES, options_of
from oco.losses import LOSSES, STREAMS
from oco.notations import SPECTRA
from oco.options import DEFAULT_NOISE, DEFAULT_TURNS, OPTIONS, checked, default_sketch
from oco.results import Experiment

# Adds a row to the table before anything is made from it, and looks for it in every room.
PROGRAM = '''
import json, sys

from oco.kinds import POSITIVE
from oco.options import LOSSES, OPTIONS, WHAT, Option

OPTIONS["twist"] = Option(
    "twist", POSITIVE, LOSSES, ("stream",), "How much it twists.", otherwise="none", heading=True
)
OPTIONS["grip"] = Option("grip", POSITIVE, WHAT, ("learner",), "How hard it holds.", default=2.0)

import numpy as np
from click.testing import CliRunner

import oco
from oco.algorithms import ALGORITHMS, ogd
from oco.cli import main
from oco.losses import STREAMS, Stochastic
from oco.plots.groups import panels, setting_title
from oco.results.comparison import setting
from oco.sweeps.games import game_of

seen = {"twist": [], "grip": []}


class Twisted(Stochastic):
    """A stream that twists."""

    name = "twisted"

    def __init__(self, *, d: int, T: int, seed: int = 0, twist: float = 0.5) -> None:
        seen["twist"].append(twist)
        super().__init__(d=d, T=T, seed=seed)


def gripping(d: int, domain=None, lr: float = 0.1, grip: float = 1.0):
    """A learner that holds."""
    seen["grip"].append(grip)
    return ogd(d, domain=domain, lr=lr)


STREAMS["twisted"], ALGORITHMS["gripping"] = Twisted, gripping
found = {}


def say(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments]).output


game = {"d": 3, "T": 20, "stream": "twisted"}
results = [oco.run("gripping", twist=w, grip=g, **game) for w, g in ((3, 4), (3, 5), (6, 4))]
# A learner is also made, with its own defaults, to compile what it calls.
found["handed over"] = seen["twist"] + [grip for grip in seen["grip"] if grip != 1.0]
found["held"] = [results[0].experiment.twist, results[0].experiment.grip]
results[0].save(sys.argv[1] + "/one")
found["kept"] = oco.load_result(sys.argv[1] + "/one") == results[0]
found["documented"] = "twist : float, optional" in oco.Experiment.__doc__
for bad in ({"twist": -1}, {"twizt": 1}):
    try:
        oco.run("gripping", **game, **bad)
    except (TypeError, ValueError) as error:
        found[next(iter(bad))] = str(error)
try:
    oco.run("ogd", d=3, T=20, grip=3.0)
except ValueError as error:
    found["not taken"] = str(error)

first, same, other, held = (
    game_of(oco.Experiment("gripping", **game, **options)).stream
    for options in ({"twist": 1}, {"twist": 1, "grip": 3}, {"twist": 2}, {"twist": 2, "grip": 9})
)
found["made once"] = [first is same, first is other, other is held]
found["panels"] = [len(panel.results) for panel in panels(results)]
found["titles"] = ["twist 3.0" in setting_title(results[:1]), "twist 3.0" in setting(results[0])]

study = """
[experiment]
d = 3
T = 20
stream = "twisted"
algorithm = "gripping"
[grid]
twist = {from = 1, to = 100, count = 3}
grip = [1.0, 7]
"""
found["study"] = [
    [one.twist, one.grip] for one in oco.sweeps.parse_study(study).experiments
]
compared = oco.compare(["gripping", "ogd"], twist=8, grip=9, **game)
found["compared"] = [[one.experiment.twist, one.experiment.grip] for one in compared]
best = oco.tune("gripping", [0.1], twist=8, grip=9, jobs=1, **game).best.experiment
found["tuned"] = [best.twist, best.grip]
line = ["--d", 3, "--T", 20, "--stream", "twisted", "--twist", 8, "--grip", 9, "--json"]
found["run"] = json.loads(say("run", "--alg", "gripping", *line))["experiment"]
for command in ("run", "compare", "tune"):
    found["help of " + command] = say(command, "--help")
found["streams"], found["algs"] = say("list", "streams"), say("list", "algs")
print(json.dumps(found))
'''


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path_factory.mktemp("options"))],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_new_row_is_checked_held_handed_over_kept_and_documented(found):
    assert found["handed over"] == [3.0, 3.0, 6.0, 4.0, 5.0, 4.0]
    assert found["held"] == [3.0, 4.0]
    assert found["kept"] and found["documented"]
    assert found["twist"] == "twist: expected a finite number > 0, got -1"
    assert found["twizt"] == "twizt: unknown option; did you mean 'twist'?"
    assert found["not taken"].startswith("grip: not taken by the learner ogd")
    assert found["not taken"].endswith("taken by learner gripping")


def test_a_new_row_tells_streams_and_panels_apart_if_a_stream_takes_it(found):
    assert found["made once"] == [True, False, True]
    assert found["panels"] == [2, 1]
    assert found["titles"] == [True, True]


def test_a_new_row_is_an_option_of_studies_comparisons_and_tunings(found):
    assert found["study"] == [[w, g] for w in (1.0, 10.0, 100.0) for g in (1.0, 7.0)]
    assert found["compared"] == [[8.0, 9.0], [8.0, 2.0]]
    assert found["tuned"] == [8.0, 9.0]


def test_a_new_row_is_on_the_command_line_and_in_its_lists(found):
    assert (found["run"]["twist"], found["run"]["grip"]) == (8.0, 9.0)
    for command in ("run", "compare", "tune"):
        said = " ".join(found[f"help of {command}"].split())
        assert "--twist FLOAT How much it twists. [default: (none)]" in said
        assert "--grip FLOAT How hard it holds. [default: 2.0]" in said
    row = next(line for line in found["streams"].splitlines() if line.startswith("twisted"))
    assert row.split()[-1] == "--twist"
    row = next(line for line in found["algs"].splitlines() if line.startswith("gripping"))
    assert row.split()[-2:] == ["--lr", "--grip"]


def test_who_takes_an_option_is_who_asks_for_it():
    asked = {who: set().union(*map(options_of, all_.values())) for who, all_ in REGISTRIES.items()}
    for name, option in OPTIONS.items():
        for who in {"stream", "domain"} - set(option.takers):
            assert name not in asked[who], (name, who)
        if "run" not in option.takers and name != "labels":
            assert any(name in asked[who] for who in option.takers), name


def test_a_default_is_stated_as_it_is():
    stated = {"noise": DEFAULT_NOISE, "turns": DEFAULT_TURNS}
    things = [*ALGORITHMS.values(), *STREAMS.values()]
    for thing in things:
        for name, parameter in inspect.signature(thing).parameters.items():
            option = OPTIONS.get(name)
            if name in stated:
                assert parameter.default == stated[name]
            if option and isinstance(parameter.default, float):
                said = option.otherwise or str(option.default)
                assert str(parameter.default).removesuffix(".0") in said, (thing, name)
    assert (default_sketch(100), default_sketch(6)) == (20, 7)
    assert all(form.written in OPTIONS["spectrum"].help for form in SPECTRA.values())


def test_what_a_row_gives_by_default_it_would_take():
    for name, option in OPTIONS.items():
        if option.default is not None:
            assert checked(name, option.default) == option.default
    assert Experiment("ogd", d=2) == Experiment(
        "ogd",
        d=2,
        **{
            name: option.default
            for name, option in OPTIONS.items()
            if name not in ("algorithm", "d")
        },
    )


def test_names_are_where_the_rows_say():
    registries = {"algorithm": ALGORITHMS, "loss": LOSSES, "stream": STREAMS, "domain": DOMAINS}
    for name, registry in registries.items():
        home, _, attribute = OPTIONS[name].names.partition(":")
        assert getattr(sys.modules[home], attribute) is registry


def test_a_help_page_is_made_without_an_array_library():
    code = (
        "import sys\nfrom oco.cli import main\n"
        "main(['run', '--help'], standalone_mode=False)\n"
        "print([name for name in ('numpy', 'scipy', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
