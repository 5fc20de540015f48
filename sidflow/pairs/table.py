"""The pairs artifact: `pairs.parquet`, one row a pair, item ids as strings."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.errors import DataContractError, ShapeError

PAIRS_FILE = "pairs.parquet"
SIGNIFICANT, TOP_UP = "significant", "top-up"
_ROWS = 1 << 20  # of a row group


@dataclass(frozen=True)
class Pairs:
    """Mined item pairs, stored once each with a < b, sorted by (a, b).

    Shapes: m pairs; a and b are catalogue indices.

    Raises:
        ShapeError: If a column has another length.
        DataContractError: If a weight is NaN, infinite or negative.
    """

    a: np.ndarray  # (m,) int32
    b: np.ndarray  # (m,) int32
    support: np.ndarray  # (m,) int32, distinct users
    expected: np.ndarray  # (m,) float64, users expected by chance (pair margins)
    pmi: np.ndarray  # (m,) float64, ln(support / expected)
    p_value: np.ndarray  # (m,) float64, against H0: PMI <= iota
    significant: np.ndarray  # (m,) bool, else top-up
    weight: np.ndarray  # (m,) float32, how much a loss should trust the pair
    heldout: np.ndarray  # (m,) bool; held-out pairs never enter a loss
    decayed: np.ndarray | None = None  # (m,) float32, support with half-lives, where these are set

    def __post_init__(self) -> None:
        for name, column in vars(self).items():
            if column is not None and column.shape != self.a.shape:
                raise ShapeError(f"pairs.{name} has shape {column.shape}, but pairs.a has {self.a.shape}")
        wrong = np.flatnonzero(~(np.isfinite(self.weight) & (self.weight >= 0)))
        if len(wrong):
            raise DataContractError(
                f"pairs.weight: {len(wrong):,} of {len(self):,} weights are NaN, infinite or negative, first "
                f"{self.weight[wrong[0]]} in row {wrong[0]:,}; allowed are finite ones from 0. Mine the pairs again."
            )

    def __len__(self) -> int:
        return len(self.a)


def write_pairs(pairs: Pairs, item_ids: pa.Array, folder: Path) -> None:
    """Write `pairs.parquet` into an existing folder.

    Args:
        pairs: m pairs over catalogue indices.
        item_ids: The catalogue's ids by index, (N,), string.
        folder: Where the file goes.

    Raises:
        ShapeError: If a pair points outside the catalogue.
    """
    if len(pairs) and not 0 <= int(pairs.a.min()) <= int(pairs.b.max()) < len(item_ids):
        raise ShapeError(f"pairs point up to item {int(pairs.b.max())}, but the catalogue has {len(item_ids)} items")
    first = _piece(pairs, item_ids, slice(0, _ROWS))
    with pq.ParquetWriter(folder / PAIRS_FILE, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for start in range(_ROWS, len(pairs), _ROWS):
            writer.write_table(_piece(pairs, item_ids, slice(start, start + _ROWS)))


def _piece(pairs: Pairs, item_ids: pa.Array, rows: slice) -> pa.Table:
    """Some rows as they are written: ids of all rows at once may be more text than one Arrow array holds."""
    columns = {
        "item_a": item_ids.take(pa.array(pairs.a[rows])),
        "item_b": item_ids.take(pa.array(pairs.b[rows])),
        "support": pa.array(pairs.support[rows]),
        "expected": pa.array(pairs.expected[rows]),
        "pmi": pa.array(pairs.pmi[rows]),
        "p_value": pa.array(pairs.p_value[rows]),
        "tier": pc.if_else(pa.array(pairs.significant[rows]), SIGNIFICANT, TOP_UP),
        "weight": pa.array(pairs.weight[rows]),
        "heldout": pa.array(pairs.heldout[rows]),
    }
    if pairs.decayed is not None:
        columns["decayed"] = pa.array(pairs.decayed[rows])
    return pa.table(columns)


def read_pairs(files: Mapping[str, Path], item_ids: pa.Array) -> Pairs:
    """Read a pairs artifact against a catalogue.

    Args:
        files: Logical file name to local path, as the artifact store gives it.
        item_ids: The ids of the catalogue to index into, (N,), string, ascending.

    Returns:
        The pairs as indices into `item_ids`.

    Raises:
        DataContractError: If a pair names an item that is not in the catalogue.
    """
    table = pq.read_table(files[PAIRS_FILE])
    a, b = (_indices(table.column(name), item_ids) for name in ("item_a", "item_b"))
    order = np.lexsort((b, a))
    columns = {name: table.column(name).to_numpy()[order] for name in ("support", "expected", "pmi", "p_value")}
    return Pairs(
        a=a[order],
        b=b[order],
        significant=pc.equal(table.column("tier"), SIGNIFICANT).to_numpy()[order],
        weight=table.column("weight").to_numpy()[order],
        heldout=table.column("heldout").to_numpy()[order],
        decayed=table.column("decayed").to_numpy()[order] if "decayed" in table.column_names else None,
        **columns,
    )


def _indices(ids: pa.ChunkedArray, item_ids: pa.Array) -> np.ndarray:
    indices = pc.index_in(ids, value_set=item_ids)
    if indices.null_count:
        unknown = pc.filter(ids, pc.is_null(indices))
        raise DataContractError(
            f"{PAIRS_FILE}: {len(unknown):,} ids are not in the catalogue, first {unknown[0].as_py()!r}. "
            "Read pairs with the catalogue that their histories were built on."
        )
    return np.asarray(indices.to_numpy(zero_copy_only=False), dtype=np.int32)
