r"""What each optimizer keeps of the squared gradients, and besides, counted from shapes alone.

The *second-moment memory* of an optimizer is what it needs to go on estimating the gradients'
covariance: the diagonal of Adam, the row and column means of AdaFactor, the matrices of Shampoo and
SOAP, the directions, eigenvalues and escaped mass of S-Shampoo's sketches.  What is computed from
these and kept to save time (roots), what a grafted step size needs, and the first moment are
counted in columns of their own.  A step counter is not counted.

For a parameter of shape n_1 × … × n_p (axes of length 1 merged away, p ≥ 2) of N numbers:

======================  ==================================================
full-matrix AdaGrad     N²
Shampoo                 Σ n_i²
S-Shampoo, sketch k     Σ (k − 1)(n_i + 1) + 1 where n_i > 2k, else n_i²
Adam                    N
SOAP                    N + Σ n_i², of the shape as it is given
Muon                    0 for a matrix, else N, as it leaves the rest to Adam
AdaFactor               N/n_{p−1} + N/n_p, of the shape as it is given
======================  ==================================================

and N for each but full-matrix AdaGrad where p ≤ 1.

Roots are those that `oco.integrations.torch.SShampoo` keeps: an inverse root as large as an exact
factor, k numbers for a sketch; and SOAP's eigenvectors, as large as its matrices.  S-Shampoo's
default step, of unit length, needs nothing else; the grafts of RMSProp and Adam keep N numbers
more, as Adam's second moment does, that of Adafactor Σ n_i.  The NumPy sketches hold room to work
in besides, max(8, k/2) rows of length n_i for the most part.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from functools import partial

from oco import checks
from oco.memory.shapes import Parameter
from oco.shampoo import EXACT_RATIO, GRAFT, GRAFTS, MAX_AXIS

__all__ = ["Entry", "Ledger", "StateSize", "ledger"]

# Bytes of a number: float32, in which networks are trained.
NUMBER_BYTES = 4
# The longest axis that SOAP keeps a covariance of.
SOAP_AXIS = 10_000


@dataclass(frozen=True)
class StateSize:
    """What an optimizer keeps, in numbers or in bytes.

    Attributes
    ----------
    second_moment : int
        Statistics of the squared gradients.
    roots : int
        Computed from the statistics, and kept.
    grafting : int
        The diagonal second moment from which a grafted step takes its length.
    first_moment : int
        Momentum.
    """

    second_moment: int
    roots: int = 0
    grafting: int = 0
    first_moment: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return sum(astuple(self))

    def __add__(self, other: StateSize) -> StateSize:
        return StateSize(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, factor: int) -> StateSize:
        return StateSize(*(factor * part for part in astuple(self)))


@dataclass(frozen=True)
class Entry:
    """One optimizer's row of the ledger.

    Attributes
    ----------
    optimizer : str
        Its name.
    k : int or None
        Sketch size, where it has one.
    states : tuple of StateSize
        For each parameter, in bytes.
    """

    optimizer: str
    k: int | None
    states: tuple[StateSize, ...]

    @property
    def label(self) -> str:
        """Name and sketch size."""
        return self.optimizer if self.k is None else f"{self.optimizer} k={self.k}"

    @property
    def state(self) -> StateSize:
        """Of all parameters together, in bytes."""
        return sum(self.states, StateSize(0))


@dataclass(frozen=True)
class Ledger:
    """The memory of several optimizers for the same parameters.

    Attributes
    ----------
    parameters : tuple of Parameter
    entries : tuple of Entry
        Full-matrix AdaGrad, Shampoo, S-Shampoo at each k, SOAP, Adam, Muon, AdaFactor.
    number_bytes : int
        Bytes of a number.
    max_axis : int or None
        Longest axis that is not cut into blocks.
    """

    parameters: tuple[Parameter, ...]
    entries: tuple[Entry, ...]
    number_bytes: int
    max_axis: int | None

    def __getitem__(self, label: str) -> Entry:
        """Return an optimizer's row by its label; a KeyError if it has none."""
        return {entry.label: entry for entry in self.entries}[label]

    @property
    def numbers(self) -> int:
        """How many numbers are trained."""
        return sum(math.prod(parameter.shape) for parameter in self.parameters)


