"""The Amazon files of 2014: what becomes of each field, and lines that are not what they should be."""

import gzip
import json
import re
from pathlib import Path

import pytest

from sidflow.errors import DataContractError
from sidflow.fetch.amazon import read_amazon
from sidflow.fetch.tables import RawTables
from tests.fetch.official import ITEMS, METADATA, REVIEWS, metadata, reviews, write


def read(folder: Path, items: bytes, log: bytes | None = None) -> RawTables:
    """What these files hold."""
    return read_amazon(write(folder / REVIEWS, log or reviews()), write(folder / METADATA, items))


def test_reviews_become_interactions(tmp_path: Path) -> None:
    """The published order is kept, and kept as a column: it decides among the events of one day."""
    assert read(tmp_path, metadata()).interactions.to_pydict() == {
        "user_id": ["A1", "A2", "A1", "A2"],
        "item_id": ["7806397051", "7806397051", "B00000000A", "B00000000B"],
        "rating": [5, 5, 5, 5],
        "timestamp": [1391040000, 1391040000, 1391040000, 1380000000],
        "position": [0, 1, 2, 3],
    }


def test_metadata_become_items(tmp_path: Path) -> None:
    """Python literals are read; entities and line breaks go; others' items stay out; one without an entry stays in."""
    assert read(tmp_path, metadata()).items.to_pylist() == [
        {
            "item_id": "7806397051",
            "title": "Crème & Balm, 5 oz",
            "category": "Beauty > Skin Care > Creams & Balms",
            "other_categories": "Gifts | Beauty > Travel",
            "brand": "L'Oréal",
            "price": 4.99,
            "description": 'Says "it\'s good". Really.',
        },
        {
            "item_id": "B00000000A",
            "title": "",
            "category": "Beauty > Hair Care",
            "other_categories": "",
            "brand": "",
            "price": None,
            "description": "",
        },
        {
            "item_id": "B00000000B",
            "title": "",
            "category": "",
            "other_categories": "",
            "brand": "",
            "price": None,
            "description": "",
        },
    ]


def test_metadata_in_json_are_the_same(tmp_path: Path) -> None:
    """Some mirrors offer strict JSON; a key order of another kind does not matter either."""
    lines = "".join(json.dumps(dict(reversed(item.items()))) + "\n" for item in ITEMS)
    as_json = read(tmp_path, gzip.compress(lines.encode()))
    assert as_json.items.equals(read(tmp_path, metadata()).items)


def test_first_entry_of_an_item_counts(tmp_path: Path) -> None:
    """A repeated entry adds no row."""
    again = {**ITEMS[1], "title": "Another"}
    assert read(tmp_path, metadata([*ITEMS, again])).items.equals(read(tmp_path, metadata()).items)


def test_metadata_of_another_category(tmp_path: Path) -> None:
    """Two files that do not belong together are refused; both are named."""
    message = f"{METADATA}: no entry for 3 of 3 items in {REVIEWS}, so they are not of one category; allowed is up to"
    with pytest.raises(DataContractError, match=re.escape(message)):
        read(tmp_path, metadata(ITEMS[:1]))


def test_lines_of_other_items_are_not_parsed(tmp_path: Path) -> None:
    """Metadata are many times larger than the 5-core: a broken line of another item does not matter."""
    broken = gzip.decompress(metadata()) + b"{'asin': 'B0OTHER', 'title': \n"
    assert read(tmp_path, gzip.compress(broken)).items.num_rows == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{'asin': 'B00000000B', 'title': __import__('os').getcwd()}", "malformed node"),
        (b"{'asin': 'B00000000B', 'title': 'cut", "line 4"),
        (b"{'title': 'no id'}", "no 'asin'"),
        (b"['asin']", "line 4"),
        (b"{'asin': 7}", "its asin is no text"),
        (b"{'asin': 'B00000000B', 'x': " + b"(" * 5_000 + b"}", "line 4"),
        (b"\xff", "line 4"),
    ],
)
def test_metadata_that_cannot_be_read(tmp_path: Path, line: bytes, said: str) -> None:
    """File, line, content and what is allowed are named; nothing in a line is ever run."""
    content = gzip.compress(gzip.decompress(metadata()) + line + b"\n")
    with pytest.raises(DataContractError, match=re.escape(said)) as error:
        read(tmp_path, content)
    assert str(error.value).startswith(f"{METADATA} line 4: ")
    assert str(error.value).endswith("allowed is an item as a Python literal or JSON")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{'asin': 'x'}", "Expecting property name"),
        (b'{"asin": "x"}', "no 'reviewerID'"),
        (b'{"reviewerID": "A", "asin": "x", "overall": 5.0, "unixReviewTime": "soon"}', "invalid literal"),
        (b"7", "not subscriptable"),
        (b"\xff", "line 5"),
    ],
)
def test_reviews_that_cannot_be_read(tmp_path: Path, line: bytes, said: str) -> None:
    """File, line, content and what is allowed are named."""
    with pytest.raises(DataContractError, match=re.escape(said)) as error:
        read(tmp_path, metadata(), gzip.compress(gzip.decompress(reviews()) + line + b"\n"))
    assert str(error.value).startswith(f"{REVIEWS} line 5: ")
    assert str(error.value).endswith("allowed is a review in JSON")


def test_half_characters_do_not_stop_the_writing(tmp_path: Path) -> None:
    """A lone surrogate in a title is replaced."""
    line = b"{'asin': 'B00000000B', 'title': 'half \\ud83d'}\n"
    tables = read(tmp_path, gzip.compress(gzip.decompress(metadata()) + line))
    assert tables.items.to_pylist()[2]["title"] == "half ?"
