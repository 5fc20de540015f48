"""The Amazon product data of 2014: reviews as JSON lines, metadata as lines of Python literals, both gzipped."""

import ast
import gzip
import html
import json
import logging
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from sidflow.errors import DataContractError
from sidflow.fetch.tables import RawTables

_LOG = logging.getLogger(__name__)
_ROWS: Final = 1 << 16
_ASIN: Final = re.compile(rb"""\{\s*(["'])asin\1\s*:\s*(["'])(\w+)\2\s*[,}]""")
INTERACTIONS: Final = pa.schema(
    {
        "user_id": pa.string(),
        "item_id": pa.string(),
        "rating": pa.int64(),
        "timestamp": pa.int64(),
        "position": pa.int64(),
    }
)
ITEMS: Final = pa.schema(
    {
        "item_id": pa.string(),
        "title": pa.string(),
        "category": pa.string(),
        "other_categories": pa.string(),
        "brand": pa.string(),
        "price": pa.float64(),
        "description": pa.string(),
    }
)


def read_amazon(reviews: Path, metadata: Path) -> RawTables:
    """A category's 5-core and what is known of its items.

    Timestamps are epoch seconds at midnight; `position`, the row in the reviews file, orders what a user did on one
    day, as in the literature. Items are those of the 5-core alone, in the order of the metadata; the ones without an
    entry come last with an id alone. `category` is an item's first path.

    Args:
        reviews: `reviews_<Category>_5.json.gz`.
        metadata: `meta_<Category>.json.gz`, far larger: read line by line, and only the items' own lines are parsed.

    Raises:
        DataContractError: If a line is not what it should be, or most items have no entry.

    Source: He and McAuley 2016, arXiv 1602.01585; McAuley et al. 2015, arXiv 1506.04757.
    """
    interactions = pa.Table.from_batches(_batches(_reviews(reviews), INTERACTIONS), INTERACTIONS)
    wanted = set(interactions["item_id"].unique().to_pylist())
    rows = list(_items(metadata, wanted))
    if len(wanted) > len(rows):
        raise DataContractError(
            f"{metadata.name}: no entry for {len(wanted):,} of {len(wanted) + len(rows):,} items in {reviews.name}, so "
            f"they are not of one category; allowed is up to a half"
        )
    if wanted:
        _LOG.info("%s: no entry for %d items of the 5-core", metadata.name, len(wanted))
    rows += [(item, "", "", "", "", None, "") for item in sorted(wanted)]
    return RawTables(interactions, pa.Table.from_batches(_batches(iter(rows), ITEMS), ITEMS))


def _reviews(path: Path) -> Iterator[tuple[object, ...]]:
    with gzip.open(path) as file:
        for row, line in enumerate(file):
            try:
                review = json.loads(line)
                user, item, rating = review["reviewerID"], review["asin"], int(review["overall"])
                yield str(user), str(item), rating, int(review["unixReviewTime"]), row
            except (ValueError, KeyError, TypeError) as error:
                raise _unreadable(path, row, line, "a review in JSON", error) from error


def _items(path: Path, wanted: set[str]) -> Iterator[tuple[object, ...]]:
    """The first entry of each wanted item, which is taken out of the set."""
    with gzip.open(path) as file:
        for row, line in enumerate(file):
            begins = _ASIN.match(line)
            if begins is not None and begins[3].decode("ascii") not in wanted:
                continue
            entry = _entry(path, row, line)
            if (item := entry["asin"]) in wanted:
                wanted.remove(item)
                yield _described(item, entry)


def _entry(path: Path, row: int, line: bytes) -> dict[str, Any]:
    """A line of metadata: JSON if it is, else a Python literal, which is parsed and never run."""
    try:
        text = line.decode("utf-8").strip()
        try:
            entry = json.loads(text)
        except ValueError:
            entry = ast.literal_eval(text)
        if not isinstance(entry["asin"], str):
            raise ValueError("its asin is no text")
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError) as error:
        raise _unreadable(path, row, line, "an item as a Python literal or JSON", error) from error
    return dict(entry)


def _described(item: str, entry: dict[str, Any]) -> tuple[object, ...]:
    paths = [" > ".join(map(_text, path)) for path in entry.get("categories") or []]
    first, *others = paths or [""]
    price = entry.get("price")
    return (
        item,
        _text(entry.get("title")),
        first,
        " | ".join(others),
        _text(entry.get("brand")),
        float(price) if isinstance(price, int | float) else None,
        _text(entry.get("description")),
    )


def _text(value: object) -> str:
    """Text without HTML's entities, line breaks and halves of characters."""
    if value is None:
        return ""
    return " ".join(html.unescape(str(value)).split()).encode("utf-8", "replace").decode("utf-8")


def _batches(rows: Iterator[tuple[object, ...]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while block := list(islice(rows, _ROWS)):
        columns = zip(*block, strict=True)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
        yield pa.record_batch(arrays, schema=schema)


def _unreadable(path: Path, row: int, line: bytes, allowed: str, error: Exception) -> DataContractError:
    got = line[:60].decode("utf-8", "replace").strip()
    why = f"no {error}" if isinstance(error, KeyError) else str(error)
    return DataContractError(f"{path.name} line {row + 1:,}: {got!r} ({why}); allowed is {allowed}")
