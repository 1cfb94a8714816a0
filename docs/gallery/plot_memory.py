"""
What optimizers keep
====================

Numbers of state for the weights of a transformer block of width 1024, by optimizer and sketch size.
"""

import oco

block = [(1024, 1024)] * 4 + [(4096, 1024), (1024, 4096)]
figure = oco.plots.memory(oco.memory.ledger(block, k=[16, 64]))
