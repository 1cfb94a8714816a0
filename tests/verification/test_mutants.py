"""Some of the faults in `mutants`, each noticed; ``tests/support/mutants.py`` tries all of them."""

from __future__ import annotations

import mutants
import mutation
import pytest

EVERY = [mutant for room in mutants.MUTANTS.values() for mutant in room]
# One a room, of those that show in the first cases.
SOME = {
    "the total mass is not decayed": "mass",
    "a Kronecker trace is a sum": "factors",
    "Ada-FD's potential leaves d out": "account",
    "all of the escaped mass is added where half is claimed": "half-error",
    "dual averaging pays in the metric after the gradient": "dual-account",
    "AdaHedge's regret is left out of the certificate": "experts-rungs",
    "the squared loss is not halved": "loss",
    "the gradient is that of the round before": "protocol",
    "FTSL's kernel does not follow its sum": "kernel-point",
    "offsets are raised by their rounding": "minorant",
    "a sequence does not switch inside of blocks": "sequences",
    "theorem 3 has Ω_{k+1}": "rungs",
    "D leaves ‖x̂‖ out on an unbounded domain": "diameter",
}
CASES = 8


@pytest.mark.parametrize("mutant", EVERY, ids=lambda mutant: mutant.fault)
def test_every_fault_changes_the_package(mutant):
    file, text = mutant.rewritten()
    compile(text, file, "exec")


@pytest.mark.parametrize("mutant", [one for one in EVERY if one.fault in SOME], ids=str)
def test_a_fault_is_noticed_by_the_property_that_is_named_for_it(mutant):
    assert SOME[mutant.fault] in mutation.try_mutant(mutant, CASES).violated


def test_oco_verify_says_so():
    (mutant,) = (one for one in EVERY if one.fault == "theorem 3 has Ω_{k+1}")
    done = mutation.python(mutant, "-m", "oco", "verify", "--cases=6", "--check=rungs")
    assert done.returncode == 1, done.stderr
    assert "VIOLATED: rungs" in done.stderr and "theorem-3" in done.stderr
    assert (
        mutation.python(None, "-m", "oco", "verify", "--cases=6", "--check=rungs").returncode == 0
    )
