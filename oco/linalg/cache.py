"""Compiled kernels on disk: one folder a version of them, in the user's cache, never beside them.

A folder is named by a hash of all that machine code is made from: the text of every file of kernels
(a kernel contains the machine code of those that it calls, in whatever file they are), Python,
numba and the libraries it builds on, numba's settings, and the processor.  So nothing stale is ever
run, and versions and machines do not meet.  A file holds one kernel for one set of argument types,
with a checksum: where it is absent, cut, damaged or foreign, or the disk full, read-only or not
there, the kernel is compiled.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from types import CodeType

import llvmlite
import numba
import numpy as np
import platformdirs
from numba.core import compiler, serialize

from oco.linalg.compilation import tell
from oco.linalg.engine import Kernel

__all__ = ["KernelCache", "cache_folder", "kernel_sources", "root_folder"]

PACKAGE = Path(__file__).parent.parent
# The import that makes a file one of kernels.
MARK = re.compile(rb"^from oco\.linalg\.engine import .*kernel", re.MULTILINE)
# How a file in the cache begins; the number changes with the layout.
MAGIC = b"oco kernel 1\n"
DIGITS = 32
# Other folders may be in use: by two versions side by side, or by machines of several kinds that
# share a home.  When one is made, the KEPT most recent stay, but for those that have not been used
# for KEPT_SECONDS, so that whoever edits kernels does not fill the disk.
KEPT, KEPT_SECONDS = 8, 30 * 86_400
# A folder's date says when it was last used, to within this.
MARKED_SECONDS = 86_400


@functools.cache
def kernel_sources() -> tuple[frozenset[str], str]:
    """Return the names of the package's modules of kernels, and a hash of their text."""
    names, hashed = set(), hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        content = path.read_bytes()
        if MARK.search(content):
            name = ".".join(("oco", *path.relative_to(PACKAGE).with_suffix("").parts))
            names.add(name)
            hashed.update(f"\n{name} {len(content)}\n".encode() + content)
    return frozenset(names), hashed.hexdigest()


def root_folder() -> Path:
    """Return the folder of the folders: in ``NUMBA_CACHE_DIR``, or else in the user's cache.

    Raises
    ------
    OSError
        If the system names none, as for a user without a home.
    """
    if numba.config.CACHE_DIR:
        # Others may use the same directory: what they have put there is not run.
        user = f"-{os.getuid()}" if hasattr(os, "getuid") else ""
        return Path(numba.config.CACHE_DIR).absolute() / f"oco-kernels{user}"
    try:
        folder = Path(platformdirs.user_cache_dir("oco", appauthor=False))
    except RuntimeError:
        folder = Path("~")
    # Earlier versions of platformdirs return a path that begins with ~ where no home is known.
    if not folder.is_absolute():
        raise OSError("the user has no home directory")
    return folder / "kernels"