def ledger(
    parameters: Iterable[Parameter | Sequence[int]],
    k: Sequence[int] = (),
    *,
    number_bytes: int = NUMBER_BYTES,
    max_axis: int | None = MAX_AXIS,
    graft: str = GRAFT,
) -> Ledger:
    """Count what each optimizer keeps for parameters of given shapes.

    Parameters
    ----------
    parameters : iterable of Parameter, or of sequences of int
        Shapes; from `shapes_of` or `read_shapes`, or as they are.
    k : sequence of int
        Sketch sizes of S-Shampoo, each ≥ 2.
    number_bytes : int
        Bytes of a number of the state: 4 for float32, 8 for float64.
    max_axis : int, optional
        Axes longer than this are cut into blocks with a preconditioner each; None cuts none.
    graft : str
        Of Shampoo and S-Shampoo: "rmsprop" and "adam" keep a number for each that is trained.

    Returns
    -------
    Ledger

    Raises
    ------
    TypeError, ValueError
        If there is no parameter, or anything is out of range.

    Examples
    --------
    >>> counted = ledger([(1024, 4096)], k=[64])
    >>> {entry.label: entry.state.second_moment for entry in counted.entries[1:]}
    {'shampoo': 71303168, 's-shampoo k=64': 1290752, 'soap': 88080384, 'adam': 16777216, 'muon': 0,
     'adafactor': 20480}
    """
    counted = tuple(
        p if isinstance(p, Parameter) else Parameter("x".join(map(str, p)) or "1", tuple(p))
        for p in parameters
    )
    if not counted:
        raise ValueError("parameters: expected at least one shape, got none")
    number_bytes = checks.integer("number_bytes", number_bytes, low=1)
    if max_axis is not None:
        max_axis = checks.integer("max_axis", max_axis, low=1)

    checks.choice("graft", graft, GRAFTS)

    def entry(
        name: str, count: Callable[[tuple[int, ...]], StateSize], k: int | None = None
    ) -> Entry:
        return Entry(name, k, tuple(count(p.shape) * number_bytes for p in counted))

    sketched = (
        entry("s-shampoo", partial(shampoo, max_axis=max_axis, k=k, graft=graft), k)
        for k in dict.fromkeys(checks.integer("k", k, low=2) for k in k)
    )
    return Ledger(
        counted,
        (
            entry("full-adagrad", full_adagrad),
            entry("shampoo", partial(shampoo, max_axis=max_axis, graft=graft)),
            *sketched,
            entry("soap", soap),
            entry("adam", adam),
            entry("muon", muon),
            entry("adafactor", adafactor),
        ),
        number_bytes,
        max_axis,
    )


def full_adagrad(shape: tuple[int, ...]) -> StateSize:
    """Count the matrix of a parameter seen as one vector (Duchi, Hazan, Singer, JMLR 2011)."""
    return StateSize(math.prod(shape) ** 2)


def adam(shape: tuple[int, ...]) -> StateSize:
    """Count both moments (Kingma, Ba, ICLR 2015)."""
    return StateSize(math.prod(shape), first_moment=math.prod(shape))


def soap(shape: tuple[int, ...]) -> StateSize:
    """Count the covariance of each axis, its eigenvectors, and Adam's moments in their basis.

    Source: Vyas et al., *SOAP: improving and stabilizing Shampoo using Adam*, ICLR 2025.  As there,
    an axis longer than `SOAP_AXIS` has no covariance, and vectors are Adam's.
    """
    if len(shape) < 2:
        return adam(shape)
    matrices = sum(n * n for n in shape if n <= SOAP_AXIS)
    return adam(shape) + StateSize(matrices, roots=matrices)


def muon(shape: tuple[int, ...]) -> StateSize:
    """Count the momentum of a matrix; all else is Adam's, as Muon takes matrices alone.

    Source: K. Jordan et al., *Muon: an optimizer for hidden layers in neural networks*, 2024.
    """
    return StateSize(0, first_moment=math.prod(shape)) if len(shape) == 2 else adam(shape)


def adafactor(shape: tuple[int, ...]) -> StateSize:
    """Count means over the last axis and the one before (Shazeer, Stern, ICML 2018)."""
    numbers = math.prod(shape)
    if len(shape) < 2:
        return StateSize(numbers)
    return StateSize(numbers // shape[-1] + numbers // shape[-2])


def shampoo(
    shape: tuple[int, ...],
    max_axis: int | None = None,
    k: int | None = None,
    graft: str = GRAFT,
) -> StateSize:
    """Count a factor for each axis of each block, exact (k None) or sketched, and the graft.

    Sources: Gupta, Koren, Singer, ICML 2018; Feinberg et al., NeurIPS 2023.
    """
    numbers = math.prod(shape)
    shape = tuple(n for n in shape if n > 1)
    if len(shape) < 2:
        return StateSize(numbers, first_moment=numbers)
    second_moment = roots = 0
    for block, count in _blocks(shape, max_axis):
        for n in block:
            if k is None or n <= EXACT_RATIO * k:
                second_moment += count * n * n
                roots += count * n * n
            else:
                second_moment += count * ((k - 1) * (n + 1) + 1)
                roots += count * k
    grafting = numbers if graft in ("rmsprop", "adam") else 0
    grafting = sum(shape) if graft == "adafactor" else grafting
    return StateSize(second_moment, roots, grafting=grafting, first_moment=numbers)


def _blocks(shape: tuple[int, ...], max_axis: int | None) -> list[tuple[tuple[int, ...], int]]:
    """Return the shapes of the blocks, and how many there are of each."""
    lengths = []
    for n in shape:
        whole, rest = (1, 0) if max_axis is None or n <= max_axis else divmod(n, max_axis)
        longest = n if max_axis is None else min(n, max_axis)
        lengths.append([(longest, whole), (rest, 1 if rest else 0)])
    blocks: Counter[tuple[int, ...]] = Counter()
    for pieces in itertools.product(*lengths):
        blocks[tuple(n for n, _ in pieces)] += math.prod(count for _, count in pieces)
    return [(block, count) for block, count in blocks.items() if count]
