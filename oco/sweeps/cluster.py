"""Experiments on many machines through Dask: workers compute, this process writes.

Nothing of Dask is imported before a function here is called.
"""

from __future__ import annotations

import contextlib
from asyncio import CancelledError
from collections.abc import Iterator, Sequence

from oco.experiment import Experiment
from oco.extras import missing
from oco.sweeps.outcomes import Outcome, attempt, typed_message

__all__ = ["connected", "on_cluster"]

# How long to wait for the scheduler, and for the first worker, in seconds.
PATIENCE = 20


@contextlib.contextmanager
def connected(address: str) -> Iterator:
    """Connect to a Dask scheduler that has a worker; disconnect at the end.

    Parameters
    ----------
    address : str
        Of the scheduler, as ``tcp://host:8786``.

    Yields
    ------
    distributed.Client

    Raises
    ------
    ImportError
        If Dask is not installed; the message says which extra brings it.
    ValueError
        If nothing answers at the address, or no worker is connected to it.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ImportError(f"dask: {missing('Dask')}") from None
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"dask: no scheduler at {address!r} ({typed_message(error)})") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise ValueError(
                f"dask: the scheduler at {address!r} has no workers; start one with "
                f"'dask worker {address} --nthreads 1'"
            ) from None
        yield client


def on_cluster(experiments: Sequence[Experiment], address: str) -> Iterator[Outcome]:
    """Iterate over the outcomes of experiments as workers finish them.

    Parameters
    ----------
    experiments : sequence of Experiment
        In the order in which to start them.
    address : str
        Of the Dask scheduler.

    Yields
    ------
    Outcome
        Of each experiment, once.  The experiments of a worker that dies go to another; one that
        takes down worker after worker becomes a failure.

    Raises
    ------
    ImportError, ValueError
        As `connected` does; before the first experiment.
    """
    with connected(address) as client:
        from distributed import as_completed

        # Not pure: an experiment is computed because it is asked for, whatever the cluster may
        # remember under the same name.
        futures = {
            client.submit(attempt, experiment, pure=False): experiment for experiment in experiments
        }
        for future in as_completed(list(futures)):
            experiment = futures.pop(future)
            try:
                outcome = future.result()
            # Cancelled is what the futures of a scheduler that went away are; no Exception.
            except (Exception, CancelledError) as error:
                outcome = Outcome(experiment, None, typed_message(error))
            # The worker forgets the result now that it is here.
            future.release()
            yield outcome
