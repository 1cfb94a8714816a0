"""Labels as a loss takes them: signs, numbers of classes, or real numbers as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Prepared", "prepare"]

# How many values a message lists; it counts the others.
LISTED = 6
# Largest absolute value of a real label: its square is finite, with room for a million of them.
LARGEST = 1e150


@dataclass(frozen=True)
class Prepared:
    """Labels as a loss takes them.

    Attributes
    ----------
    values : ndarray of shape (T,)
        float64: −1 or +1, the number 0, 1, … of a class, or what was given.
    classes : ndarray of shape (c,), or None
        The label as given of each class, in order; of −1 and +1 for signs.  None for real labels,
        and where +1 is one label against all others.
    note : str
        What became of the labels, in words; empty where they were kept as given.
    """

    values: np.ndarray
    classes: np.ndarray | None
    note: str = ""


def prepare(labels: np.ndarray, loss: str, kind: str, positive=None) -> Prepared:
    """Return labels as a loss takes them.

    Parameters
    ----------
    labels : ndarray of shape (T,)
        Of real numbers or of texts.
    loss : str
        Name of the loss, for the messages.
    kind : {"binary", "class", "real"}
        What the loss takes: two distinct values, of which the larger (of texts: the later in the
        order of their characters) becomes +1 and the other −1; integers or texts as classes, in
        ascending order; or real numbers.
    positive : float or str, optional
        The label that becomes +1, where all others become −1; for a binary loss alone.

    Raises
    ------
    ValueError
        If the labels are not what the loss takes; the message does not name their source.

    Examples
    --------
    >>> prepared = prepare(np.array([1.0, 2.0, 1.0]), "logistic", "binary")
    >>> prepared.values, prepared.note
    (array([-1.,  1., -1.]), 'the label 2 is +1, the label 1 is −1')
    >>> prepare(np.array(["cat", "dog", "eel"]), "logistic", "binary", "dog").values
    array([-1.,  1., -1.])
    """
    if labels.dtype.kind != "U":
        bad = np.flatnonzero(~np.isfinite(labels))
        if len(bad):
            raise ValueError(f"row {bad[0] + 1}: the label is {labels[bad[0]]}")
    if positive is not None and kind != "binary":
        raise ValueError(f"positive: the loss {loss} has no positive class: got {positive!r}")
    if kind == "binary":
        return _signs(labels, loss, positive)
    if kind == "class":
        return _classes(labels, loss)
    if labels.dtype.kind == "U":
        raise ValueError(
            f"row 1: the label is {str(labels[0])!r}, and the loss {loss} takes numbers; "
            "softmax takes texts as classes"
        )
    beyond = np.flatnonzero(np.abs(labels) > LARGEST)
    if len(beyond):
        row = beyond[0]
        raise ValueError(f"row {row + 1}: the label is {labels[row]}, beyond ±{LARGEST:g}")
    return Prepared(labels, None)


def _signs(labels: np.ndarray, loss: str, positive) -> Prepared:
    found = np.unique(labels)
    if positive is not None:
        return _one_against_the_rest(labels, found, positive)
    if len(found) < 2:
        raise ValueError(
            f"every label is {_listed(found)}, a single class, and the loss {loss} takes two; "
            "positive = that label would make it +1"
        )
    if len(found) > 2:
        raise ValueError(
            f"the labels take {len(found)} values ({_listed(found)}), and the loss {loss} takes "
            "two: choose one against the rest with positive, or the loss softmax for classes or "
            "squared for numbers"
        )
    negative, larger = map(_shown, found.tolist())
    note = f"the label {larger} is +1, the label {negative} is −1"
    as_they_are = labels.dtype.kind != "U" and found.tolist() == [-1, 1]
    return Prepared(np.where(labels == found[1], 1.0, -1.0), found, "" if as_they_are else note)


def _one_against_the_rest(labels: np.ndarray, found: np.ndarray, positive) -> Prepared:
    # Where labels are texts, a number stands for the text that reads as it.
    meant = [value for value in found.tolist() if value == positive or _same(value, positive)]
    if not meant:
        raise ValueError(f"positive: no label is {_shown(positive)}; they are {_listed(found)}")
    rest = [value for value in found.tolist() if value not in meant]
    note = f"the label {_shown(positive)} is +1, "
    note += f"all others ({_listed(np.array(rest))}) are −1" if rest else "and there is no other"
    return Prepared(np.where(np.isin(labels, meant), 1.0, -1.0), None, note)


def _classes(labels: np.ndarray, loss: str) -> Prepared:
    if labels.dtype.kind != "U":
        fractional = np.flatnonzero(labels != np.rint(labels))
        if len(fractional):
            row = fractional[0]
            raise ValueError(f"row {row + 1}: expected an integer as class, got {labels[row]}")
    classes, numbers = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"every label is {_listed(classes)}, a single class; two are needed")
    return Prepared(numbers.astype(np.float64), classes)


def _same(value, wanted) -> bool:
    try:
        return float(value) == float(wanted)
    except ValueError:
        return False


def _listed(values: np.ndarray) -> str:
    shown = ", ".join(_shown(value) for value in values[:LISTED].tolist())
    return shown + (f", … {len(values) - LISTED} more" if len(values) > LISTED else "")


def _shown(value) -> str:
    """Return a label as a person would write it."""
    return repr(value) if isinstance(value, str) else f"{value:.12g}"
