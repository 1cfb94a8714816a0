"""Symmetric operators with a known spectrum, and what is computed with it."""
