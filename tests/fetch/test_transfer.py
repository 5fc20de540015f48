"""One URL into one file: resumed, started over, given up; against a real server that fails on purpose."""

import json
import random
import resource
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.errors import DataContractError, NotObtained
from sidflow.fetch.transfer import Patience, held_beside, transfer
from tests.fetch.site import Site, serve

CONTENT = random.Random(1).randbytes(900_000)
OTHER = random.Random(2).randbytes(900_000)
AT_ONCE = Patience(timeout=5.0, pauses=(0.0, 0.0))
ONCE = Patience(timeout=5.0, pauses=())


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """Where the content goes."""
    return tmp_path / "x.part"


def interrupted(site: Site, part: Path, at: int = 300_000) -> None:
    """A transfer that broke off and was given up."""
    site.files["x"] = CONTENT
    site.cut = [at]
    with pytest.raises(NotObtained, match="broke off"):
        transfer(f"{site.url}/x", part, patience=ONCE)
    site.seen.clear()


def test_whole_content_with_progress(site: Site, part: Path) -> None:
    """The file is the content; progress begins at nothing, grows, and ends at the stated size."""
    site.files["x"] = CONTENT
    seen: list[tuple[int, int]] = []
    transfer(f"{site.url}/x", part, lambda *at: seen.append(at), ONCE)
    assert part.read_bytes() == CONTENT
    assert seen[0] == (0, 900_000) and seen[-1] == (900_000, 900_000) and seen == sorted(seen)


def test_broken_connections_are_resumed_in_one_run(site: Site, part: Path) -> None:
    """After each cut the rest alone is asked for, under the version that was begun."""
    site.files["x"] = CONTENT
    site.cut = [400_000, 100_000, 250_000]
    transfer(f"{site.url}/x", part, patience=Patience(pauses=(0.0,)))
    assert part.read_bytes() == CONTENT
    assert site.seen[0] == ("x", None, None)
    assert site.seen[1:] == [("x", f"bytes={at}-", '"one"') for at in (400_000, 500_000, 750_000)]


def test_next_run_goes_on(site: Site, part: Path) -> None:
    """What a run left is not sent again, and progress begins there."""
    interrupted(site, part)
    seen: list[tuple[int, int]] = []
    transfer(f"{site.url}/x", part, lambda *at: seen.append(at), ONCE)
    assert part.read_bytes() == CONTENT
    assert (site.seen, seen[0]) == ([("x", "bytes=300000-", '"one"')], (300_000, 900_000))


def test_changed_version_starts_over(site: Site, part: Path) -> None:
    """Halves of two versions are never put together."""
    interrupted(site, part)
    site.files["x"], site.etag = OTHER, '"two"'
    transfer(f"{site.url}/x", part, patience=ONCE)
    assert part.read_bytes() == OTHER
    assert held_beside(part).etag == '"two"'


def test_server_without_ranges_starts_over(site: Site, part: Path) -> None:
    """A 200 in answer to a range is the whole content, not the rest."""
    interrupted(site, part)
    site.ranges = False
    transfer(f"{site.url}/x", part, patience=ONCE)
    assert part.read_bytes() == CONTENT


def test_shorter_content_starts_over(site: Site, part: Path) -> None:
    """A range beyond the end (416) means another content."""
    interrupted(site, part)
    site.files["x"] = OTHER[:1_000]
    transfer(f"{site.url}/x", part, patience=AT_ONCE)
    assert part.read_bytes() == OTHER[:1_000]


def test_wrong_part_of_the_content_starts_over(site: Site, part: Path) -> None:
    """A server that answers with another range than asked for is not believed."""
    interrupted(site, part)
    site.content_range = "bytes 5-899999/900000"
    transfer(f"{site.url}/x", part, patience=AT_ONCE)
    assert part.read_bytes() == CONTENT
    assert [each[1] for each in site.seen] == ["bytes=300000-", None]


