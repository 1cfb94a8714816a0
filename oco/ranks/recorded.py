"""Gradients of several layers as training recorded them: files of arrays by name, read in turn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from oco import extras
from oco.memory import read_tensors
from oco.ranks.files import GradientFile
from oco.ranks.layers import WATCHING, GradientWatch

__all__ = ["RecordedGradients", "open_gradients", "watch_recorded"]

# What ends the name of a file that holds one step: its number, "-step_0010" or "10" alone.
NUMBER = re.compile(r"(?:^|[-_.])(?:step[-_]?)?\d+$", re.IGNORECASE)
PYTORCH = (".pt", ".pth")
SUFFIXES = (".npy", ".safetensors", *PYTORCH)
#: How many axes a gradient may have in a file that stacks them: at most those of the kernel of a
#: convolution in three dimensions.
AXES = (1, 2, 3, 4, 5)


class RecordedGradients:
    """A folder with a file for each step, or files whose arrays hold all steps.

    Parameters
    ----------
    path : str, path-like or GradientFile
        A folder, of which the files in ``.npy``, ``.pt`` (or ``.pth``) and ``.safetensors`` are
        read, in the order of the numbers in their names; or one such file, which is taken to be
        stacked.
    stacked : bool
        Whether each array has shape (T, m, n) and holds T gradients of a layer; otherwise it is
        one gradient.

    Attributes
    ----------
    files : tuple of Path
        In the order in which they are read.
    stacked : bool

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such folder or file, or nothing in it can be read.

    Notes
    -----
    An array that is alone in its file belongs to the layer that the file is named after, without
    the number of the step at the end: ``fc1.weight-0010.npy`` is a gradient of ``fc1.weight``, and
    ``0010.npy`` of the folder's name.  ``.pt`` files are read with ``weights_only=True``, so that
    nothing in them is run; tensors in them may be in dictionaries and lists.  What is no tensor of
    real numbers is left out there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for step in range(3):
    ...         np.save(Path(folder) / f"fc-{step}.npy", np.full((4, 6), step))
    ...     found = [(file.name, list(step)) for file, step in RecordedGradients(folder).steps()]
    >>> found
    [('fc-0.npy', ['fc']), ('fc-1.npy', ['fc']), ('fc-2.npy', ['fc'])]
    """

    def __init__(self, path, *, stacked: bool = False) -> None:
        self._opened = path if isinstance(path, GradientFile) else None
        self.path = path.path if isinstance(path, GradientFile) else Path(path)
        if self.path.is_dir():
            found = [one for one in self.path.iterdir() if one.suffix.lower() in SUFFIXES]
            self.files = tuple(sorted(found, key=_in_order))
            self.stacked = stacked
            if not found:
                raise ValueError(
                    f"gradients: {self.path}: expected files that end in {', '.join(SUFFIXES)}, "
                    "got none"
                )
        else:
            self.files, self.stacked = (self.path,), True

    def steps(self) -> Iterator[tuple[Path, dict[str, np.ndarray]]]:
        """Iterate over the steps: the file, and in it gradients by layer.

        Raises
        ------
        ImportError, OSError, TypeError, ValueError
            If a file cannot be read, or holds no array of real numbers with the axes that are
            expected; the message names the file.
        """
        for file in self.files:
            if self.stacked:
                for layer, stack in self._stacks(file):
                    for gradient in stack:
                        yield file, {layer: gradient}
            else:
                yield file, dict(self._arrays(file))

    def _arrays(self, file: Path) -> Iterator[tuple[str, np.ndarray]]:
        suffix, name = file.suffix.lower(), file.stem
        if not self.stacked:
            name = NUMBER.sub("", name)
        name = name or self.path.resolve().name
        found = False
        for layer, array in READERS[suffix](file):
            if 0 in array.shape:
                raise ValueError(
                    f"gradients: {file}: {layer or name}: expected no empty axis, got shape "
                    f"{array.shape}"
                )
            found = True
            yield layer or name, array
        if not found:
            raise ValueError(f"gradients: {file}: expected an array of real numbers, got none")

    def _stacks(self, file: Path) -> Iterator[tuple[str, Iterator[np.ndarray]]]:
        if file.suffix.lower() not in SUFFIXES or file.suffix.lower() == ".npy":
            stack = self._opened or GradientFile(file, axes=AXES)
            yield file.name.partition(".npy")[0] or "gradient", stack.gradients()
            return
        for layer, array in self._arrays(file):
            if array.ndim < 2:
                raise ValueError(
                    f"gradients: {file}: {layer}: expected shape (T, m, n), T gradients of a "
                    f"layer, got shape {array.shape}"
                )
            yield layer, iter(array)


def open_gradients(path, *, stacked: bool = False) -> GradientFile | RecordedGradients:
    """Return vectors as a file of rows, and gradients of matrices or tensors as recorded layers.

    Parameters
    ----------
    path : str or path-like
        A folder, or a file.
    stacked : bool
        Of a folder: as for `RecordedGradients`.

    Raises
    ------
    FileNotFoundError, ValueError
        As `GradientFile` and `RecordedGradients` do.
    """
    where = Path(path)
    if where.is_dir() or where.suffix.lower() in SUFFIXES[1:]:
        return RecordedGradients(where, stacked=stacked)
    file = GradientFile(path, axes=AXES)
    return RecordedGradients(file) if len(file.shape) > 1 else file


def watch_recorded(
    recorded: RecordedGradients,
    k: int = WATCHING,
    progress: Callable[[int], None] | None = None,
) -> GradientWatch:
    """Sketch recorded gradients along each axis of each layer, as a watch does while it trains.

    Parameters
    ----------
    recorded : RecordedGradients
    k : int
        Size of the sketches, ≥ 2.
    progress : callable, optional
        Called with the number of files read.

    Returns
    -------
    GradientWatch

    Raises
    ------
    ImportError, OSError, TypeError, ValueError
        As `RecordedGradients.steps`; if a layer's shape changes; or if each layer occurs in one
        file only, and the arrays are not said to be stacked.
    """
    watch, read, last = GradientWatch(k), 0, None
    for file, gradients in recorded.steps():
        if file != last:
            read, last = read + (last is not None), file
            if progress is not None:
                progress(read)
        try:
            watch.absorb(gradients)
        except (TypeError, ValueError) as error:
            raise type(error)(f"gradients: {file}: {error}") from None
    if progress is not None:
        progress(len(recorded.files))
    if (
        not recorded.stacked
        and len(recorded.files) > 1
        and max(watch.seen.values(), default=0) == 1
    ):
        raise ValueError(
            f"gradients: {recorded.path}: each layer occurs in one file; name files of steps with "
            "a number at the end, as in fc1-0010.npy, or say that arrays of shape (T, m, n) are "
            "stacked"
        )
    return watch


def _in_order(file: Path) -> list[tuple[int, str]]:
    """Return a key by which 9 comes before 10."""
    parts = re.split(r"(\d+)", file.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _of_numpy(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    try:
        array = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"gradients: {file}: not a readable .npy file ({error})") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        kind = getattr(array, "dtype", "an archive of arrays")
        raise ValueError(f"gradients: {file}: expected real numbers, got {kind}")
    yield "", array


def _of_pytorch(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    try:
        import torch
    except ImportError:
        raise ImportError(f"gradients: {file}: {extras.missing('PyTorch')}") from None
    try:
        held = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # Of many kinds, by what is wrong with the file.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"gradients: {file}: not a file of tensors that loads with weights_only=True ({reason})"
        ) from None
    for layer, leaf in _leaves(held, ""):
        if isinstance(leaf, torch.Tensor) and leaf.is_floating_point():
            dense = leaf.detach().to_dense() if leaf.layout != torch.strided else leaf.detach()
            yield layer, dense.to(torch.float64).numpy()


def _leaves(held, name: str) -> Iterator[tuple[str, object]]:
    """Iterate over what dictionaries and lists hold, each with the keys that lead there."""
    if isinstance(held, dict | list | tuple):
        pairs = held.items() if isinstance(held, dict) else enumerate(held)
        for key, value in pairs:
            yield from _leaves(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, held


READERS: dict[str, Callable[[Path], Iterator[tuple[str, np.ndarray]]]] = {
    ".npy": _of_numpy,
    ".safetensors": read_tensors,
    **dict.fromkeys(PYTORCH, _of_pytorch),
}
