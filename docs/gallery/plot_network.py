"""
What the gradients of a network span
====================================

Of the gradients in one layer of a small network: how few directions carry their covariances, how
fast these turn, and what a sketch of size 16 sees of them.
"""

import oco

study = oco.reproduce.spectra(steps=300, k=16, hidden=(128, 128))
figure = oco.plots.spectra(study)
