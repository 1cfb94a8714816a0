"""What a user's own learner, loss or stream raises is named, kept, and shown where asked for."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

import oco
from oco.algorithms import Diagnostics
from oco.cli import main
from oco.losses import Stream

ACCOUNT = Diagnostics(0.0, 0.0, 0.0, None, None, 24)


class Learner:
    """Stays at 0; its account is what it is made with, or raised if it is an error."""

    def __init__(self, d, account=ACCOUNT, until=99):
        self.x, self.t, self.account, self.until = np.zeros(d), 0, account, until

    def update(self, g):
        self.t += 1

    def diagnostics(self):
        if self.t < self.until:
            return ACCOUNT
        if isinstance(self.account, Exception):
            raise self.account
        return self.account


def run(account, until=0, **options):
    factory = lambda d: Learner(d, account, until)  # noqa: E731 - takes d alone
    return oco.run(factory, **{"d": 3, "T": 50, **options})


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ({"tr": 1}, "must give an oco.algorithms.Diagnostics, got dict"),
        ((1, 2), "must give an oco.algorithms.Diagnostics, got tuple"),
        (KeyError("lost"), "KeyError: 'lost'"),
    ],
    ids=["dict", "tuple", "raises"],
)
@pytest.mark.parametrize(("until", "rounds"), [(0, 1), (6, 6), (50, 50)])
def test_an_account_that_is_none_is_named_and_what_was_played_is_kept(
    account, words, until, rounds, tmp_path
):
    result = run(account, until, out=tmp_path)
    summary = result.summary
    assert summary.status == "failed" and words in summary.message
    assert summary.message.startswith(f"after round {rounds}: the learner's diagnostics()")
    assert summary.rounds == rounds == result.trace.t[-1]
    assert summary.total_loss == pytest.approx(rounds * np.log(2))
    assert "diagnostics" in summary.traceback
    assert oco.load_result(tmp_path) == result


def test_no_account_at_all_is_no_fault():
    assert run(None).summary.status == "complete"


def test_a_last_account_that_fails_does_not_hide_why_the_rounds_ended():
    class Both(Learner):
        def update(self, g):
            super().update(g)
            if self.t == 8:
                raise RuntimeError("eight")

    summary = oco.run(lambda d: Both(d, {}, 7), d=3, T=50).summary
    assert (summary.status, summary.rounds) == ("failed", 7)
    assert summary.message == "round 8: RuntimeError: eight"
    assert "in update" in summary.traceback


class Raises(oco.losses.Loss):
    name, labels = "raises", "binary"

    def value(self, z, y):
        return self.deeper()

    def derivative(self, z, y):
        return -y

    def deeper(self):
        return {}["deep down"]


class Ends(Stream):
    def rows(self, start, stop):
        return [][start], np.ones(stop - start)


@pytest.mark.parametrize(
    ("options", "function"),
    [({"d": 3, "T": 9, "loss": Raises()}, "in deeper"), ({"stream": Ends(3, 9)}, "in rows")],
    ids=["loss", "stream"],
)
def test_where_it_was_raised_is_kept(options, function, tmp_path):
    result = oco.run("adagrad", out=tmp_path, **options)
    assert result.summary.message.startswith("round 1: ") and function in result.summary.traceback
    assert oco.load_result(tmp_path).summary.traceback == result.summary.traceback
    assert oco.run("ogd", d=3, T=9).summary.traceback == ""


def test_a_result_that_was_saved_before_has_no_traceback():
    summary = oco.run("ogd", d=3, T=9).summary
    plain = summary.plain()
    del plain["traceback"]
    assert type(summary).from_plain(plain) == summary


MINE = """
import numpy as np, oco

@oco.learner
class Breaks:
    def __init__(self, d): self.x, self.t = np.zeros(d), 0
    def update(self, g):
        self.t += 1
        if self.t == 5: self.helper()
    def helper(self): return {}["missing"]

@oco.learner
def unmade(d): return {}["made"]
"""


class TestDebug:
    @pytest.fixture(autouse=True)
    def mine(self, tmp_path, monkeypatch):
        (tmp_path / "mine_that_breaks.py").write_text(MINE, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)

    @staticmethod
    def invoke(*arguments):
        return CliRunner().invoke(main, list(map(str, arguments)), prog_name="oco")

    def test_a_run_that_fails_shows_where(self, tmp_path):
        arguments = ("--alg=mine_that_breaks:Breaks", "--d=3", "--T=20")
        quiet = self.invoke("run", *arguments, "--out", tmp_path / "out")
        assert quiet.exit_code == 1 and "Traceback" not in quiet.output
        assert "FAILED: round 5: KeyError: 'missing' (--debug shows where)" in quiet.stderr
        for command in (("run", *arguments), ("compare", *arguments), ("show", tmp_path / "out")):
            loud = self.invoke(*command, "--debug")
            assert "in helper" in loud.stderr and "FAILED: round 5: KeyError" in loud.stderr
        content = json.loads(self.invoke("run", *arguments, "--json").stdout)
        assert "in helper" in content["traceback"]

    @pytest.mark.parametrize("command", ["run", "compare"])
    def test_what_is_refused_before_the_run_does_too(self, command):
        arguments = (command, "--alg=mine_that_breaks:unmade", "--d=3", "--T=20")
        quiet = self.invoke(*arguments)
        assert quiet.exit_code == 2
        assert quiet.stderr == "Error: algorithm: unmade raised KeyError: 'made'\n"
        loud = self.invoke(*arguments, "--debug")
        assert loud.exit_code == 2 and "in unmade" in loud.stderr
        assert loud.stderr.endswith(quiet.stderr)
        assert "in unmade" not in self.invoke(*arguments).stderr
