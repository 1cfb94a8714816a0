"""Loss and error rate through training, and over the rates that were tried."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from oco.plots import drawing
from oco.training import Group, Trainings
from oco.training.presentation import training_title

__all__ = ["training"]

# Between the marks of two optimizers that failed at the same rate, as a fraction of the axis.
STACKED = 0.03


def training(trained: Trainings) -> Figure:
    """Draw loss and error rate over the steps, each optimizer at its best rate.

    Parameters
    ----------
    trained : Trainings
        On one task.  With several rates there is a third panel: the validation loss over them.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If no training came to an end.

    Examples
    --------
    >>> from oco.training import plan, train_all
    >>> trained = train_all(plan(["adam"], task="digits-softmax", steps=20))
    >>> [axes.get_ylabel() for axes in training(trained).axes]
    ['loss (nats an example)', 'misclassified of those held out (%)']
    """
    best = trained.best
    if not best:
        raise ValueError("trainings: nothing to draw; no training came to an end")
    tuned = trained.tuned
    figure, axes = drawing.canvas(2, 1 + tuned, height=9.5 if tuned else 5.0)
    if tuned:
        axes.pop().remove()
        axes[2].set_subplotspec(axes[2].get_gridspec()[1, :])
    looks = _looks(best)
    _losses(axes[0], best, looks)
    _errors(axes[1], best, looks)
    if tuned:
        _rates(axes[2], trained, looks)
    drawing.heading(figure, training_title(best[0].training))
    drawing.caption(figure, _caption(trained, tuned))
    return figure


def _looks(groups: tuple[Group, ...]) -> dict[str, dict]:
    """Return the look of each optimizer and sketch size."""
    names = [group.training.algorithm for group in groups]
    looks = {}
    for i, group in enumerate(groups):
        looks[group.training.label] = drawing.style(names[i], names, names[:i].count(names[i]))
    return looks


def _curves(group: Group, name: str) -> tuple[np.ndarray, np.ndarray]:
    values = np.array([getattr(outcome.curves, name) for outcome in group.outcomes])
    return group.outcomes[0].curves.step, values


def _losses(axes, groups, looks) -> None:
    drawing.clean(axes, yscale="log", xlabel="steps", ylabel="loss (nats an example)")
    for group in groups:
        label = group.training.label
        look = looks[label]
        drawing.band(axes, *_curves(group, "validation_loss"), label=label, look=look)
        thin = {"marker": "", "lw": 0.8}
        steps, values = _curves(group, "train_loss")
        middle = np.median(values, axis=0)
        drawing.band(axes, steps, middle, label=f"_training loss of {label}", look=look, **thin)
    axes.plot([], [], color="0.3", lw=0.8, label="thin: training loss")
    drawing.legend(axes)


def _errors(axes, groups, looks) -> None:
    drawing.clean(axes, yscale="log", xlabel="steps", ylabel="misclassified of those held out (%)")
    axes.yaxis.set_major_formatter(ScalarFormatter())
    for group in groups:
        label = group.training.label
        steps, accuracy = _curves(group, "validation_accuracy")
        errors = 100 * (1 - accuracy)
        drawing.band(axes, steps, errors, label=label, look=looks[label], logarithmic=True)


def _rates(axes, trained: Trainings, looks) -> None:
    drawing.clean(
        axes, xscale="log", yscale="log", xlabel="learning rate η",
        ylabel="validation loss after the last step (nats an example)",
    )  # fmt: skip
    chosen = {group.training.label: group.training.lr for group in trained.best}
    for i, (label, look) in enumerate(looks.items()):
        groups = [group for group in trained.groups if group.training.label == label]
        groups.sort(key=lambda group: group.training.lr)
        rates = np.array([group.training.lr for group in groups])
        losses = np.array([_losses_of(group) for group in groups]).T
        middle = drawing.band(axes, rates, losses, label=label, look=look)
        best = rates.tolist().index(chosen[label])
        axes.plot(
            rates[best], middle[best], marker="o", markersize=11, mfc="none", color=look["color"],
            linestyle="none", label=f"_best of {label}",
        )  # fmt: skip
        lost = np.isnan(middle)
        if lost.any():
            axes.plot(
                rates[lost], np.full(lost.sum(), 1 - STACKED * i), "x", color=look["color"],
                markersize=6, transform=axes.get_xaxis_transform(), clip_on=False,
                label=f"_lost of {label}",
            )  # fmt: skip


def _losses_of(group: Group) -> list[float]:
    """Return the last validation loss of each seed; NaN for all if one did not come to an end."""
    if not group.complete:
        return [np.nan] * len(group.outcomes)
    return list(group.values("validation_loss"))


def _caption(trained: Trainings, tuned: bool) -> str:
    seeds = max(len(group.outcomes) for group in trained.groups)
    text = (
        "Thick: on the examples held out; thin: on those learnt from. That one optimizer learns "
        "faster than another is refuted where their lines change order"
    )
    text += " or their bands overlap." if seeds > 1 else "; with one seed there is no band to tell."
    if tuned:
        text += (
            " Each at the best of its rates (ringed), chosen in hindsight by the mean validation "
            "loss; refuted as a fair choice if a ring lies at an end of the grid. A × at the top "
            "marks a rate at which a seed failed or diverged."
        )
    if seeds > 1:
        text += f" Median and 10 to 90 % band over {seeds} seeds; thin lines without one."
    return text
