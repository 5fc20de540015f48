"""What can be exported as a table: SIDs and tokens, streamed from a release."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sidflow.artifacts import Store
from sidflow.dataset.build import Dataset, read_dataset
from sidflow.dataset.tokens import item_tokens, level_offsets
from sidflow.decoder.reasons import ItemTexts
from sidflow.export.handoff import read_items
from sidflow.export.tables import Stream
from sidflow.interactions.forgotten import Forgotten
from sidflow.interactions.tombstones import read_forgotten
from sidflow.release import Release
from sidflow.semantic_ids.table import SidTable, read_semantic_ids

ROWS = 65_536  # items or events in one batch: a few MB


def sid_rows(store: Store, release: Release) -> Stream:
    """One row an item: item_id, title, sid, code_1 ... code_L (int16) and topic_1 ... topic_L, in catalogue order."""
    table = read_semantic_ids(store.files(release.artifact("semantic_ids")))
    titles = read_items(store, release, table.item_ids)["title"].combine_chunks()
    levels = range(1, len(table.sizes) + 1)
    schema = pa.schema(
        [("item_id", pa.string()), ("title", pa.string()), ("sid", pa.string())]
        + [(f"code_{level}", pa.int16()) for level in levels]
        + [(f"topic_{level}", pa.string()) for level in levels]
    )
    return Stream(schema, _sid_batches(table, titles, schema), describe(release, table))


def token_rows(store: Store, release: Release) -> Stream:
    """One row a user: user_id, tokens (list of int32, L an item, oldest first) and how the items split in time.

    Users who were forgotten since the release was made are left out. n_train, n_validation and n_test count items; they
    stand in this order. What a token means is told beside: a token
    is its code plus the offset of its level.
    """
    dataset = read_dataset(store.files(release.artifact("dataset")))
    schema = pa.schema(
        {
            "user_id": pa.string(),
            "tokens": pa.large_list(pa.int32()),
            "n_train": pa.int32(),
            "n_validation": pa.int32(),
            "n_test": pa.int32(),
        }
    )
    batches = _without(read_forgotten(store), _token_batches(dataset, schema))
    return Stream(schema, batches, describe(release, dataset.sids), sidecar=True)


def describe(release: Release, table: SidTable) -> dict[str, object]:
    """What a reader of codes or tokens must know: the release, codes and first token of each level, all tokens."""
    return {
        "release": release.id,
        "as_of": release.as_of.isoformat(),
        "codes_per_level": list(table.sizes),
        "token_offsets": level_offsets(table.sizes).tolist(),
        "vocabulary": int(sum(table.sizes)),
        "tokens_per_item": len(table.sizes),
    }


def _sid_batches(table: SidTable, titles: pa.Array, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    sids = ItemTexts.of(table, titles).sids
    for start in range(0, len(titles), ROWS):
        part = slice(start, start + ROWS)
        codes = [pa.array(column[part], pa.int16()) for column in table.codes.T]
        names = [(None,) * len(table.sizes)] * len(codes[0]) if table.topics is None else table.topics[part]
        topics = [pa.array(column, pa.string()) for column in zip(*names, strict=True)]
        columns = [table.item_ids[part], titles[part], sids[part], *codes, *topics]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _token_batches(dataset: Dataset, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Whole users, about `ROWS` events at once: a user's history is never cut."""
    histories, levels = dataset.histories, len(dataset.sids.sizes)
    first, users = 0, len(histories.user_ids)
    while first < users:
        last = int(np.searchsorted(histories.offsets, histories.offsets[first] + ROWS, side="right")) - 1
        last = min(max(last, first + 1), users)
        offsets = histories.offsets[first : last + 1]
        items = histories.items[offsets[0] : offsets[-1]]
        tokens = item_tokens(items, dataset.sids.codes, dataset.sids.sizes).reshape(-1)
        train, validation = histories.n_train[first:last], histories.n_validation[first:last]
        columns = [
            pa.array(histories.user_ids.slice(first, last - first).to_pylist(), pa.string()),
            pa.LargeListArray.from_arrays(pa.array((offsets - offsets[0]) * levels), pa.array(tokens)),
            pa.array(train),
            pa.array(validation),
            pa.array((np.diff(offsets) - train - validation).astype(np.int32)),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
        first = last


def _without(forgotten: Forgotten, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.filter(pc.invert(forgotten.rows(batch["user_id"])[0])) if forgotten else batch