@functools.cache
def cache_folder(processor: tuple) -> Path:
    """Return the folder of the present kernels, compiled for a processor; it is made if need be.

    Parameters
    ----------
    processor : tuple
        As numba's code generator describes it.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    settings = sorted(
        (name, value)
        for name, value in os.environ.items()
        if name.startswith("NUMBA_") and name != "NUMBA_CACHE_DIR"
    )
    versions = [sys.version, *(module.__version__ for module in (numba, llvmlite, np))]
    made_from = ("numba", versions, processor, settings, kernel_sources()[1])
    folder = root_folder() / hashlib.sha256(repr(made_from).encode()).hexdigest()[:DIGITS]
    try:
        if time.time() - folder.stat().st_mtime > MARKED_SECONDS:
            os.utime(folder)
    except FileNotFoundError:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_old(folder)
    return folder


def remove_old(new: Path) -> None:
    """Remove the folders beside a new one that have not been used for long, or are too many."""
    others = []
    for folder in new.parent.iterdir():
        with contextlib.suppress(OSError):
            if folder != new and folder.is_dir():
                others.append((folder.stat().st_mtime, folder))
    for others_kept, (used, folder) in enumerate(sorted(others, reverse=True)):
        if others_kept >= KEPT - 1 or time.time() - used > KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


class KernelCache:
    """The cache of one kernel, with the methods that numba's dispatcher calls.

    Parameters
    ----------
    kernel : Kernel
        Whose machine code it is.
    """

    # How many kernels are being compiled now, each because another calls it; why one was not kept.
    _compiling = 0
    _problem = ""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    @property
    def cache_path(self) -> str:
        """The folder that holds one folder for each version."""
        return str(root_folder())

    def load_overload(self, signature, context):
        """Return what was compiled for a signature; None where it is to be compiled now."""
        context.refresh()
        # Whatever is wrong with a file or a disk, the kernel can be compiled.
        with contextlib.suppress(Exception):
            path = self._path(signature, context.codegen())
            parts = pickle.loads(undamaged(path.read_bytes()))
            return compiler.CompileResult._rebuild(context, *parts)
        KernelCache._compiling += 1
        if KernelCache._compiling == 1:
            tell(True)
        return None

    def save_overload(self, signature, compiled) -> None:
        """Keep what was compiled, if the disk lets us."""
        try:
            path = self._path(signature, compiled.codegen)
            if not (compiled.lifted or compiled.library.has_dynamic_globals):
                _write(path, serialize.dumps(compiled._reduce()))
        except OSError as error:
            KernelCache._problem = error.strerror or str(error)
        KernelCache._compiling -= 1
        if KernelCache._compiling == 0:
            tell(False, KernelCache._problem)

    def _path(self, signature, codegen) -> Path:
        module, name = self._kernel.__module__, self._kernel.__qualname__
        if module not in kernel_sources()[0]:
            raise OSError(f"{module}: not a file of kernels")
        made_from = f"{signature}\n{loaded_code(self._kernel)}"
        version = hashlib.sha256(made_from.encode()).hexdigest()[:DIGITS]
        return cache_folder(codegen.magic_tuple()) / f"{module}.{name}-{version}"

    def enable(self) -> None:
        """Do nothing: the cache is always on."""

    def disable(self) -> None:
        """Do nothing: the cache is always on."""

    def flush(self) -> None:
        """Do nothing: what is kept is never stale."""


def loaded_code(kernel: Kernel) -> str:
    """Describe what Python runs for a kernel, those that it calls and the numbers that they use.

    The files may say something else: edited since they were loaded, or so soon after they were last
    compiled to bytecode, in place of a text of the same length, that Python took the old bytecode.
    """
    parts: list[tuple] = []
    seen, waiting = {kernel}, [kernel]
    while waiting:
        it = waiting.pop()
        codes = [it.function.__code__]
        parts.append((it.__module__, it.__qualname__, it.options))
        for code in codes:
            codes += [part for part in code.co_consts if isinstance(part, CodeType)]
            plain = [part for part in code.co_consts if not isinstance(part, CodeType)]
            parts.append((code.co_code, plain, code.co_names, code.co_varnames))
            for name in code.co_names:
                value = it.function.__globals__.get(name)
                if isinstance(value, (bool, int, float, str, tuple, np.dtype)):
                    parts.append((name, value))
                elif isinstance(value, Kernel) and value not in seen:
                    seen.add(value)
                    waiting.append(value)
    return repr(parts)


def undamaged(content: bytes) -> bytes:
    """Return what `_write` has written, without the checksum.

    Raises
    ------
    ValueError
        If it is something else.
    """
    start = len(MAGIC) + hashlib.sha256().digest_size
    if content[:start] != MAGIC + hashlib.sha256(content[start:]).digest():
        raise ValueError("not a compiled kernel, or damaged")
    return content[start:]


def _write(path: Path, content: bytes) -> None:
    """Write a file that is there with all its content, or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(MAGIC + hashlib.sha256(content).digest() + content)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
