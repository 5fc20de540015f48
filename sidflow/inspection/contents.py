"""The parts of a release that questions about items need, each read once and only when it is asked for."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from sidflow.artifacts import Store
from sidflow.catalogue.read import read_catalogue_table
from sidflow.embedding.table import Embeddings, read_embeddings
from sidflow.histories.table import Histories, read_histories, training_events
from sidflow.pairs.table import Pairs, read_pairs
from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.files import load_quantizer
from sidflow.release import Release
from sidflow.semantic_ids.table import SidTable, read_semantic_ids
from sidflow.semantic_ids.topic_table import read_topics
from sidflow.semantic_ids.topics import Prefix


@dataclass(frozen=True)
class Contents:
    """A release, opened. All tables are by catalogue index."""

    store: Store
    release: Release

    @cached_property
    def catalogue(self) -> pa.Table:
        """The items with all their columns."""
        return read_catalogue_table(self.store.files(self.release.artifact("catalogue")))

    @cached_property
    def item_ids(self) -> pa.Array:
        """Ids, (N,)."""
        return self.catalogue["item_id"].combine_chunks()

    @cached_property
    def titles(self) -> pa.Array:
        """Titles, (N,)."""
        return self.catalogue["title"].combine_chunks()

    @cached_property
    def sids(self) -> SidTable:
        """The SID table."""
        return read_semantic_ids(self.store.files(self.release.artifact("semantic_ids")))

    @cached_property
    def typical_titles(self) -> dict[Prefix, tuple[str, ...]]:
        """Typical titles by named prefix; none in a release that kept none."""
        return read_topics(self.store.files(self.release.artifact("semantic_ids"))).titles

    @cached_property
    def embeddings(self) -> Embeddings:
        """Unit vectors, memory-mapped."""
        return read_embeddings(self.store.files(self.release.artifact("embeddings")))

    @cached_property
    def quantizer(self) -> Quantizer:
        """What turns vectors into codes."""
        return load_quantizer(self.store.files(self.release.artifact("quantizer")))

    @cached_property
    def pairs(self) -> Pairs:
        """Mined pairs."""
        return read_pairs(self.store.files(self.release.artifact("pairs")), self.item_ids)

    @cached_property
    def histories(self) -> Histories:
        """Users' histories."""
        return read_histories(self.store.files(self.release.artifact("histories")))

    @cached_property
    def popularity(self) -> np.ndarray:
        """Training interactions per item, (N,) int64."""
        return np.bincount(training_events(self.histories)[1], minlength=len(self.item_ids))

    def sid(self, item: int, levels: int | None = None) -> str:
        """An item's SID, "12-7-200", or its first levels."""
        return sid_text(self.sids.codes[item, :levels])

    def topics(self, item: int) -> tuple[str, ...]:
        """Topic names of an item's prefixes, one a level; empty where there are none."""
        return self.sids.topics[item] if self.sids.topics else ("",) * len(self.sids.sizes)


def sid_text(codes: np.ndarray) -> str:
    """Codes as text, "12-7-200"."""
    return "-".join(str(int(code)) for code in codes)
