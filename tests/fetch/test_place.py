"""A data set in its folder: whole or not at all, fetched once, resumed, from wherever the user says."""

import csv
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from sidflow.errors import ConfigError, DataContractError
from sidflow.fetch import DATASETS, Fetched, fetch
from sidflow.fetch.movielens import read_1m
from sidflow.fetch.obtain import PublishedFile
from sidflow.fetch.place import DataSet, Spare, place
from sidflow.fetch.tables import Counts, RawTables
from sidflow.fetch.transfer import Patience
from tests.fetch.official import COUNTS, METADATA, REVIEWS, amazon, metadata, ml_1m, reviews, write
from tests.fetch.site import Site

ONCE = Patience(timeout=5.0, pauses=())
NOWHERE = "http://127.0.0.1:1"
TINY = RawTables(
    pa.table({"user_id": ["7", "8"], "item_id": ["1", "1"], "rating": [5, 3], "timestamp": [10, 11]}),
    pa.table({"item_id": ["1"], "title": ['The "best", film'], "release_year": ["1995"], "price": [None]}),
)
TINY_COUNTS = Counts(interactions=2, users=2, rated=1, items=1)


def spared(tables: RawTables = TINY, counts: Counts = TINY_COUNTS) -> DataSet:
    """A set whose publisher cannot be reached, and another place that has it."""
    file = PublishedFile("x.zip", (f"{NOWHERE}/x.zip",), "0e33")
    return DataSet("tiny", (file,), read_1m, counts, Spare("a package", lambda: tables))


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(each.name for each in folder.iterdir())


def test_amazon_from_its_publisher(site: Site, tmp_path: Path) -> None:
    """Both files are downloaded, read, checked, and leave only tables and a note of what they were."""
    site.files = {REVIEWS: reviews(), METADATA: metadata()}
    seen: list[tuple[str, int, int]] = []
    got = place(amazon(NOWHERE, site.url), tmp_path, None, lambda *at: seen.append(at), ONCE)
    assert got == Fetched(tmp_path / "amazon-beauty", f"{site.url}/{REVIEWS}, {site.url}/{METADATA}", downloaded=True)
    assert names(got.folder) == ["interactions.csv", "items.csv", "origin.json"]
    with (got.folder / "interactions.csv").open(newline="") as file:
        assert list(csv.reader(file))[:2] == [
            ["user_id", "item_id", "rating", "timestamp", "position"],
            ["A1", "7806397051", "5", "1391040000", "0"],
        ]
    note = json.loads((got.folder / "origin.json").read_text())
    digest = hashlib.sha256(site.files[REVIEWS]).hexdigest()
    assert note["files"][REVIEWS] == {
        "url": f"{site.url}/{REVIEWS}", "bytes": len(site.files[REVIEWS]), "sha256": digest,
    }  # fmt: skip
    assert {name for name, *_ in seen} == {REVIEWS, METADATA}


def test_second_fetch_asks_for_nothing(site: Site, tmp_path: Path) -> None:
    """Whole files are left alone; a changed one is fetched again."""
    site.files = {REVIEWS: reviews(), METADATA: metadata()}
    first = place(amazon(site.url), tmp_path, None, None, ONCE)
    site.seen.clear()
    assert place(amazon(site.url), tmp_path, None, None, ONCE) == first._replace(downloaded=False)
    assert site.seen == []
    (first.folder / "items.csv").write_text("broken")
    assert place(amazon(site.url), tmp_path, None, None, ONCE).downloaded
    assert len(site.seen) == 2
    assert (first.folder / "items.csv").read_text().startswith("item_id,title,category,")


def test_interrupted_fetch_goes_on(site: Site, tmp_path: Path) -> None:
    """The first file is whole and not sent again, the second is resumed; nothing half-done counts meanwhile."""
    site.files = {REVIEWS: reviews(), METADATA: metadata()}
    site.cut = [len(site.files[REVIEWS]), 40]
    message = (
        rf"fetch amazon-beauty: no place gave it: .*{METADATA}: broke off at 40 of .* bytes are kept. Run the same"
    )
    with pytest.raises(DataContractError, match=message):
        place(amazon(site.url), tmp_path, None, None, ONCE)
    assert names(tmp_path / "amazon-beauty") == ["download"]
    site.seen.clear()
    assert place(amazon(site.url), tmp_path, None, None, ONCE).downloaded
    assert site.seen == [(METADATA, "bytes=40-", '"one"')]
    assert names(tmp_path / "amazon-beauty") == ["interactions.csv", "items.csv", "origin.json"]


