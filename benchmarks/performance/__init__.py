"""What the library's performance claims are measured with.

``python -m benchmarks.performance`` measures everything in one run and prints it; ``--update`` also
writes the README's table and its figure.  The classes with ``time_``, ``track_`` and ``peakmem_``
methods follow the conventions of airspeed velocity: ``asv run --python=same``.
"""
