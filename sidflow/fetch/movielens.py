"""MovieLens-100K from its publisher or from RecBole's copy, with the same columns and the same text."""

import io
import re
import zipfile
from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from sidflow.fetch.download import download_url, wheel_members
from sidflow.fetch.place import OnProgress, RawTables

_URL = "https://files.grouplens.org/datasets/movielens/ml-100k.zip"
_MD5 = "0e33842e24a9c977be4e0107933c0723"
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


def from_grouplens_100k(on_progress: OnProgress | None = None, url: str = _URL, md5: str = _MD5) -> RawTables:
    """From the publisher's zip: `u.data` (tab-separated) and `u.item` (Latin-1, separated by |, a flag per genre)."""
    with zipfile.ZipFile(io.BytesIO(download_url(url, md5, on_progress=on_progress))) as archive:
        ratings = archive.read("ml-100k/u.data").decode("ascii")
        films = archive.read("ml-100k/u.item").decode("latin-1")
    items = []
    for line in _lines(films):
        item, title, *_, flags = line.split("|", 5)
        genres = [genre for genre, flag in zip(GENRES, flags.split("|"), strict=True) if flag == "1"]
        items.append((item, *_title_and_year(title, ""), genres))
    return _tables((line.split("\t") for line in _lines(ratings)), items)


def from_recbole_100k(
    _on_progress: OnProgress | None = None, requirement: str = _WHEEL, sha256: dict[str, str] = _SHA256
) -> RawTables:
    """From the copy in RecBole's wheel: UTF-8, tab-separated with a header, title and year apart."""
    members = wheel_members(requirement, sha256)
    ratings, films = (_lines(members[name].decode("utf-8"))[1:] for name in (_RATINGS, _FILMS))
    items = []
    for line in films:
        item, title, year, genres = line.split("\t")
        items.append((item, *_title_and_year(title, year), genres.split(" ")))
    return _tables((line.split("\t") for line in ratings), items)


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
    users, rated, stars, times = zip(*ratings, strict=True)
    ids, titles, years, genres = zip(*items, strict=True)
    interactions = {"user_id": users, "item_id": rated, "rating": map(int, stars), "timestamp": map(int, times)}
    return RawTables(
        pa.table({name: pa.array(list(values)) for name, values in interactions.items()}),
        pa.table({"item_id": ids, "title": titles, "release_year": years, "genres": [", ".join(g) for g in genres]}),
    )
