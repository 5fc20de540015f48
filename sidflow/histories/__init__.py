"""Histories: each user's ordered items, and what may be learned from."""

from sidflow.histories.build import build_histories
from sidflow.histories.table import Histories, read_histories, training_events, write_histories

__all__ = ["Histories", "build_histories", "read_histories", "training_events", "write_histories"]
