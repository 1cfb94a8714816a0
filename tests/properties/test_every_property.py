"""Every property of `oco.verification` on streams that hypothesis searches."""

from __future__ import annotations

import hypothesis_profiles  # loads the profile
import pytest
from hypothesis import given, settings
from stream_strategies import cases

from oco.verification import CHECKS, Subject
from oco.verification.shrinking import observations

# Checks that solve other problems, or play all learners, at every case: fewer cases are enough.
assert hypothesis_profiles.LOADED
SLOW = {"comparator": 5, "sequences": 5, "ladders": 2, "accounts": 2}


@pytest.mark.parametrize("check", CHECKS)
def test_no_case_violates_it(check):
    examples = max(settings.default.max_examples // SLOW.get(check, 1), 5)

    @settings(max_examples=examples)
    @given(cases)
    def holds(case):
        for seen in observations(case, check, Subject()):
            assert seen.holds, f"{seen} on {case}:\n{case.rows!r}"

    holds()
