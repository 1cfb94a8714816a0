"""Which engine runs the hot kernels: numba where it is installed, NumPy otherwise.

A kernel is written once, as a function on arrays.  ``OCO_ENGINE=numpy`` in the environment turns
compilation off, ``OCO_ENGINE=numba`` insists on it.  numba itself is loaded by the first call of a
kernel, and what it has compiled is kept on disk: see `oco.linalg.cache`.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar, cast

from oco import checks
from oco.extras import missing
from oco.interrupts import interrupts_put_off

# A kernel is called as the function that it is made of.
Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = [
    "ENGINE",
    "Kernel",
    "inlined_kernel",
    "kernel",
    "machine_code",
    "released_kernel",
    "summing_kernel",
]


def _choose() -> str:
    installed = importlib.util.find_spec("numba") is not None
    wanted = os.environ.get("OCO_ENGINE") or ("numba" if installed else "numpy")
    checks.choice("OCO_ENGINE", wanted, ["numba", "numpy"])
    if wanted == "numba" and not installed:
        raise ImportError(f"OCO_ENGINE: {missing('numba')}")
    return wanted


ENGINE = _choose()


class Kernel:
    """A function on arrays, compiled by numba for the types that it is called with.

    Parameters
    ----------
    function : callable
        Of arrays and numbers; it may call other kernels.
    **options
        Of `numba.njit`.

    Attributes
    ----------
    function, options
        As given.
    """

    __qualname__: str

    def __init__(self, function: Callable, **options) -> None:
        functools.update_wrapper(self, function)
        self.function = cast(FunctionType, function)
        self.options = options

    def __call__(self, *args, **named):
        """Run the machine code for arguments of these types."""
        return self._compiled(*args, **named)

    @functools.cached_property
    def _compiled(self):
        """The dispatcher, made here with numba loaded: many a program never calls a kernel."""
        # An interrupt that meets numba's modules in C comes out as an import that failed, or not.
        with interrupts_put_off():
            return self._dispatcher()

    def _dispatcher(self):
        # numba's products call SciPy's BLAS, which must not be loaded in the middle of one: then
        # who has limited the threads of all loaded libraries would not have reached it.
        importlib.import_module("scipy.linalg")
        numba = importlib.import_module("numba")
        # Division by zero follows NumPy (inf, not an exception), and no fast-math but where a
        # kernel asks for it: the kernels rely on IEEE arithmetic to recognise rounding.
        compiled = numba.njit(error_model="numpy", **self.options)(self._linked())
        # With NUMBA_DISABLE_JIT it is the function itself.
        if hasattr(compiled, "_cache"):
            cache = importlib.import_module("oco.linalg.cache")
            compiled._cache = cache.KernelCache(self)
        return compiled

    def _linked(self) -> Callable:
        """Return the function, with what numba can compile in place of the kernels it calls."""
        function = self.function
        names = {
            name: value._compiled if isinstance(value, Kernel) and value is not self else value
            for name, value in function.__globals__.items()
            if name in function.__code__.co_names or name.startswith("__")
        }
        code, given = function.__code__, (function.__defaults__, function.__closure__)
        return functools.update_wrapper(FunctionType(code, names, code.co_name, *given), function)


def machine_code(function: Callable) -> Callable:
    """Return what a call of a kernel leads to: calling that instead spares a call in Python."""
    return function._compiled if isinstance(function, Kernel) else function


if ENGINE == "numba":

    def kernel(function: Function) -> Function:
        """Have a function compiled when it is first called."""
        return cast(Function, Kernel(function))

    def summing_kernel(function: Function) -> Function:
        """Have a function compiled that only adds up terms, in whatever order is fastest."""
        return cast(Function, Kernel(function, fastmath={"reassoc"}))

    def inlined_kernel(function: Function) -> Function:
        """Have a function compiled as a part of each kernel that calls it.

        For a long one with few callers: LLVM optimises a kernel again in each that calls it.
        """
        return cast(Function, Kernel(function, inline="always"))

    def released_kernel(function: Function) -> Function:
        """Have a function compiled that lets other threads run Python meanwhile.

        For one that works long enough to be worth a thread of its own.
        """
        return cast(Function, Kernel(function, nogil=True))

else:

    def kernel(function: Function) -> Function:
        """Return `function` as it is: it runs as NumPy."""
        return function

    summing_kernel = inlined_kernel = released_kernel = kernel
