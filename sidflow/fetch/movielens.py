"""MovieLens from its publisher's archives, and 100K from RecBole's copy: always the same columns and text."""

import re
import zipfile
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from sys import intern
from typing import Final

import pyarrow as pa

from sidflow.fetch.tables import RawTables
from sidflow.fetch.wheel import wheel_members

_WHEEL = "recbole==1.2.1"
_RATINGS = "recbole/dataset_example/ml-100k/ml-100k.inter"
_FILMS = "recbole/dataset_example/ml-100k/ml-100k.item"
_SHA256 = {
    _RATINGS: "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
    _FILMS: "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
}
GENRES: Final = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
_YEAR = re.compile(r"\s*\((\d{4})\)\s*(?:\(V\))?\s*$")  # (V) marks a video release


def read_100k(archive: Path) -> RawTables:
    """`ml-100k.zip`, its checksum verified: `u.data` (tab-separated), `u.item` (separated by |, a flag per genre)."""
    ratings, films = _members(archive, "ml-100k/u.data", "ml-100k/u.item")
    items = []
    for line in films:
        item, title, *_, flags = line.split("|", 5)
        genres = [genre for genre, flag in zip(GENRES, flags.split("|"), strict=True) if flag == "1"]
        items.append((item, *_title_and_year(title, ""), genres))
    return _tables((line.split("\t") for line in ratings), items)


def read_1m(archive: Path) -> RawTables:
    """`ml-1m.zip`, its checksum verified: `ratings.dat` and `movies.dat`, separated by ::, genres by |."""
    ratings, films = _members(archive, "ml-1m/ratings.dat", "ml-1m/movies.dat")
    items = []
    for line in films:
        item, title, genres = line.split("::")
        items.append((item, *_title_and_year(title, ""), genres.split("|")))
    return _tables((line.split("::") for line in ratings), items)


def from_recbole_100k(requirement: str = _WHEEL, sha256: Mapping[str, str] = _SHA256) -> RawTables:
    """From the copy in RecBole's wheel: UTF-8, tab-separated with a header, title and year apart.

    Raises:
        DataContractError: If pip cannot get the wheel, or it holds something else.
    """
    members = wheel_members(requirement, sha256)
    ratings, films = (_lines(members[name].decode("utf-8"))[1:] for name in (_RATINGS, _FILMS))
    items = []
    for line in films:
        item, title, year, genres = line.split("\t")
        items.append((item, *_title_and_year(title, year), genres.split(" ")))
    return _tables((line.split("\t") for line in ratings), items)


def _members(archive: Path, *names: str) -> list[list[str]]:
    """The lines of files in an archive, which are Latin-1."""
    with zipfile.ZipFile(archive) as opened:
        return [_lines(opened.read(name).decode("latin-1")) for name in names]


def _lines(text: str) -> list[str]:
    """Lines by line feeds alone: str.splitlines also cuts at characters that Latin-1 text may hold."""
    return text.removesuffix("\n").split("\n")


def _title_and_year(title: str, year: str) -> tuple[str, str]:
    """A title without its year, and the year; RecBole misread two films (267 has no title, 1412 ends in (V))."""
    if title in ("unkonwn", "unknown"):
        return "unknown", ""
    if (found := _YEAR.search(title)) is not None:
        return title[: found.start()].strip(), found[1]
    return title.strip(), year if year.isdigit() else ""


def _tables(ratings: Iterable[list[str]], items: Iterable[tuple[str, str, str, list[str]]]) -> RawTables:
    users, rated, stars, times = [], [], array("b"), array("q")
    for user, item, star, time in ratings:
        users.append(intern(user))
        rated.append(intern(item))
        stars.append(int(star))
        times.append(int(time))
    ids, titles, years, genres = zip(*items, strict=True)
    return RawTables(
        pa.table({"user_id": users, "item_id": rated, "rating": pa.array(stars), "timestamp": pa.array(times)}),
        pa.table({"item_id": ids, "title": titles, "release_year": years, "genres": [", ".join(g) for g in genres]}),
    )
