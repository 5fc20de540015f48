"""Small files in the publishers' formats."""

import gzip
import io
import json
import zipfile
from pathlib import Path

from sidflow.fetch.amazon import read_amazon
from sidflow.fetch.movielens import GENRES
from sidflow.fetch.obtain import PublishedFile
from sidflow.fetch.place import DataSet
from sidflow.fetch.tables import Counts

REVIEWS = "reviews_Beauty_5.json.gz"
METADATA = "meta_Beauty.json.gz"
REVIEW = {
    "reviewerName": "A. Reader",
    "helpful": [3, 4],
    "reviewText": "Smells “nice”.\nTwice.",
    "summary": "Nice",
    "reviewTime": "01 30, 2014",
}
ITEMS: list[dict[str, object]] = [
    {"asin": "B000000009", "title": "Not of the 5-core", "categories": [["Beauty"]]},
    {
        "asin": "7806397051",
        "description": 'Says "it\'s good".\nReally.',
        "title": "Crème &amp; Balm,  5 oz",
        "price": 4.99,
        "brand": "L'Oréal",
        "related": {"also_bought": ["B000000009", "B00000000A"]},
        "salesRank": {"Beauty": 95234},
        "imUrl": "http://images/x.jpg",
        "categories": [["Beauty", "Skin Care", "Creams & Balms"], ["Gifts"], ["Beauty", "Travel"]],
    },
    {"asin": "B00000000A", "categories": [["Beauty", "Hair Care"]]},
]
COUNTS = Counts(interactions=4, users=2, rated=3, items=3)


def reviews() -> bytes:
    """Four reviews by two users of three items, in the order of the items, one day twice for the first user."""
    rows = [("A1", "7806397051", 1391040000), ("A2", "7806397051", 1391040000)]
    rows += [("A1", "B00000000A", 1391040000), ("A2", "B00000000B", 1380000000)]
    lines = [
        {"reviewerID": user, "asin": item, "overall": 5.0, "unixReviewTime": time, **REVIEW}
        for user, item, time in rows
    ]
    return gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode())


def metadata(items: list[dict[str, object]] = ITEMS) -> bytes:
    """Lines of Python literals."""
    return gzip.compress("".join(f"{item!r}\n" for item in items).encode())


def amazon(*bases: str, counts: Counts = COUNTS) -> DataSet:
    """The small category, published at these addresses."""
    files = tuple(PublishedFile(name, tuple(f"{base}/{name}" for base in bases)) for name in (REVIEWS, METADATA))
    return DataSet("amazon-beauty", files, read_amazon, counts)


def flags(*genres: str) -> str:
    """The genre flags of a line of u.item."""
    return "|".join("1" if genre in genres else "0" for genre in GENRES)


def ml_100k() -> bytes:
    """A small ml-100k.zip."""
    films = [
        f"1|Toy Story (1995)|01-Jan-1995||http://x/?Toy%20Story%20(1995)|{flags('Comedy', 'Animation')}",
        f"2|Mis\xe9rables, Les (1995)|01-Jan-1995||http://x|{flags('Drama', 'Musical')}",
        f"267|unknown||||{flags('unknown')}",
        f"1412|Land Before Time III (1995) (V)|01-Jan-1995||http://x|{flags('Animation')}",
    ]
    ratings = "196\t1\t3\t881250949\n007\t267\t5\t881250950\n"
    return zipped({"ml-100k/u.data": ratings, "ml-100k/u.item": "\n".join([*films, ""])})


def ml_1m() -> bytes:
    """A small ml-1m.zip: three films, of which two are rated."""
    films = [
        "1::Toy Story (1995)::Animation|Children's|Comedy",
        "73::Mis\xe9rables, Les (1995)::Drama|Musical",
        "3000::Mononoke-hime (Princess Mononoke) (1997)::Animation",
    ]
    ratings = "1::1::5::978300760\n1::73::3::978302109\n6040::1::4::956703932\n"
    return zipped({"ml-1m/ratings.dat": ratings, "ml-1m/movies.dat": "\n".join([*films, ""]), "ml-1m/README": "x"})


def zipped(members: dict[str, str]) -> bytes:
    """An archive of Latin-1 files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text.encode("latin-1"))
    return content.getvalue()


def write(path: Path, content: bytes) -> Path:
    """A file with this content."""
    path.write_bytes(content)
    return path
