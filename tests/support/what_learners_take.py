"""Options for learners that do not all take the same."""

from __future__ import annotations

from oco.experiment.takers import taken
from oco.results import Experiment


def only_taken(algorithm: str, **options) -> dict:
    """Return the options without those of an experiment that nothing in it takes."""
    others = set(Experiment.__dataclass_fields__) - taken({"algorithm": algorithm, **options})
    return {name: value for name, value in options.items() if name not in others - {"seed"}}
