"""Published files: the mirror that is asked, what passes as whole, and where users keep theirs."""

import gzip
import hashlib
import random
from pathlib import Path

import pytest

from sidflow.errors import DataContractError, NotObtained
from sidflow.fetch.obtain import Obtained, PublishedFile, download, find, obtain
from sidflow.fetch.transfer import Patience
from tests.fetch.site import Site

ONCE = Patience(timeout=5.0, pauses=())
LINES = gzip.compress(random.Random(1).randbytes(1_000), mtime=0)
NOWHERE = "http://127.0.0.1:1"


def published(*urls: str, name: str = "x.gz", md5: str | None = None) -> PublishedFile:
    """A file with these addresses."""
    return PublishedFile(name, urls, md5)


def test_first_mirror_that_has_it(site: Site, tmp_path: Path) -> None:
    """An unreachable one and one without the file are passed over; nothing but the file and its note is left."""
    site.files["b/x.gz"] = LINES
    got = download(published(f"{NOWHERE}/x.gz", f"{site.url}/a/x.gz", f"{site.url}/b/x.gz"), tmp_path, patience=ONCE)
    assert got == Obtained(tmp_path / "x.gz", f"{site.url}/b/x.gz", mine=True)
    assert got.path.read_bytes() == LINES
    assert sorted(each.name for each in tmp_path.iterdir()) == ["x.gz", "x.gz.part.json"]


def test_no_mirror_names_what_each_said(site: Site, tmp_path: Path) -> None:
    """All answers are in one message."""
    with pytest.raises(NotObtained, match=r"127.0.0.1:1/x.gz: .*refused.*; http.*/a/x.gz: HTTP 404 Not Found$"):
        download(published(f"{NOWHERE}/x.gz", f"{site.url}/a/x.gz"), tmp_path, patience=ONCE)


def test_mirror_that_was_begun_is_asked_first(site: Site, tmp_path: Path) -> None:
    """Another one would start over."""
    site.files = {"a/x.gz": LINES, "b/x.gz": LINES}
    site.status, site.cut = [404], [50]
    file = published(f"{site.url}/a/x.gz", f"{site.url}/b/x.gz")
    with pytest.raises(NotObtained):
        download(file, tmp_path, patience=ONCE)
    site.seen.clear()
    assert download(file, tmp_path, patience=ONCE).url == f"{site.url}/b/x.gz"
    assert site.seen == [("b/x.gz", "bytes=50-", '"one"')]


def test_whole_file_asks_for_nothing(site: Site, tmp_path: Path) -> None:
    """The second download tells where the first came from."""
    site.files["x.gz"] = LINES
    file = published(f"{site.url}/x.gz")
    assert download(file, tmp_path, patience=ONCE) == download(file, tmp_path, patience=ONCE)
    assert len(site.seen) == 1


def test_wrong_checksum_is_refused_and_removed(site: Site, tmp_path: Path) -> None:
    """A login page in place of an archive does not pass, and does not stand in the way of the next run."""
    site.files["x.zip"] = b"<html>"
    right = hashlib.md5(LINES).hexdigest()
    file = published(f"{site.url}/x.zip", name="x.zip", md5=right)
    with pytest.raises(NotObtained, match=rf"/x\.zip: 6 bytes with md5 [0-9a-f]{{32}}; allowed is {right}"):
        download(file, tmp_path, patience=ONCE)
    assert list(tmp_path.iterdir()) == []
    site.files["x.zip"] = LINES
    assert download(file, tmp_path, patience=ONCE).path.read_bytes() == LINES


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>sign in</html>", "20 bytes that are not a whole gzip file .*Not a gzipped file"),
        (LINES[:-9], "that are not a whole gzip file .*ended before the end-of-stream"),
        (LINES[:-8] + b"\0" * 8, "that are not a whole gzip file .*CRC check failed"),
        (LINES[:14] + b"\xff" * 9 + LINES[23:], "that are not a whole gzip file"),
        (b"", "0 bytes that hold nothing"),
    ],
)
def test_gzip_without_a_stated_checksum_vouches_for_itself(
    site: Site, tmp_path: Path, content: bytes, said: str
) -> None:
    """A page, a cut, a wrong CRC, broken data and an empty file are refused; the next mirror is asked."""
    site.files = {"a/x.gz": content, "b/x.gz": LINES}
    with pytest.raises(NotObtained, match=said):
        download(published(f"{site.url}/a/x.gz"), tmp_path, patience=ONCE)
    assert list(tmp_path.iterdir()) == []
    got = download(published(f"{site.url}/a/x.gz", f"{site.url}/b/x.gz"), tmp_path, patience=ONCE)
    assert got.url == f"{site.url}/b/x.gz"


def test_mirror_of_the_users(site: Site, tmp_path: Path) -> None:
    """The address above the file, with a slash or without, or the file's own; the publisher is not asked."""
    site.files["m/x.gz"] = LINES
    for number, source in enumerate(("m", "m/", "m/x.gz")):
        got = obtain(published(f"{site.url}/x.gz"), tmp_path / str(number), f"{site.url}/{source}", patience=ONCE)
        assert got.url == f"{site.url}/m/x.gz"
    assert [name for name, *_ in site.seen] == ["m/x.gz"] * 3


def test_file_of_the_users(tmp_path: Path) -> None:
    """A folder, the file, and both as file: URLs; the file stays where it is and is not ours to remove."""
    mine = tmp_path / "my files"
    mine.mkdir()
    (mine / "x.gz").write_bytes(LINES)
    for source in (str(mine), str(mine / "x.gz"), mine.as_uri(), (mine / "x.gz").as_uri()):
        got = obtain(published(f"{NOWHERE}/x.gz"), tmp_path / "downloads", source)
        assert got == Obtained(mine / "x.gz", (mine / "x.gz").as_uri(), mine=False)
    assert not (tmp_path / "downloads").exists()


def test_users_file_is_checked_and_kept(tmp_path: Path) -> None:
    """A broken file of the user's is refused, never removed."""
    (tmp_path / "x.gz").write_bytes(LINES[:-9])
    with pytest.raises(NotObtained, match=r"x\.gz: [\d,]+ bytes that are not a whole gzip file"):
        find(published("http://where/x.gz"), str(tmp_path))
    assert (tmp_path / "x.gz").exists()


def test_users_file_that_is_not_there(tmp_path: Path) -> None:
    """The message names the file, what is allowed, and where it is published."""
    (tmp_path / "other.gz").write_bytes(LINES)
    for source in (str(tmp_path), str(tmp_path / "gone"), str(tmp_path / "other.gz"), "s3://bucket/data"):
        with pytest.raises(DataContractError, match=rf"--from {source}: no x.gz there. .* published at http://w/x.gz"):
            find(published("http://w/x.gz"), source)
