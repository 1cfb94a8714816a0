"""Names and import strings lead to things, or to a message that helps."""

import os
import sys

import pytest

import oco
from oco.experiment.lookup import Options, described, resolve


def test_a_name_in_the_registry_wins():
    assert resolve("loss", "math:pi", {"math:pi": 3}) == 3


def test_an_import_string_leads_to_what_is_listed_or_marked():
    built_in = oco.algorithms.ALGORITHMS
    assert resolve("algorithm", "oco.algorithms.ogd:ogd", built_in) is oco.algorithms.ogd
    assert resolve("algorithm", "oco:algorithms.MirrorDescent", {}) is oco.algorithms.MirrorDescent
    assert resolve("loss", "oco.losses.functions:HINGE", {}) is oco.losses.LOSSES["hinge"]
    assert resolve("sketch", "oco.sketch:FrequentDirections", {}) is oco.sketch.FrequentDirections


@pytest.mark.parametrize(
    ("kind", "name", "decorator"),
    [
        ("loss", "shutil:rmtree", "@oco.loss"),
        ("loss", "math:pi", "@oco.loss"),
        ("loss", "oco.losses:Drift", "@oco.loss"),
        ("stream", "pathlib:Path", "@oco.stream"),
        ("stream", "oco.algorithms:ogd", "@oco.stream"),
        ("stream", "oco.losses:DataFile.rows", "@oco.stream"),
        ("algorithm", "os:path.join", "@oco.learner"),
        ("algorithm", "oco.algorithms:ALGORITHMS", "@oco.learner"),
        ("algorithm", "oco.losses:Stream", "@oco.learner"),
        ("sketch", "builtins:print", "@oco.marks.sketch"),
    ],
)
def test_what_is_not_of_its_kind_is_refused(kind, name, decorator):
    with pytest.raises(ValueError, match=rf"^{kind}: '{name}' is not marked as a ") as error:
        resolve(kind, name, {})
    assert str(error.value).endswith(f"one of your own has {decorator} above it")


def test_the_directory_one_is_in_is_the_last_to_be_looked_in(tmp_path, monkeypatch):
    source = "import sys, oco\nseen = list(sys.path)\n@oco.loss\ndef here(): ...\n"
    (tmp_path / "only_here.py").write_text(source, encoding="utf-8")
    (tmp_path / "colorsys.py").write_text("raise SystemExit('run')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    before = list(sys.path)
    resolve("loss", "only_here:here", {})
    assert sys.modules["only_here"].seen == [*before, os.getcwd()] and sys.path == before
    with pytest.raises(ValueError, match=r"'colorsys:hls_to_rgb' is not marked"):
        resolve("loss", "colorsys:hls_to_rgb", {})
    with pytest.raises(ValueError, match="no module 'nowhere'"):
        resolve("loss", "nowhere:x", {})
    assert sys.path == before


def test_a_directory_that_is_gone_holds_no_modules(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ValueError, match="no module 'nowhere'"):
        resolve("loss", "nowhere:x", {})


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hing", "unknown name 'hing'; did you mean 'hinge'"),
        ("absent_module:x", "there is no module 'absent_module'"),
        ("os.absent:x", "there is no module 'os.absent'"),
        ("math:coss", "the module 'math' has no 'coss'; did you mean 'cos'"),
        (":", "expected a name or 'package.module:attribute', got ':'"),
        ("math:", "expected a name or 'package.module:attribute'"),
        ("ma th:x", "expected a name or 'package.module:attribute'"),
        ("../math:x", "expected a name or 'package.module:attribute'"),
        ("", "unknown name ''"),
    ],
)
def test_a_name_that_leads_nowhere_is_explained(name, message):
    with pytest.raises(ValueError, match=r"^loss: ") as error:
        resolve("loss", name, {"hinge": 1})
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import absent_thing", "importing 'broken' failed: ModuleNotFoundError: .*absent_thing"),
        ("1 / 0", "importing 'broken' failed: ZeroDivisionError"),
        ("def (", "importing 'broken' failed: SyntaxError"),
    ],
)
def test_a_module_that_breaks_is_explained(source, message, on_path, monkeypatch):
    (on_path / "broken.py").write_text(source, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as error:
        resolve("loss", "broken:x", {})
    assert error.value.__cause__ is not None


def test_a_factory_gets_exactly_what_it_names():
    options = Options({"d": 3, "k": None, "lr": 0.5, "seed": 0})
    assert options.call("algorithm", lambda d, *, k=7, lr=None: (d, k, lr)) == (3, 7, 0.5)
    assert options.call("algorithm", lambda *args, **named: (args, named)) == ((), {})


def test_what_a_factory_lacks_is_named():
    options = Options({"d": None, "path": None})
    with pytest.raises(ValueError, match=r"^d: not given, and the stream line needs it"):
        options.call("stream", type("line", (), {"__init__": lambda self, d: None}))
    with pytest.raises(ValueError, match=r"^data: not given"):
        options.call("stream", lambda path: None)
    with pytest.raises(ValueError, match=r"^stream: .* an argument 'width', which is no option"):
        options.call("stream", lambda width: None)
    with pytest.raises(ValueError, match=r"^stream: expected something to call, got 3"):
        options.call("stream", 3)


def test_objects_are_described_by_where_they_come_from():
    assert described("ogd") == "ogd"
    assert described(Options) == described(Options({})) == "oco.experiment.lookup:Options"
