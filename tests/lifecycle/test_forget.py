"""Forgetting users: segments, rejects, evidence, later files, traces, and what ends them."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from jinja2 import Environment
from typer.testing import CliRunner

from flows import refresh
from flows.cli import app
from sidflow.artifacts import Manifest, Storage, Store
from sidflow.config import load_config
from sidflow.errors import DataContractError
from sidflow.export.language import export_language
from sidflow.histories.table import read_histories
from sidflow.interactions.tombstones import SALT, read_forgotten, read_pending, remember
from sidflow.lifecycle.forget import forget_users
from sidflow.lifecycle.rollback import roll_back
from sidflow.recommender import load_recommender
from sidflow.release import current_release, log_entries, previous_release
from sidflow.report.formats import shorten
from tests.lifecycle.small import all_files, check_whole, put, put_release, put_segment
from tests.released import release

RAW = ["b,i,soon", '{"user_id": "b", "item_id": 3}', "x,,12"]


def users(store: Store, manifest: Manifest) -> list[str]:
    """The users of a segment's rows."""
    return pq.read_table(store.local_files(manifest)["rows.parquet"])["user_id"].to_pylist()


def found(store: Store, fingerprint: str = "s") -> Manifest:
    """The segment that counts."""
    manifest = store.find("segment", fingerprint)
    assert manifest is not None
    return manifest


def test_rows_and_rejects_are_taken_out(store: Store) -> None:
    """The segment is a new attempt of the same recipe; counts follow; the old attempt is gone."""
    old = put_segment(store, "s", ["a", "b", "c", "b"], RAW)
    done = forget_users(store, ["b"])
    assert [(each.rows, each.rejects, each.source) for each in done.segments] == [(2, 2, "a.csv")]
    new = found(store)
    assert store.is_published(new)
    assert users(store, new) == ["a", "c"]
    assert pq.read_table(store.local_files(new)["rejects.parquet"])["raw"].to_pylist() == ["x,,12"]
    assert new.rows == 2
    assert new.metrics["rejects"] == {"bad": 1}
    assert (new.metrics["source_rows"], new.metrics["max_timestamp_us"]) == (3, 2_000_000)
    assert new.metrics["forgotten"] == sorted(read_forgotten(store).digests)
    assert not [path for path in all_files(store) if path.startswith(old.folder)]
    assert done.traces == ()
    assert done.artifacts == {}


def test_segments_without_the_user_are_left_alone(store: Store) -> None:
    """Same attempt, same files."""
    put_segment(store, "s", ["a", "b"], [])
    other = put_segment(store, "t", ["a", "bb"], ["bb,1,2"])
    forget_users(store, ["b"])
    assert found(store, "t") == other


def test_only_rejects(store: Store) -> None:
    """The rows are taken over as they are."""
    old = put_segment(store, "s", ["a"], RAW)
    done = forget_users(store, ["b"])
    assert [(each.rows, each.rejects) for each in done.segments] == [(0, 2)]
    digests = [next(p.sha256 for p in each.parts if p.name == "rows.parquet") for each in (old, found(store))]
    assert digests[0] == digests[1]


def test_the_id_is_written_nowhere(store: Store) -> None:
    """Digests with a salt of the store's own."""
    put_segment(store, "s", ["a", "b@example.org"], ["b@example.org,,1"])
    forget_users(store, ["b@example.org", "nobody@example.org"])
    for path in [*store.storage.files("artifacts"), *store.storage.files("forgotten")]:
        assert b"@example.org" not in (store.storage.read(path) or b"")
        assert "@example.org" not in path
    assert len(store.storage.read(SALT) or b"") == 64
    assert len(read_forgotten(store).digests) == 2


def test_a_dry_run_changes_nothing(store: Store) -> None:
    """It counts the same and writes nothing, not even a salt."""
    put_segment(store, "s", ["a", "b"], RAW)
    before = all_files(store)
    done = forget_users(store, ["b"], dry_run=True)
    assert done.rows == 3
    assert all_files(store) == before
    assert not store.storage.files("forgotten")


def test_twice_is_once(store: Store) -> None:
    """The second time there is nothing to take out."""
    put_segment(store, "s", ["a", "b"], RAW)
    forget_users(store, ["b"])
    before = all_files(store)
    assert forget_users(store, ["b"]).rows == 0
    assert all_files(store) == before


def test_attempts_that_do_not_count_are_deleted(store: Store) -> None:
    """What a race or a --refresh left behind goes whole."""
    first = put_segment(store, "s", ["a", "b"], [])
    put_segment(store, "s", ["a", "b"], [])
    forget_users(store, ["b"])
    assert not [path for path in all_files(store) if path.startswith(first.folder)]
    assert users(store, found(store)) == ["a"]


