"""Interactions: the raw log, cleaned into segments."""

from sidflow.interactions.clean import Cleaned, clean_batch
from sidflow.interactions.facts import merge_facts
from sidflow.interactions.first import first_interactions, interaction_paths
from sidflow.interactions.segments import clip_segment, write_segment

__all__ = [
    "Cleaned",
    "clean_batch",
    "clip_segment",
    "first_interactions",
    "interaction_paths",
    "merge_facts",
    "write_segment",
]
