"""A real Dask scheduler and two real worker processes on this machine's loopback."""

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import time

import pytest


@contextlib.contextmanager
def cluster(folder):
    """Start them; give the scheduler's address and the workers' processes."""
    if importlib.util.find_spec("distributed") is None:
        pytest.skip("needs the extra 'cluster'")
    contact = folder / "scheduler.json"
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    arguments = ("--host", "127.0.0.1", "--no-dashboard")
    with contextlib.ExitStack() as stack:

        def start(module, *more):
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{module}", *arguments, *more],
                cwd=folder, **quiet,
            )  # fmt: skip
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        start("dask_scheduler", "--port", "0", "--scheduler-file", str(contact))
        while not contact.exists() or not contact.read_text(encoding="utf-8").endswith("}"):
            time.sleep(0.05)
        address = json.loads(contact.read_text(encoding="utf-8"))["address"]
        workers = [start("dask_worker", address, "--nthreads", "1", "--no-nanny") for _ in range(2)]
        yield address, workers