def test_releases_keep_their_parts_and_are_named(store: Store) -> None:
    """Immutable releases stay whole: what they name is deleted with them."""
    put_release(store, "one", 1, put_segment(store, "s", ["a", "b"], RAW))
    done = forget_users(store, ["b"])
    check_whole(store)
    assert [(each.release, each.current, each.rows) for each in done.traces] == [("one", True, {"interactions": 3})]
    assert list(done.artifacts.values()) == [3]


def test_evidence_of_gates(store: Store) -> None:
    """Rows in failing_rows.jsonl go, those of others stay."""
    manifest = put(store, "histories", "h", {})
    rows = [{"row": 1, "values": {"user_id": user, "items": []}} for user in ("a", "b")]
    path = f"{manifest.folder}/failing_rows.jsonl"
    store.storage.write(path, "\n".join(json.dumps(each) for each in rows).encode())
    assert forget_users(store, ["b"]).evidence_rows == 1
    assert json.loads(store.storage.read(path) or b"")["values"]["user_id"] == "a"


@pytest.mark.parametrize("name", ["scores", "pairs", "quantizer", "decoder"])
def test_caches_that_name_users_are_emptied(store: Store, name: str) -> None:
    """Half-written recommendations and kept pair counts; both are made again."""
    folder = store.cache_folder(name) / "x"
    folder.mkdir(parents=True)
    (folder / "0.parquet").write_bytes(b"b")
    assert forget_users(store, ["b"], dry_run=True).caches == (name,) and folder.exists()
    assert forget_users(store, ["b"]).caches == (name,)
    assert not folder.exists()


def test_reports_that_show_a_user_are_removed(store: Store) -> None:
    """Others stay; ids are looked for as the page writes them."""
    store.storage.write("reports/one.html", b"<h3>User b&lt;1</h3>")
    store.storage.write("reports/two.html", b"<h3>User c</h3>")
    assert forget_users(store, ["b<1"], dry_run=True).reports == ("one",)
    assert forget_users(store, ["b<1"]).reports == ("one",)
    assert store.storage.children("reports") == ["two.html"]


@pytest.mark.parametrize("user", ['O\'Brien & "sons"', "3fa9" * 16, "two  blanks", "Zoë"])
def test_a_report_is_found_as_the_page_writes_the_id(store: Store, user: str) -> None:
    """Through the page's own escaping and shortening."""
    shown = Environment(autoescape=True).from_string("<h3>User {{ name }}: 9 events</h3>")
    store.storage.write("reports/one.html", shown.render(name=shorten(user, 40)).encode())
    assert forget_users(store, [user]).reports == ("one",)


@pytest.mark.parametrize("user", ["", "  "])
def test_a_blank_id_is_refused(store: Store, user: str) -> None:
    """It would be found in every rejected row with an empty field; nothing is written, in a dry run neither."""
    put_segment(store, "s", ["a"], ["x,,12"])
    before = all_files(store)
    for dry_run in (True, False):
        with pytest.raises(DataContractError, match="a user id is blank"):
            forget_users(store, ["a", user], dry_run)
    assert all_files(store) == before
    assert not store.storage.files("forgotten")


class Killed(BaseException):
    """Stands for SIGKILL."""


def test_killed_after_every_change_the_next_call_finishes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers see whole segments all the way, and the user is gone in the end."""
    put_release(store, "one", 1, put_segment(store, "s", ["a", "b"], RAW))
    put_segment(store, "t", ["b"], [])
    left = [0]
    for name in ("create", "write", "delete"):
        real = getattr(Storage, name)

        def change(self: Storage, *arguments: object, real: object = real) -> object:
            result = real(self, *arguments)  # type: ignore[operator]
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return result

        monkeypatch.setattr(Storage, name, change)
    kills = 0
    for step in range(1, 60):
        left[0] = step
        try:
            forget_users(store, ["b"])
        except Killed:
            kills += 1
            check_whole(store)
            continue
        break
    left[0] = 0
    assert kills > 3
    assert users(store, found(store)) == ["a"]
    assert users(store, found(store, "t")) == []
    rows = [path for path in all_files(store) if path.startswith("artifacts/segment/") and "/rows." in path]
    assert not any(
        "b" in pq.read_table(io.BytesIO(store.storage.read(path) or b""))["user_id"].to_pylist() for path in rows
    )
    assert not [path for path in all_files(store) if path.endswith("discarded")]
    assert not read_pending(store)


def test_the_whole_way(own_releases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget, run, collect: the user is unknown, the raw file is not read again, no artifact holds a row of theirs."""
    store = Store(str(own_releases / "store"))
    user = "u00003"
    first = load_recommender(store, release(own_releases, ["refresh.force=full"])).recommend(user, 1)
    assert "unknown user" not in first[0].reason
    monkeypatch.chdir(own_releases)
    told = json.loads(CliRunner().invoke(app, ["forget", user, "--json"], catch_exceptions=False).stdout)
    assert told["segments"][0]["rows"] == 8
    assert [each["rows"]["histories"] for each in told["traces"]] == [1, 1]
    assert told["commands"][0] == "sidflow run"
    assert told["raw"].endswith("interactions.csv")
    assert roll_back(store).live.release == log_entries(store)[0].release  # older releases can still be served
    segments = [each.attempt for each in store.manifests() if each.kind == "segment"]
    made = release(own_releases, ["refresh.force=full"])
    assert [each.attempt for each in store.manifests() if each.kind == "segment"] == segments
    assert user not in read_histories(store.files(made.artifact("histories"))).user_ids.to_pylist()
    assert "unknown user" in load_recommender(store, made).recommend(user, 1)[0].reason
    left = CliRunner().invoke(app, ["gc", "--apply", "--forgotten", "--grace", "0h"], catch_exceptions=False)
    assert "No artifact holds rows of forgotten users." in left.stdout
    assert forget_users(store, [user]).artifacts == {}
    check_whole(store)
    assert previous_release(store, made.as_of + timedelta(days=1)) == made


