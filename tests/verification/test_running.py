"""Every check on every case: what is looked at by which name, and what an interrupt leaves."""

from __future__ import annotations

import signal

import pytest

import oco.simulator
from oco.verification import CHECKS, FAMILIES, PROPERTIES, draw, verify


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_property_is_looked_at_by_the_name_in_the_table(name):
    seen = verify(draw(2 * len(FAMILIES), seed=0, d_max=5), only=[name]).findings
    assert name in seen
    # Whether the checks complete is seen by all of them; any other name leaves some out.
    assert (set(seen) == set(PROPERTIES)) == (name == "completes")


def test_every_check_makes_an_observation_on_the_drawn_cases():
    result = verify(draw(2 * len(FAMILIES), seed=0, d_max=8))
    seen = {name for name, finding in result.findings.items() if finding.observations}
    assert seen == set(PROPERTIES) and result.holds
    assert all(check.properties for check in CHECKS.values())


@pytest.mark.parametrize("check", ["runs", "verdicts"])
def test_ctrl_c_in_the_middle_of_a_run_is_no_finding(check, monkeypatch):
    """The simulator makes a result of Ctrl-C, which says nothing about the property."""
    played = oco.simulator.play
    calls = []

    def interrupted(*arguments, **options):
        calls.append(None)
        options["progress"] = lambda _: signal.raise_signal(signal.SIGINT)
        return played(*arguments, **options)

    monkeypatch.setattr("oco.experiment.running.play", interrupted)
    found = verify(draw(20, seed=0, d_max=6), only=[check])
    assert found.interrupted and found.holds
    assert len(calls) == 1


def test_every_property_is_looked_at_by_some_check():
    looked_at = {name for check in CHECKS.values() for name in check.properties}
    assert looked_at | {"completes"} == set(PROPERTIES)