def test_killed_fetch_goes_on(site: Site, tmp_path: Path) -> None:
    """An interruption by the user leaves what came."""
    site.files = {REVIEWS: reviews(), METADATA: metadata()}

    def stop(name: str, done: int, total: int) -> None:
        if name == METADATA and done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place(amazon(site.url), tmp_path, None, stop, ONCE)
    site.seen.clear()
    assert place(amazon(site.url), tmp_path, None, None, ONCE).downloaded
    assert site.seen == []  # everything was there; only the reading was not done


def test_process_killed_in_the_middle(site: Site, tmp_path: Path) -> None:
    """SIGKILL while bytes arrive: the next run asks for the rest."""
    content = ml_1m()
    site.files["ml-1m.zip"], site.cut, site.hold = content, [200], threading.Event()
    command = [str(Path(sys.executable).parent / "sidflow"), "fetch", "movielens-1m"]
    part = tmp_path / "movielens-1m" / "download" / "ml-1m.zip.part"
    with subprocess.Popen([*command, "--from", site.url, "--folder", str(tmp_path)]) as running:
        deadline = time.monotonic() + 30
        while not (part.exists() and part.stat().st_size == 200) and time.monotonic() < deadline:
            time.sleep(0.02)
        running.kill()
    site.hold.set()
    assert part.read_bytes() == content[:200]
    site.seen.clear()
    file = PublishedFile("ml-1m.zip", (f"{site.url}/ml-1m.zip",), hashlib.md5(content).hexdigest())
    data_set = DataSet("movielens-1m", (file,), read_1m, Counts(interactions=3, users=2, rated=2, items=3))
    assert place(data_set, tmp_path, patience=ONCE).downloaded
    assert site.seen == [("ml-1m.zip", "bytes=200-", '"one"')]


def test_other_size_is_refused(site: Site, tmp_path: Path) -> None:
    """Files that are sound but not the published set give no data set, and are not kept for the next run."""
    site.files = {REVIEWS: reviews(), METADATA: metadata()}
    message = "holds 4 interactions of 2 users with 3 of 3 items; allowed are 198,502 of 22,363 with 12,101 of 12,101"
    with pytest.raises(DataContractError, match=message):
        place(replace(amazon(site.url), counts=DATASETS["amazon-beauty"].counts), tmp_path, None, None, ONCE)
    assert names(tmp_path) == []


def test_files_of_the_user(tmp_path: Path) -> None:
    """A folder stands in for the publisher; its files stay, and a broken one is named."""
    mine = tmp_path / "mine"
    mine.mkdir()
    write(mine / REVIEWS, reviews())
    write(mine / METADATA, b"<html>")
    data_set = amazon(NOWHERE)
    with pytest.raises(DataContractError, match=rf"no place gave it: {mine / METADATA}: 6 bytes that are not a whole"):
        place(data_set, tmp_path, str(mine))
    write(mine / METADATA, metadata())
    assert place(data_set, tmp_path, str(mine)).origin == f"{(mine / REVIEWS).as_uri()}, {(mine / METADATA).as_uri()}"
    assert names(mine) == [METADATA, REVIEWS]
    with pytest.raises(DataContractError, match=rf"--from {tmp_path}: no {REVIEWS} there"):
        place(data_set, tmp_path / "elsewhere", str(tmp_path))


def test_unreadable_file_of_the_user_is_kept(tmp_path: Path) -> None:
    """Only downloads are removed."""
    write(tmp_path / REVIEWS, reviews())
    write(tmp_path / METADATA, metadata())
    data_set = amazon(NOWHERE, counts=COUNTS._replace(users=3))
    with pytest.raises(DataContractError, match=r"of 2 users .* allowed are 4 of 3 with 3 of 3"):
        place(data_set, tmp_path / "out", str(tmp_path))
    assert (tmp_path / REVIEWS).exists() and (tmp_path / METADATA).exists()


