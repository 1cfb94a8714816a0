"""When Python looks for garbage: not while libraries load, and not at the end of the process."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["loading"]

# Everything goes at the end, and is not looked through for cycles first: with all the libraries
# loaded, that takes as long as many a short run.
atexit.register(gc.freeze)


@contextmanager
def loading() -> Iterator[None]:
    """Load the libraries without looking for garbage among what they make.

    All of them stay, so they are never looked through later either.  Where NumPy is there already,
    libraries are not what is loaded.
    """
    if "numpy" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
