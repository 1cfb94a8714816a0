"""Train a network on a task: batches, gradients, steps, and an evaluation now and then."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import numpy as np

from oco.cores import one_blas_thread
from oco.training.optimizers import OPTIMIZERS
from oco.training.outcome import COMPLETE, DIVERGED, FAILED, Curves, Outcome, Summary
from oco.training.settings import Training
from oco.training.tasks import task_of

__all__ = ["evaluation_steps", "optimizer_of", "train"]

# Of the stream of random numbers that orders the examples; the seed alone names the one that makes
# the initial parameters.
ORDER = 1


@one_blas_thread()
def train(
    training: Training,
    *,
    observe: Callable[[int, list[np.ndarray]], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """Train a network.

    Parameters
    ----------
    training : Training
    observe : callable, optional
        ``observe(t, gradients)`` sees the gradient in each parameter at step t = 1, 2, ….
    progress : callable, optional
        Called now and then with the number of steps taken.

    Returns
    -------
    Outcome
        Also when the loss stopped being a number: see ``outcome.summary.status``.

    Notes
    -----
    The examples are shuffled anew in every epoch and taken `batch` at a time, each once; what is
    left over at the end of an epoch is left out of it.

    Examples
    --------
    >>> outcome = train(Training("digits-softmax", "sgd", lr=0.1, steps=100))
    >>> outcome.summary.train_accuracy > 0.9
    True
    """
    task = task_of(training.task)
    network, data = task.network, task.data()
    parameters = network.initial(training.seed)
    optimizer = optimizer_of(training, parameters)
    due = evaluation_steps(training)
    measured = [_measure(network, parameters, data)]
    step, seconds, fault = 0, 0.0, ""
    # What overflows shows as a loss that is no number, and is reported as such.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for step, batch in enumerate(_batches(len(data.labels), training), start=1):
            started = time.perf_counter()
            rows = data.features[batch], data.labels[batch]
            loss, gradients = network.gradients(parameters, *rows)
            fault = _fault(step, loss) or _stepped(step, optimizer, gradients)
            seconds += time.perf_counter() - started
            if observe is not None and not fault:
                observe(step, gradients)
            if step == due[len(measured)] and not fault:
                values = _measure(network, parameters, data)
                fault = _fault(step, values[0] + values[2])
                if not fault:
                    measured.append(values)
                if progress is not None:
                    progress(step)
            if fault:
                break
    columns = (np.array(column) for column in zip(*measured, strict=True))
    curves = Curves(due[: len(measured)], *columns)
    return Outcome(training, _summary(curves, step, seconds, fault, optimizer), curves)


def evaluation_steps(training: Training) -> np.ndarray:
    """Return the steps after which loss and accuracy are measured, 0 and the last among them.

    Examples
    --------
    >>> evaluation_steps(Training("digits-mlp", "adam", steps=10, evaluations=4)).tolist()
    [0, 2, 5, 8, 10]
    """
    spaced = np.linspace(0, training.steps, min(training.evaluations, training.steps) + 1)
    return np.unique(np.rint(spaced).astype(int))


def optimizer_of(training: Training, parameters: list[np.ndarray]):
    """Return the optimizer that a training asks for.

    Raises
    ------
    TypeError, ValueError
        If it refuses an option.
    """
    return OPTIMIZERS[training.algorithm](parameters, **training.optimizer_options())


def _batches(count: int, training: Training) -> Iterator[np.ndarray]:
    """Iterate over the rows of each step's batch."""
    rng = np.random.default_rng((training.seed, ORDER))
    left = np.empty(0, dtype=int)
    for _ in range(training.steps):
        if len(left) < training.batch:
            left = rng.permutation(count)
        batch, left = left[: training.batch], left[training.batch :]
        yield batch


def _measure(network, parameters, data) -> tuple[float, float, float, float]:
    return (
        *network.evaluate(parameters, data.features, data.labels),
        *network.evaluate(parameters, data.held_out_features, data.held_out_labels),
    )


def _fault(step: int, loss: float) -> str:
    return "" if math.isfinite(loss) else f"step {step}: the loss is {loss}"


def _stepped(step: int, optimizer, gradients: list[np.ndarray]) -> str:
    """Take a step; return what went wrong, if anything."""
    try:
        optimizer.step(gradients)
    except (ArithmeticError, ValueError) as error:
        return f"step {step}: {' '.join(str(error).split())}"
    return ""


def _summary(curves: Curves, steps: int, seconds: float, message: str, optimizer) -> Summary:
    status = FAILED if message else COMPLETE
    above = curves.train_loss > curves.train_loss[0]
    if status == COMPLETE and above[-1]:
        status, message = DIVERGED, _divergence(curves, above)
    last = {
        name: None if status == FAILED else float(getattr(curves, name)[-1])
        for name in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
    }
    best = int(np.argmin(curves.validation_loss))
    return Summary(
        status=status,
        message=message,
        steps=steps,
        **last,
        best_validation_loss=float(curves.validation_loss[best]),
        best_step=int(curves.step[best]),
        skipped=int(np.sum(optimizer.skipped)),
        parameters=sum(parameter.size for parameter in optimizer.parameters),
        second_moment_bytes=optimizer.second_moment_bytes,
        state_bytes=optimizer.state_bytes,
        seconds=seconds,
        seconds_per_step=seconds / max(steps, 1),
    )


def _divergence(curves: Curves, above: np.ndarray) -> str:
    """Say since when the training loss has been above that of never training."""
    since = curves.step[np.flatnonzero(~above)[-1] + 1]
    first, last = curves.train_loss[[0, -1]]
    return (
        f"step {since}: the training loss rose above its start, {first:.4g}, for good; it is "
        f"{last:.4g} at the end"
    )
