"""Fixtures shared by the whole suite."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

# One BLAS thread, also in subprocesses: the matrices are small, and on a busy machine threads that
# wait for each other cost more than they bring.  This runs before a test imports NumPy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Tables are printed as wide as they are meant to be, not as the terminal of whoever runs the tests.
os.environ.pop("COLUMNS", None)
# A suite in the background ignores Ctrl-C, and so would the processes that are tested for it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with real data sets: $OCO_DATA, or ../shared/data beside the repository."""
    named = os.environ.get("OCO_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the data sets in {folder}: set OCO_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def a9a(data_folder: Path) -> Path:
    """The a9a training set (32,560 rows) in svmlight format."""
    path = data_folder / "a9a"
    if not path.is_file():
        pytest.skip(f"needs the a9a data set at {path}")
    return path
