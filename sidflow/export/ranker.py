"""The hand-off to ranking models: n-gram columns and SentencePiece pieces of every item's semantic ID."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sidflow.artifacts import Store
from sidflow.errors import CorruptArtifact
from sidflow.export.folder import whole_folder
from sidflow.export.handoff import Exported, origin, read_sids, training_counts
from sidflow.export.pieces import PieceModel, encode_pieces, load_pieces, train_pieces
from sidflow.export.ranker_ngrams import NgramColumn, encode_ngrams, ngram_columns, ngram_texts
from sidflow.release import Release
from sidflow.semantic_ids.table import SidTable

logger = logging.getLogger(__name__)

FORMAT = 1
FILES = ("items.parquet", "ngrams.parquet", "pieces.model", "ranker.json")


@dataclass(frozen=True)
class RankerFeatures:
    """What turns SIDs into a ranker's columns: the n-gram tables and the piece model of one export."""

    columns: tuple[NgramColumn, ...]
    vocabulary: pa.Table
    pieces: PieceModel

    def encode(self, codes: np.ndarray) -> pa.Table:
        """The columns of SIDs, (n, L), also of items that came after the export: n-grams int32, pieces list<int32>."""
        ngrams = encode_ngrams(codes, self.columns, self.vocabulary)
        pieces = pa.array(encode_pieces(codes, self.pieces), pa.list_(pa.int32()))
        return pa.table({**{name: pa.array(rows) for name, rows in ngrams.items()}, "pieces": pieces})


def export_ranker(
    store: Store,
    release: Release,
    out: str,
    rows: int | None = None,
    hash_rows: int | None = None,
    force: bool = False,
) -> Exported:
    """Write a folder with items.parquet, ngrams.parquet, pieces.model and ranker.json.

    Pieces are learnt from training interactions alone, each counting its item's SID once.

    Args:
        store: Where the release is.
        release: Whose SIDs.
        out: A local folder that does not exist or is empty.
        rows: Rows of the piece table; None takes one a code and one for every other item.
        hash_rows: Rows of every n-gram table of two levels or more; None gives every n-gram its own row.
        force: Replace an older export.

    Raises:
        ConfigError: If the folder cannot be written, or a number of rows is too small.
        ShapeError: If there are more codes than characters for them.
    """
    with whole_folder(out, FILES, force) as folder:
        files = store.files(release.artifact("dataset"))
        sids = read_sids(store, release)
        counts = training_counts(files, len(sids.codes))
        columns, vocabulary = ngram_columns(sids.codes, sids.sizes, hash_rows)
        asked = rows if rows is not None else sum(sids.sizes) + 1 + len(sids.codes) // 2
        model = train_pieces(sids.codes, sids.sizes, counts, asked)
        features = RankerFeatures(tuple(columns), vocabulary, load_pieces(model, sids.sizes))
        table = _items(sids, counts, features.encode(sids.codes))
        facts = _facts(release, sids, features, table)
        pq.write_table(table, folder / "items.parquet", compression="zstd")
        pq.write_table(vocabulary, folder / "ngrams.parquet", compression="zstd")
        (folder / "pieces.model").write_bytes(model)
        (folder / "ranker.json").write_text(json.dumps(facts, indent=1) + "\n")
    logger.info("ranker: %d items, %d piece rows", len(sids.codes), features.pieces.rows)
    written = {"items.parquet": len(table), "ngrams.parquet": len(vocabulary), "pieces.model": features.pieces.rows}
    return Exported(str(Path(out).absolute()), {**written, "ranker.json": 1}, facts)


def load_ranker(folder: Path) -> RankerFeatures:
    """What a folder of `export_ranker` needs to encode SIDs.

    Raises:
        CorruptArtifact: If a file is missing, broken, or of another format.
    """
    try:
        facts = json.loads((folder / "ranker.json").read_text())
        vocabulary = pq.read_table(folder / "ngrams.parquet")
        pieces = load_pieces(folder / "pieces.model", facts["codes_per_level"])
        columns = [NgramColumn(name, **_column(each)) for name, each in facts["tables"].items() if name != "pieces"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptArtifact(
            f"{folder}: is no ranker export of format {FORMAT} ({error}); write it again with: sidflow export ranker."
        ) from None
    return RankerFeatures(tuple(columns), vocabulary, pieces)


def _column(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "offset"}


def _items(sids: SidTable, counts: np.ndarray, features: pa.Table) -> pa.Table:
    """One row an item in catalogue order."""
    own = {"item_id": sids.item_ids, "sid": ngram_texts(sids.codes), "train_events": pa.array(counts, pa.int64())}
    return pa.table({**own, **{name: features[name] for name in features.column_names}})


def _facts(release: Release, sids: SidTable, features: RankerFeatures, table: pa.Table) -> dict[str, Any]:
    """What `ranker.json` says."""
    tables: dict[str, Any] = {}
    offset = 0
    for column in features.columns:
        entry = asdict(column)
        del entry["name"]
        tables[column.name] = {**entry, "offset": offset}
        offset += column.rows
    tables["pieces"] = {"kind": "pieces", "rows": features.pieces.rows, "offset": offset, "padding": 0}
    return {
        "format": FORMAT,
        **origin(release, sids),
        "tables": tables,
        "total_rows": offset + features.pieces.rows,
        "pieces_per_item": _lookups(table),
        "load": "sidflow.export.ranker.load_ranker(folder).encode(codes); items.parquet has it done for every item",
    }


def _lookups(table: pa.Table) -> dict[str, float]:
    """Mean pieces over all items, over training interactions, and over items by their training interactions."""
    lengths = np.diff(table["pieces"].combine_chunks().offsets.to_numpy())
    counts = table["train_events"].to_numpy()
    order, tenth = np.argsort(-counts, kind="stable"), max(len(counts) // 10, 1)
    groups: dict[str, Sequence[int] | np.ndarray] = {
        "all": order,
        "popular_tenth": order[:tenth],
        "rare_half": order[len(order) // 2 :],
        "no_training": order[counts[order] == 0],
    }
    means = {name: float(lengths[rows].mean()) for name, rows in groups.items() if len(rows)}
    return {**means, "by_interaction": float(np.average(lengths, weights=counts)) if counts.sum() else 0.0}
