"""Rewrite one expression of the package, and see whether ``oco verify`` notices."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import oco

__all__ = ["Mutant", "Outcome", "python", "try_mutant"]

PACKAGE = Path(oco.__file__).parent
# Looks at one case after the other, as `oco verify` does, and stops at the first violation.
DRIVER = """
import json, sys
import oco
from oco.verification import draw, verify

assert not oco.__file__.startswith(sys.argv[1]), oco.__file__
violated, number = [], 0
for number, case in enumerate(draw(int(sys.argv[2]), int(sys.argv[3])), 1):
    findings = verify([case], patience=0).findings.values()
    violated = [finding.name for finding in findings if finding.violated]
    if violated:
        break
print(json.dumps({"violated": violated, "cases": number}))
"""


@dataclass(frozen=True)
class Mutant:
    """A fault: in a function, every occurrence of one piece of code is replaced by another.

    Attributes
    ----------
    fault : str
        What is wrong, in words.
    room : str
        A module or a folder of the package, such as ``"sketch"``.
    function : str
        Name of the function, with that of its class or outer function before a dot; empty for code
        outside functions.
    old, new : str
        An expression, and what takes its place; or a statement, and the statements that do.
        Spacing does not matter.
    """

    fault: str
    room: str
    function: str
    old: str
    new: str

    def rewritten(self, package: Path = PACKAGE) -> tuple[Path, str]:
        """Return the file of a package that changes, and its text with the fault.

        Raises
        ------
        LookupError
            If there is no such code (any more), or more than one file has it.
        """
        place = package / self.room
        files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
        changed = []
        for file in files:
            before = ast.parse(file.read_text(encoding="utf-8"))
            plain = ast.unparse(before)
            after = ast.unparse(_Rewriting(self).visit(before))
            if after != plain:
                changed.append((file, after))
        if len(changed) != 1:
            raise LookupError(
                f"{self.fault!r}: {self.old!r} is in {len(changed)} files of {self.room}, in "
                f"{self.function or 'no function'}; expected 1"
            )
        return changed[0]


class _Rewriting(ast.NodeTransformer):
    def __init__(self, mutant: Mutant) -> None:
        self._inside: list[str] = []
        self._function = mutant.function
        old, new = (ast.parse(text).body for text in (mutant.old, mutant.new))
        self._expression = len(new) == 1 and isinstance(old[0], ast.Expr)
        self._old = ast.unparse(old[0])
        self._new = new[0].value if self._expression else new

    def _enter(self, node):
        self._inside.append(node.name)
        node = self.generic_visit(node)
        self._inside.pop()
        return node

    visit_FunctionDef = visit_ClassDef = _enter

    def generic_visit(self, node):
        node = super().generic_visit(node)
        here = ".".join(self._inside)
        if here != self._function and not (self._function and here.endswith("." + self._function)):
            return node
        kind = ast.expr if self._expression else ast.stmt
        return self._new if isinstance(node, kind) and ast.unparse(node) == self._old else node


@dataclass(frozen=True)
class Outcome:
    """What ``oco verify`` made of a package.

    Attributes
    ----------
    violated : tuple of str
        The properties that the first case with a violation violates; empty if there is none.
    cases : int
        Number of cases until then.
    seconds : float
        Time, with that of starting Python.
    """

    violated: tuple[str, ...]
    cases: int
    seconds: float


def python(mutant: Mutant | None, *arguments: str) -> subprocess.CompletedProcess:
    """Run Python with a copy of the package that has the fault."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder).resolve() / PACKAGE.name
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        if mutant is not None:
            file, text = mutant.rewritten(copy)
            file.write_text(text, encoding="utf-8")
        # Compiling the kernels anew for each mutant would take longer than all that follows.
        changes = {"OCO_ENGINE": "numpy", "PYTHONPATH": str(copy.parent)}
        return subprocess.run(
            [sys.executable, "-B", *arguments],
            env={**os.environ, **changes},
            cwd=folder,
            capture_output=True,
            text=True,
        )


def try_mutant(mutant: Mutant | None, cases: int, seed: int = 0) -> Outcome:
    """Let ``oco verify`` look at a mutant, or at the package as it is."""
    started = time.monotonic()
    done = python(mutant, "-c", DRIVER, str(PACKAGE), str(cases), str(seed))
    seconds = time.monotonic() - started
    if done.returncode:
        raise RuntimeError(f"{mutant}: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Outcome(tuple(found["violated"]), found["cases"], seconds)