def test_last_modified_stands_in_for_an_etag(site: Site, part: Path) -> None:
    """A weak ETag cannot vouch for bytes; the date can; without either nothing is resumed."""
    site.etag, site.modified = 'W/"one"', "Tue, 22 Jul 2014 00:00:00 GMT"
    interrupted(site, part)
    transfer(f"{site.url}/x", part, patience=ONCE)
    assert site.seen == [("x", "bytes=300000-", "Tue, 22 Jul 2014 00:00:00 GMT")]
    assert part.read_bytes() == CONTENT
    part.unlink()
    site.modified = ""
    interrupted(site, part)
    transfer(f"{site.url}/x", part, patience=ONCE)
    assert site.seen == [("x", None, None)]
    assert part.read_bytes() == CONTENT


def test_another_address_starts_over(site: Site, part: Path) -> None:
    """Two mirrors' versions are not compared."""
    interrupted(site, part)
    site.files["y"] = OTHER
    transfer(f"{site.url}/y", part, patience=ONCE)
    assert part.read_bytes() == OTHER
    assert site.seen == [("y", None, None)]


def test_part_without_its_note_starts_over(site: Site, part: Path) -> None:
    """Bytes of unknown origin are not built upon."""
    site.files["x"] = CONTENT
    part.write_bytes(b"something else")
    untyped = json.dumps({"url": f"{site.url}/x", "etag": '"one"', "total": "9"})
    for note in ("", "{", "[]", '{"colour": 1}', untyped):
        part.with_name("x.part.json").write_text(note)
        transfer(f"{site.url}/x", part, patience=ONCE)
        assert part.read_bytes() == CONTENT


def test_whole_part_asks_for_nothing(site: Site, part: Path) -> None:
    """A run that was killed after the last byte left nothing to do."""
    site.files["x"] = CONTENT
    transfer(f"{site.url}/x", part, patience=ONCE)
    transfer(f"{site.url}/x", part, patience=ONCE)
    assert len(site.seen) == 1


def test_unreachable_mirror_costs_nothing(site: Site, part: Path) -> None:
    """What one address gave survives another that does not answer, or answers with an error."""
    interrupted(site, part)
    for url, said in (("http://127.0.0.1:1/x", "refused"), (f"{site.url}/gone", "HTTP 404 Not Found")):
        with pytest.raises(NotObtained, match=rf"{url}: .*{said}"):
            transfer(url, part, patience=AT_ONCE)
    assert part.read_bytes() == CONTENT[:300_000]
    assert len(site.seen) == 1  # a 404 is not asked for again


def test_passing_errors_are_tried_again(site: Site, part: Path) -> None:
    """A busy server gets time; one that stays busy is named with its answer."""
    site.files["x"] = CONTENT
    site.status = [503, 429]
    transfer(f"{site.url}/x", part, patience=AT_ONCE)
    assert part.read_bytes() == CONTENT
    part.unlink()
    site.status = [503, 503, 503]
    with pytest.raises(NotObtained, match=r"/x: HTTP 503 Service Unavailable$"):
        transfer(f"{site.url}/x", part, patience=AT_ONCE)


def test_cut_at_the_same_byte_ends(site: Site, part: Path) -> None:
    """Attempts that bring nothing new are counted; the message says how far it came and that it is kept."""
    site.files["x"], site.ranges, site.cut = CONTENT, False, [1_000] * 9
    with pytest.raises(NotObtained, match=r"broke off at 1,000 of 900,000 bytes; 1,000 bytes are kept"):
        transfer(f"{site.url}/x", part, patience=AT_ONCE)
    assert len(site.seen) == 3  # the one that brought something, and one after each pause


def test_content_without_a_stated_length(site: Site, part: Path) -> None:
    """The size is then not known until the end."""
    site.files["x"], site.stated = CONTENT, 0
    seen: list[tuple[int, int]] = []
    transfer(f"{site.url}/x", part, lambda *at: seen.append(at), ONCE)
    assert part.read_bytes() == CONTENT
    assert {total for _, total in seen} == {0}


