"""State that travels: in a pickle or a copy, to another process, engine or machine."""

from __future__ import annotations

import copy
from typing import TypeVar

import numpy as np

__all__ = ["Travelling", "writable"]

Thing = TypeVar("Thing", bound="Travelling")


def writable(array: np.ndarray) -> np.ndarray:
    """Return an array that kernels can work on: itself, or a copy if it may only be read.

    joblib maps large arrays into its workers to be read, and what comes by way of Dask may be read
    only too.

    Examples
    --------
    >>> array = np.frombuffer(bytes(8))
    >>> array.flags.writeable, writable(array).flags.writeable
    (False, True)
    """
    return np.require(array, requirements=["C", "A", "W", "E"])


class Travelling:
    """An object with arrays among its attributes, which it can change wherever it arrives.

    Shallow copies of it are deep: they would share what it changes.
    """

    def __copy__(self: Thing) -> Thing:
        return copy.deepcopy(self)

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(
            (name, writable(value) if isinstance(value, np.ndarray) else value)
            for name, value in state.items()
        )
