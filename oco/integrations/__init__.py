"""Doors from other ecosystems into the same methods; each needs its extra to be installed."""