def test_truncated_body_is_no_content(site: Site, part: Path) -> None:
    """Fewer bytes than stated never pass for the whole."""
    site.files["x"], site.stated = b"a" * 10, 20
    with pytest.raises(NotObtained, match="broke off at 10 of 20 bytes"):
        transfer(f"{site.url}/x", part, patience=ONCE)


def test_more_than_there_is_room_for(site: Site, part: Path) -> None:
    """A size that does not fit is refused before the first byte; the message states both."""
    site.files["x"], site.stated = b"a", 10**17
    with pytest.raises(DataContractError, match=r"needs 100,000,000,000,000,000 bytes more, [\d,]+ are free") as error:
        transfer(f"{site.url}/x", part, patience=ONCE)
    assert not isinstance(error.value, NotObtained) and not part.exists()


def test_disk_that_takes_no_more(site: Site, part: Path) -> None:
    """The disk's failure is not taken for the network's: no other mirror would help, and what came is kept."""
    site.files["x"] = CONTENT
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        with pytest.raises(DataContractError) as error:
            transfer(f"{site.url}/x", part, patience=AT_ONCE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not isinstance(error.value, NotObtained)
    said = f"{part}: cannot write: File too large; 500,000 of 900,000 bytes of {site.url}/x are there. Make room or"
    assert str(error.value).startswith(said)
    transfer(f"{site.url}/x", part, patience=ONCE)
    assert part.read_bytes() == CONTENT
    assert [each[1] for each in site.seen] == [None, "bytes=500000-"]


def test_folder_that_is_none(site: Site, part: Path) -> None:
    """The file that cannot be made is named."""
    site.files["x"] = CONTENT
    part.write_bytes(b"")
    with pytest.raises(DataContractError, match=r"x\.part/y: cannot write: Not a directory"):
        transfer(f"{site.url}/x", part / "y", patience=AT_ONCE)


def test_silent_server(part: Path) -> None:
    """A server that stops in the middle without hanging up is given up after the timeout, and what came is kept."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speak() -> None:
            connection, _ = listening.accept()
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc")
            held.append(connection)

        thread = threading.Thread(target=speak)
        thread.start()
        with pytest.raises(NotObtained, match="timed out; 3 bytes are kept"):
            transfer(f"http://127.0.0.1:{listening.getsockname()[1]}/x", part, patience=Patience(0.3, ()))
        thread.join()
        held[0].close()


def test_note_names_the_version(site: Site, part: Path) -> None:
    """Beside the part lies what it is part of."""
    interrupted(site, part)
    note = json.loads(part.with_name("x.part.json").read_text())
    assert note == {"url": f"{site.url}/x", "etag": '"one"', "modified": "", "total": 900_000}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.booleans(), st.booleans()), max_size=6))
def test_whatever_happens_it_is_one_version(faults: list[tuple[int, bool, bool]]) -> None:
    """Runs that break off anywhere, new versions, dropped ranges: always a prefix, in the end the whole."""
    versions = [CONTENT[:60], OTHER[:60]]
    with serve(Site()) as site, tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "x.part"
        for number, (cut, renewed, ranges) in enumerate(faults):
            versions = versions[::-1] if renewed else versions
            site.files["x"], site.etag, site.cut, site.ranges = versions[0], f'"{versions[0][:3].hex()}"', [cut], ranges
            with suppress(NotObtained):
                transfer(f"{site.url}/x", part, patience=ONCE)
                assert part.read_bytes() == versions[0], number
                part.unlink()
            assert not part.exists() or any(each.startswith(part.read_bytes()) for each in versions)
        site.files["x"], site.etag, site.cut = versions[0], f'"{versions[0][:3].hex()}"', []
        transfer(f"{site.url}/x", part, patience=ONCE)
        assert part.read_bytes() == versions[0]