def test_movielens_1m_by_its_checksum(site: Site, tmp_path: Path) -> None:
    """The publisher's digest decides, whatever the mirror."""
    content = ml_1m()
    site.files["ml-1m.zip"] = content + b"x"
    counts = Counts(interactions=3, users=2, rated=2, items=3)
    file = PublishedFile("ml-1m.zip", (f"{NOWHERE}/ml-1m.zip",), hashlib.md5(content).hexdigest())
    data_set = DataSet("movielens-1m", (file,), read_1m, counts)
    with pytest.raises(DataContractError, match=r"bytes with md5 .*; allowed is "):
        place(data_set, tmp_path, site.url, None, ONCE)
    site.files["ml-1m.zip"] = content
    got = place(data_set, tmp_path, site.url, None, ONCE)
    assert (got.folder / "items.csv").read_text().splitlines()[2] == '73,"Misérables, Les",1995,"Drama, Musical"'


def test_spare_place_stands_in(tmp_path: Path) -> None:
    """A publisher that cannot be reached is passed over."""
    assert place(spared(), tmp_path, patience=ONCE) == Fetched(tmp_path / "tiny", "a package", downloaded=True)
    assert not place(spared(), tmp_path, patience=ONCE).downloaded


def test_spare_place_is_held_to_the_size_too(tmp_path: Path) -> None:
    """The message says what each place answered, and what to do; nothing counts."""
    message = (
        r"no place gave it: .*refused.*; a package: holds 2 .* allowed are 9 of .*--from URL.*x\.zip.*--from FOLDER"
    )
    with pytest.raises(DataContractError, match=message):
        place(spared(counts=TINY_COUNTS._replace(interactions=9)), tmp_path, patience=ONCE)
    assert names(tmp_path) == []


def test_users_choice_has_no_stand_in(tmp_path: Path) -> None:
    """With --from, no other place is asked."""
    with pytest.raises(DataContractError, match=r"no x\.zip there"):
        place(spared(), tmp_path, str(tmp_path))


def test_files_are_plain_csv(tmp_path: Path) -> None:
    """Text is quoted only where it must be, null is blank."""
    folder = place(spared(), tmp_path, patience=ONCE).folder
    assert (folder / "interactions.csv").read_text() == "user_id,item_id,rating,timestamp\n7,1,5,10\n8,1,3,11\n"
    assert (folder / "items.csv").read_text().splitlines()[1] == '1,"The ""best"", film",1995,'


def test_two_at_once(tmp_path: Path) -> None:
    """The second run does not write into the first one's files; a lock without its process holds nobody up."""
    (tmp_path / "tiny").mkdir()
    descriptor = os.open(tmp_path / "tiny", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(DataContractError, match=r"tiny: another sidflow fetch is writing here; wait for it, or choose"):
        place(spared(), tmp_path, patience=ONCE)
    os.close(descriptor)
    assert place(spared(), tmp_path, patience=ONCE).downloaded


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """The folder and the next step are named."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataContractError, match=r"fetch tiny: cannot write to .*file/tiny: Not a directory. Make room"):
        place(spared(), tmp_path / "file", patience=ONCE)


def test_unknown_data_set_is_refused(tmp_path: Path) -> None:
    """The message lists the known ones."""
    known = "movielens-100k, movielens-1m, amazon-beauty, amazon-sports, amazon-toys"
    with pytest.raises(ConfigError, match=f"fetch netflix: no such data set; allowed: {known}"):
        fetch("netflix", tmp_path)


def test_every_published_file_has_an_address_of_its_name() -> None:
    """Mirrors by --from rely on it."""
    for data_set in DATASETS.values():
        for file in data_set.files:
            assert file.urls and all(url.endswith(f"/{file.name}") for url in file.urls)
            assert file.md5 is not None or file.name.endswith(".gz")
