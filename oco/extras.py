"""What a feature needs beyond the package itself, and how to get it."""

from __future__ import annotations

__all__ = ["EXTRAS", "missing"]

#: The libraries that features name when they are missing, each with the extra that brings it.
EXTRAS = {
    "numba": "fast",
    "Dask": "cluster",
    "pandas": "pandas",
    "pyarrow": "tables",
    "PyTorch": "torch",
    "JAX": "jax",
    "Optax": "jax",
    "river": "river",
    "pytorch_optimizer": "peers",
}
# PyPI's own PyTorch for Linux brings gigabytes of libraries for graphics cards.
CPU_ALONE = "for the CPU alone, with --extra-index-url https://download.pytorch.org/whl/cpu"


def missing(library: str) -> str:
    """Return the words for a library that is not installed.

    The package is installed from a clone: no index knows its name.

    Examples
    --------
    >>> missing("pandas")
    "pandas is not installed; in your clone of this package: pip install '.[pandas]'"
    """
    hint = f"{library} is not installed; in your clone of this package: "
    hint += f"pip install '.[{EXTRAS[library]}]'"
    return f"{hint} ({CPU_ALONE})" if library == "PyTorch" else hint
