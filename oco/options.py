"""The options of a run, one row each: what `Experiment`, the command line and studies go by.

A new row is an option everywhere: of `oco.run`, `compare`, `tune` and studies, on the help pages,
in what is saved, and, handed over by its name, of each learner, stream or domain whose signature
has it.  `oco.results.options` mirrors the rows for type checkers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from oco.kinds import (
    COLUMN,
    ENDS,
    FLAG,
    GRID,
    LABEL,
    NUMBER,
    PATH,
    POSITIVE,
    SHAPE,
    SIZE,
    SPECTRUM,
    TEXT,
    Kind,
    at_least,
    one_of,
    whole,
)
from oco.notations import DEFAULT_SPECTRUM

__all__ = [
    "CHECKS",
    "DEFAULT_NOISE",
    "DEFAULT_SKETCH",
    "DEFAULT_TURNS",
    "LOSSES",
    "MOST_SWITCHES",
    "OPTIONS",
    "WHAT",
    "Option",
    "checked",
    "default_sketch",
]

# Sketch size unless told, or d + 1 where that is less: the setting of the README's first example.
DEFAULT_SKETCH = 20
# What the streams that take them have unless told.
DEFAULT_NOISE, DEFAULT_TURNS = 0.1, 0.25
# Sections of a help page.
WHAT, LOSSES, CHECKS = "What to run", "The losses", "What to check"
# Of --dynamic: more switches take long to place.
MOST_SWITCHES = 100
# In each tenfold of rounds: more are a slip of the hand, which shall not fill the memory.
MOST_CHECKPOINTS = 10_000


@dataclass(frozen=True)
class Option:
    """An option of a run.

    Attributes
    ----------
    name : str
        As a keyword, and as a parameter of what takes it.
    kind : Kind
        What its values are.
    section : str
        Of the help page.
    takers : tuple of str
        ``"learner"``, ``"stream"`` and ``"domain"`` may ask for it; ``"run"`` itself always takes
        it.
    help : str
        What it is, in a line.
    default : object
        None where it need not be given.
    otherwise : str
        What it then is, in words.
    flag, unit : str
        On the command line: its name, ``--name`` unless told, and what stands for its value.
    names : str
        Where the names are that it may be, as ``"oco.losses:STREAMS"``.
    required : bool
        Whether it must be given; an Experiment takes it by its place.
    commands : tuple of str
        Which commands have it.
    interchangeable : bool
        Whether no valid value of it can unfit the parts of a run: one is tried for all.
    heading : bool
        Whether headings of figures and tables state it where it is given.
    """

    name: str
    kind: Kind
    section: str
    takers: tuple[str, ...]
    help: str
    default: Any = None
    otherwise: str = ""
    flag: str = ""
    unit: str | None = None
    names: str = ""
    required: bool = False
    commands: tuple[str, ...] = ("run", "compare", "tune")
    interchangeable: bool = False
    heading: bool = False

    @property
    def stored(self) -> Any:
        """The type of what an Experiment holds of it."""
        always = self.required or self.default is not None
        return self.kind.stored if always else self.kind.stored | None

    @property
    def sets_the_game(self) -> bool:
        """Whether it takes part in what is played against, and not in who plays alone."""
        return "stream" in self.takers or "domain" in self.takers


def checked(option: str, value: Any, name: str | None = None) -> Any:
    """Return the value of one option as it is stored.

    Parameters
    ----------
    option : str
        A key of `OPTIONS`.
    value : object
        What was given for it.
    name : str, optional
        What the error calls it; the option's name by default.

    Raises
    ------
    TypeError, ValueError
        If the value is out of the option's range.

    Examples
    --------
    >>> checked("lr", -1, "grid.lr[2]")
    Traceback (most recent call last):
    ...
    ValueError: grid.lr[2]: expected a finite number > 0, got -1
    >>> checked("shape", "3x2")
    Shape(m=3, n=2)
    """
    return OPTIONS[option].kind.check(name or option, value)


def default_sketch(d: int) -> int:
    """Return the sketch size in dimension `d` unless told: d + 1 is all that can be of use."""
    return min(DEFAULT_SKETCH, d + 1)


# fmt: off
_ROWS = (
    Option("algorithm", TEXT, WHAT, ("run", "learner"),
           "The learner: a name from 'oco list algs', experts:NAME for copies of it at several "
           "rates, or package.module:factory.",
           required=True, flag="--alg", unit="NAME", names="oco.algorithms:ALGORITHMS",
           commands=("run",)),
    Option("d", SIZE, WHAT, ("run", "learner", "stream"),
           "Dimension, at least 1; with --data, from the file."),
    Option("shape", SHAPE, WHAT, ("run", "learner", "stream", "domain"),
           "Rows and columns of x, where it is a matrix; takes the place of --d.", unit="MxN"),
    Option("k", whole(low=2), WHAT, ("learner",),
           "Sketch size of a learner that sketches, from 2 to d+1; of a matrix, for each side.",
           otherwise=f"{DEFAULT_SKETCH}, or d+1 if less"),
    Option("T", SIZE, WHAT, ("run", "learner", "stream"),
           "Rounds, at least 1, as 10000 or 1e4; with --data, all rows by default."),
    Option("lr", POSITIVE, WHAT, ("learner",), "Step size η > 0.",
           otherwise="what minimises the bound; needs a bounded domain",
           commands=("run", "compare"), interchangeable=True),
    Option("delta", POSITIVE, WHAT, ("learner",),
           "δ > 0 of ada-fd, in the units of the gradients; of dual averaging, at least the length "
           "of every gradient.", otherwise="1; the bound on the gradients", interchangeable=True),
    Option("alpha", POSITIVE, WHAT, ("learner",),
           "α > 0 of the Newton steps: their metric before any gradient.",
           otherwise="k/(σR²), without a sketch d/(σR²)", interchangeable=True),
    Option("grid", GRID, WHAT, ("learner",),
           "Rates of the copies that experts:NAME plays, evenly spaced in the logarithm.",
           otherwise="9, from 1/1000 to 10 times the learner's own", unit="FROM:TO:COUNT",
           commands=("run", "compare"), interchangeable=True),
    Option("domain", TEXT, WHAT, ("run", "domain"),
           "unconstrained, ball, box, simplex, l1-ball, operator-ball or ellipsoid.",
           default="ball", unit="NAME", names="oco.domains:DOMAINS"),
    Option("radius", POSITIVE, WHAT, ("stream", "domain"),
           "Of a ball, in its norm, > 0; also the length of the solution planted in stochastic "
           "streams.",
           default=1.0),
    Option("lower", ENDS, WHAT, ("domain",), "Lower end of the box's sides.", default=-1.0),
    Option("upper", ENDS, WHAT, ("domain",), "Upper end of the box's sides.", default=1.0),
    Option("semiaxes", ENDS, WHAT, ("domain",), "Semiaxes of the ellipsoid, > 0.", otherwise="1"),
    Option("seed", whole(low=0), WHAT, ("stream", "learner"),
           "Of all that is random, at least 0.", default=0, interchangeable=True),
    Option("stream", TEXT, LOSSES, ("run", "stream"),
           "Where the rounds come from: a name from 'oco list streams', or package.module:stream.",
           otherwise="stochastic; with --shape matrix-lowrank", unit="NAME",
           names="oco.losses:STREAMS"),
    Option("data", PATH, LOSSES, ("stream",),
           "Take the rounds from a file: svmlight text, .npz (arrays X and y, or sparse), .npy "
           "with the labels in the last column, .csv or .parquet, compressed or not; - for a "
           "pipe; sklearn:NAME for breast_cancer, diabetes, digits, iris or wine.", unit="FILE"),
    Option("label", COLUMN, LOSSES, ("stream",),
           "The column with the labels: its name, or its number from 1, -1 for the last.",
           otherwise="the last of a .npy file", unit="COLUMN"),
    Option("labels", PATH, LOSSES, ("stream",),
           "Take the labels from a file of their own: .npy, or text with one a line.",
           unit="FILE"),
    Option("loss", TEXT, LOSSES, ("run", "stream"),
           "What a wrong prediction costs: a name from 'oco list losses', or package.module:loss.",
           otherwise="the stream's own", unit="NAME", names="oco.losses:LOSSES"),
    Option("spectrum", SPECTRUM, LOSSES, ("stream",),
           "Of the features' covariance: power:α, exp:q, lowrank:r[:noise] or flat.",
           otherwise=str(DEFAULT_SPECTRUM), unit="TEXT", names="oco.notations:SPECTRA",
           heading=True),
    Option("noise", at_least(0), LOSSES, ("stream",),
           "Chance that a class label is wrong, 0 to 0.5; or width of a real label's error.",
           otherwise=str(DEFAULT_NOISE), heading=True),
    Option("turns", NUMBER, LOSSES, ("stream",),
           "Full turns of the leading subspace of drift and matrix-rotating over the run.",
           otherwise=str(DEFAULT_TURNS), heading=True),
    Option("r", whole(low=1), LOSSES, ("stream",),
           "Number of directions of the orthonormal stream; rank of a matrix stream's gradients.",
           otherwise="20, or d if less; 4 of a matrix", heading=True),
    Option("bias", FLAG, LOSSES, ("stream",),
           "Whether to append a feature that is always 1 to those of a file.", default=True),
    Option("features", whole(low=1), LOSSES, ("stream",),
           "Number of features in a file whose last ones may never occur.",
           otherwise="the largest seen"),
    Option("positive", LABEL, LOSSES, ("stream",),
           "The label of a file that is +1 for a binary loss, against all others.",
           otherwise="the larger of the two labels", unit="VALUE"),
    Option("checkpoints", whole(low=1, high=MOST_CHECKPOINTS), CHECKS, ("run",),
           "How often the bounds are checked in each tenfold of rounds.", default=5,
           interchangeable=True),
    Option("prefix_regret", FLAG, CHECKS, ("run",),
           "Check every checkpoint in full, against the best fixed point of its rounds; slow. "
           "Else only the last is, and for linear losses all.", default=False,
           interchangeable=True),
    Option("gap", POSITIVE, CHECKS, ("run",),
           "Certify the best fixed point to this fraction of the regret.", default=1e-3,
           interchangeable=True),
    Option("dynamic", whole(low=1, high=MOST_SWITCHES), CHECKS, ("run",),
           "Also certify the regret against the best sequence of points with at most so many "
           "switches; K must be bounded, and the features fit in memory.",
           otherwise="against fixed points alone", unit="SWITCHES"),
    Option("spectra", one_of("exact", "bracket", "none"), CHECKS, ("run",),
           "What is known of the spectrum of G_t at each checkpoint: exact, bracket (tr G^½ and "
           "Ω_k between two numbers that a sketch of the gradients proves, in any d) or none.",
           otherwise="exact up to d = 1000, then bracket", unit="WORD", interchangeable=True),
    Option("bracket_k", whole(low=2), CHECKS, ("run",),
           "Size of a sketch of the gradients for --spectra bracket, beside the learner's: a "
           "larger one narrows it.",
           otherwise=f"the learner's own, or {DEFAULT_SKETCH}", interchangeable=True),
)
# fmt: on
#: Every option by its name, in the order of the help pages.
OPTIONS = {option.name: option for option in _ROWS}
