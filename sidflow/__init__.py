"""Semantic IDs in production: mine, quantise, assign, decode, refresh."""

__version__ = "0.1.0"