def test_later_files_are_read_without_the_user(own_releases: Path) -> None:
    """The same holds for a file that is cleaned after the user was forgotten, and a user of no row costs nothing."""
    store = Store(str(own_releases / "store"))
    forget_users(store, ["u00003", "never seen"])
    log = own_releases / "interactions.csv"
    lines = log.read_text().splitlines()
    lines += ['"u00003","i00001"', "u00004,i00001,soon,view,1.0", "u00003,i00001,soon,view,1.0"]
    log.write_text("\n".join(lines) + "\n")
    made = release(own_releases, ["refresh.force=full"])
    manifest = store.manifest(made.artifact("interactions"))
    assert len(manifest.identity["forgotten"]) == 1
    tables = [pq.read_table(path) for path in store.files(made.artifact("interactions")).values()]
    assert not any("u00003" in str(each.to_pylist()) for each in tables)
    assert sum(manifest.metrics["rejects"].values()) == 1
    assert load_config(own_releases / "pipeline.yaml").interactions.path == str(log)


def test_an_unknown_user_is_noted(own_releases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 0, no rows, a tombstone; and the next run finds everything in the cache."""
    store = Store(str(own_releases / "store"))
    before = release(own_releases, ["refresh.force=full"])
    monkeypatch.chdir(own_releases)
    result = CliRunner().invoke(app, ["forget", "nobody"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "No row in the cleaned interactions." in result.stdout
    assert "No release and no artifact holds a trace." in result.stdout
    assert len(read_forgotten(store).digests) == 1
    assert release(own_releases, ["refresh.force=full"]).id == before.id


def test_a_run_follows_up_what_was_cut_short(own_releases: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Killed after the tombstone, `forget` leaves segments in the cache that still have the rows: a run cleans them."""
    store = Store(str(own_releases / "store"))
    remember(store, ["u00003"])
    made = release(own_releases, ["refresh.force=full"])
    assert "u00003" not in read_histories(store.files(made.artifact("histories"))).user_ids.to_pylist()
    assert "repeat that sidflow forget" in caplog.text
    forget_users(store, ["u00003"])
    assert not read_pending(store)


def test_a_release_says_that_it_is_too_late(
    own_releases: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Users that were forgotten before a run cost no word; one who is while it is under way does."""
    store = Store(str(own_releases / "store"))
    forget_users(store, ["u00003"])
    release(own_releases, ["decoder.epochs=1"])
    assert "were forgotten after" not in caplog.text
    read = refresh.ingest_interactions.fn

    def read_and_forget(*arguments: Any) -> Any:
        returned = read(*arguments)
        forget_users(store, ["u00005"])
        return returned

    monkeypatch.setattr(refresh.ingest_interactions, "fn", read_and_forget)
    made = release(own_releases, ["decoder.epochs=1"])
    assert f"Release {made.id} holds" in caplog.text
    assert "who were forgotten after" in caplog.text


def test_a_forgotten_user_is_unknown_at_once(own_releases: Path) -> None:
    """Whoever loads the recommender of the old release, and the corpora made from it."""
    store = Store(str(own_releases / "store"))
    release = current_release(store)
    assert release is not None
    user = load_recommender(store, release)._dataset.histories.user_ids[0].as_py()
    assert "popular" not in load_recommender(store, release).recommend(user, 1)[0].reason
    forget_users(store, [user])
    assert "unknown user" in load_recommender(store, release).recommend(user, 1)[0].reason
    written = export_language(store, release, str(own_releases / "corpora"))
    lines = (Path(written.folder) / "behaviour-train.jsonl").read_text().splitlines()
    users = {json.loads(line)["user_id"] for line in lines}
    assert user not in users and len(users) > 10
