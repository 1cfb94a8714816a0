"""Names and import strings lead to things, or to a message that helps."""

import math

import pytest

from oco.experiment.lookup import Options, described, resolve


def test_a_name_in_the_registry_wins():
    assert resolve("loss", "math:pi", {"math:pi": 3}) == 3
    assert resolve("loss", "math:pi", {}) == math.pi
    assert resolve("loss", "os:path.join", {}).__name__ == "join"


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
    assert options.unused() == {"seed"}


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
