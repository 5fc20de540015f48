"""Garbage collection: what stays, what goes, kills at every step, races."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from sidflow.artifacts import Storage, Store
from sidflow.errors import ConfigError, MissingArtifact
from sidflow.lifecycle.collect import Plan, Terms, collect, plan_collection
from sidflow.lifecycle.grace import parse_grace
from sidflow.release import LOG, append_again, current_release, find_entry, find_release, log_entries, standing
from tests.lifecycle.small import LATER, all_files, check_whole, part, put, put_release, put_segment

DAY = Terms(keep=2, grace=timedelta(hours=24))


@pytest.fixture
def four(store: Store) -> Store:
    """Four releases of four days on one segment."""
    segment = put_segment(store, "s", ["a", "b"], ["x,y"])
    for day, name in enumerate(("one", "two", "three", "four"), start=1):
        put_release(store, name, day, segment)
    return store


def staying(plan: Plan) -> dict[str, str]:
    """The releases that stay, and why."""
    return {each.name: each.why for each in plan.releases if each.stays}


def kinds(plan: Plan) -> list[str]:
    """What goes, by kind."""
    return sorted(each.kind for each in plan.going.values())


def test_an_empty_store(store: Store) -> None:
    """There is nothing to do."""
    plan = plan_collection(store, DAY, LATER)
    assert (plan.releases, plan.attempts, plan.free_bytes) == ((), (), 0)
    assert not collect(store, DAY, LATER).going


def test_what_stays_and_why(four: Store) -> None:
    """Current, its predecessor, and the newest; all older ones go with what only they need."""
    plan = plan_collection(four, DAY, LATER)
    assert staying(plan) == {"three": "what a rollback goes back to", "four": "current"}
    assert (
        kinds(plan)
        == ["dataset", "dataset", "histories", "histories", "interactions", "interactions"] + ["release"] * 2
    )
    assert {each.why for each in plan.releases if not each.stays} == {"older than the newest 2"}
    assert plan.free_bytes > 0


def test_a_dry_run_changes_nothing(four: Store) -> None:
    """Files and log are as before."""
    before = all_files(four)
    plan_collection(four, DAY, LATER)
    assert all_files(four) == before
    assert len(log_entries(four)) == 4


def test_collecting(four: Store) -> None:
    """What goes is gone, what stays is whole, and the log names what was collected."""
    plan = collect(four, DAY, LATER)
    assert len(plan.going) == 8
    check_whole(four)
    assert [each.action for each in log_entries(four)] == ["publish"] * 4 + ["collect"] * 2
    assert list(standing(log_entries(four))) == ["three", "four"]
    assert {each.fingerprint for each in four.manifests() if each.kind == "release"} == {"three", "four"}
    with pytest.raises(MissingArtifact, match=r"'one': one was collected by gc; there are: three, four"):
        find_release(four, "one")
    assert not collect(four, DAY, LATER).going


def test_the_report_of_a_collected_release_goes_with_it(four: Store) -> None:
    """Those of releases that stay are left."""
    for each in standing(log_entries(four)):
        four.storage.write(f"reports/{each}.html", b"<p>")
    collect(four, DAY, LATER)
    stayed = {f"{each.release}.html" for each in log_entries(four) if each.action != "collect"} - {
        f"{each.release}.html" for each in log_entries(four) if each.action == "collect"
    }
    assert set(four.storage.children("reports")) == stayed and len(stayed) < 4


def test_the_grace_period_spares_what_is_young(four: Store) -> None:
    """A run may be in flight: nothing that was written lately goes."""
    plan = plan_collection(four, DAY)
    assert not plan.going
    assert staying(plan)["one"] == "published or used within the grace period"
    assert kinds(plan_collection(four, Terms(2, timedelta(0)), datetime.now(UTC) + timedelta(seconds=1)))


def test_a_mark_of_use_spares_an_artifact_and_its_inputs(four: Store) -> None:
    """What a run found in the cache lately stays, and so does what it was made from."""
    old = next(each for each in four.manifests() if each.fingerprint == "interactions-one")
    derived = put(four, "pairs", "p", {"p.parquet": pa.table({"x": [1]})}, inputs={"i": four.artifact(old)})
    soon = datetime.now(UTC) + timedelta(hours=20)
    assert four.artifact(derived).path.removesuffix("/data") in plan_collection(four, DAY, LATER).going
    four.note_use(four.artifact(derived))
    plan = plan_collection(four, DAY, soon)
    why = {each.kind: each.why for each in plan.attempts if each.stays}
    assert why["pairs"] == "written or used within the grace period"
    assert not plan.going


def test_a_tag_and_a_rollback_protect(store: Store) -> None:
    """A tagged release stays; after a rollback so do the one that is live and the one that it left."""
    segment = put_segment(store, "s", ["a"], [])
    put_release(store, "gold", 1, segment, tags=("gold",))
    for day, name in enumerate(("two", "three", "four", "five"), start=2):
        put_release(store, name, day, segment)
    entries = log_entries(store)
    append_again(store, entries, "rollback", find_entry(entries, "three"))
    assert staying(plan_collection(store, DAY, LATER)) == {
        "gold": "tagged gold",
        "two": "what a rollback goes back to",
        "three": "current",
        "four": "one of the newest 2",
        "five": "what the next run builds on",
    }


def test_a_withdrawn_release_is_nobodys_predecessor(four: Store) -> None:
    """It goes when it is no longer among the newest."""
    entries = log_entries(four)
    append_again(four, entries, "withdraw", find_entry(entries, "three"))
    assert staying(plan_collection(four, Terms(1, timedelta(0)), LATER)) == {
        "two": "what a rollback goes back to",
        "four": "current",
    }


def test_parts_that_a_newer_artifact_names_stay(four: Store) -> None:
    """The data set of a release that stays names a part that lies in an artifact that goes."""
    old = put(four, "embeddings", "old", {"e.parquet": pa.table({"x": [1]}), "f.parquet": pa.table({"x": [2]})})
    newest = find_release(four, "four").artifact("dataset")
    four.storage.delete(f"{newest.path.removesuffix('/data')}/manifest.json")
    manifest = put(four, "dataset", "dataset-four", refer={"e.parquet": part(old, "e.parquet")}, attempt="again")
    record = four.storage.read(f"{manifest.folder}/manifest.json") or b""
    four.storage.write(f"{newest.path.removesuffix('/data')}/manifest.json", record)
    collect(four, DAY, LATER)
    assert four.storage.read(part(old, "e.parquet").path) is not None
    assert four.storage.read(part(old, "f.parquet").path) is None
    assert four.storage.read(f"{old.folder}/manifest.json") is None
    why = {each.kind: each for each in plan_collection(four, DAY, LATER).attempts}
    assert why["embeddings"].stays
    assert why["embeddings"].why.startswith("holds parts that dataset/dataset-four")


def test_the_data_behind_a_quantizer_stay(store: Store) -> None:
    """A release that keeps an old quantizer needs what it was fitted on, and the histories behind its pairs."""
    fitted = {
        kind: put(store, kind, f"{kind}-old", {"x.parquet": pa.table({"x": [1]})})
        for kind in ("embeddings", "histories")
    }
    pairs = put(store, "pairs", "pairs-old", inputs={"histories": store.artifact(fitted["histories"])})
    inputs = {"embeddings": store.artifact(fitted["embeddings"]), "pairs": store.artifact(pairs)}
    older = put(store, "quantizer", "q-older", {"q.parquet": pa.table({"x": [1]})})
    quantizer = put(store, "quantizer", "q", inputs={**inputs, "previous_quantizer": store.artifact(older)})
    release = put_release(store, "one", 1, put_segment(store, "s", ["a"], []))
    record = next(each for each in store.manifests() if each.kind == "release")
    pinned = {**record.inputs, "quantizer": store.artifact(quantizer)}
    store.record(record.model_copy(update={"inputs": pinned}))
    assert [each.fingerprint for each in store.manifests() if each.kind == "release"] == [release.id]
    plan = plan_collection(store, DAY, LATER)
    assert [each.folder for each in plan.going.values()] == [older.folder]
    reasons = {each.name.split("/")[1]: each.why for each in plan.attempts}
    assert reasons["histories-ol"] == "data behind the quantizer of release one"


def test_source_files_of_what_stays_are_not_read_again(four: Store) -> None:
    """The segment that counts stays although a rewritten one took the place of the one that interactions name."""
    rewritten = put_segment(four, "s", ["a"], [])
    items = put(four, "items", "i", {"items.parquet": pa.table({"x": [1]})}, metrics={"content": "c", "rows": 1})
    other = put(four, "items", "j", {"items.parquet": pa.table({"x": [1]})}, metrics={"content": "d", "rows": 1})
    put(four, "catalogue", "k", {"c.parquet": pa.table({"x": [1]})}, identity={"content": "c"})
    going = plan_collection(four, DAY, LATER).going
    assert rewritten.folder not in going
    assert {items.folder, other.folder} <= going.keys()
    catalogue = next(each for each in four.manifests() if each.kind == "catalogue")
    record = next(each for each in four.manifests() if each.fingerprint == "four" and each.kind == "release")
    four.record(record.model_copy(update={"inputs": {**record.inputs, "catalogue": four.artifact(catalogue)}}))
    going = plan_collection(four, DAY, LATER).going
    assert items.folder not in going
    assert other.folder in going


def test_candidates_and_what_a_killed_run_left(four: Store) -> None:
    """Neither stays for long."""
    candidate = put(four, "pairs", "p", {"p.parquet": pa.table({"x": [1]})}, publish=False)
    refused = put(four, "pairs", "r", {"p.parquet": pa.table({"x": [1]})}, publish=False, gates=({"success": False},))
    attempt = four.begin("pairs", "killed")
    (attempt.data / "half.parquet").write_bytes(b"PAR1")
    attempt.parts()
    plan = plan_collection(four, DAY, LATER)
    states = {each.name.split("/")[1]: each.state for each in plan.attempts if each.kind == "pairs"}
    assert states == {"p": "candidate", "r": "refused", "killed": "unfinished"}
    assert {candidate.folder, refused.folder, attempt.path} <= plan.going.keys()
    collect(four, DAY, LATER)
    assert not [path for path in all_files(four) if path.startswith("artifacts/pairs/")]


def test_condemned_releases_go_whatever_protects_them(four: Store) -> None:
    """All but the current one."""
    terms = Terms(4, timedelta(0), condemned=frozenset({"two", "three", "four"}))
    plan = plan_collection(four, terms, LATER)
    assert staying(plan) == {"one": "one of the newest 4", "four": "current"}
    assert {each.why for each in plan.releases if not each.stays} == {"holds rows of forgotten users"}


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.fixture
def kill_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Die right after the n-th change of the storage from now on; 0 never."""
    left = [0]

    def dying(name: str) -> None:
        real = getattr(Storage, name)

        def change(self: Storage, *arguments: Any) -> Any:
            result = real(self, *arguments)
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return result

        monkeypatch.setattr(Storage, name, change)

    for name in ("create", "write", "delete"):
        dying(name)
    return lambda count: left.__setitem__(0, count)


def test_killed_after_every_change_readers_see_whole_artifacts(four: Store, kill_after: Callable[[int], None]) -> None:
    """Each time a collection dies one step later, and nothing that can be found is broken; the last one finishes."""
    current = current_release(four)
    assert current is not None
    kills = 0
    while kills < 200:
        # what the last collection left is what this one starts with; it gets at least one step further
        kill_after(1)
        try:
            collect(four, DAY, LATER)
        except Killed:
            check_whole(four)
            assert current_release(four) == current
            for entry in standing(log_entries(four)).values():
                assert find_release(four, entry.release).id == entry.release
            kills += 1
            continue
        break
    kill_after(0)
    assert 20 < kills < 200
    check_whole(four)
    assert not plan_collection(four, DAY, LATER).going
    assert list(standing(log_entries(four))) == ["three", "four"]
    left = {path.split("/")[2] for path in all_files(four)}
    assert not left & {"one", "two", "interactions-one", "dataset-two"}


def test_two_collections_at_once(four: Store) -> None:
    """Both end well, each release is collected in the log once, and what stays is whole."""
    errors: list[Exception] = []
    barrier = threading.Barrier(2)

    def race() -> None:
        barrier.wait()
        try:
            collect(Store(four.root), DAY, LATER)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=race) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    collected = [each.release for each in log_entries(four) if each.action == "collect"]
    assert sorted(collected) == ["one", "two"]
    check_whole(four)
    assert not plan_collection(four, DAY, LATER).going


def test_a_release_that_comes_while_collecting_keeps_what_it_needs(
    four: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollback to a release that was about to go, or a use of an artifact, in the midst of it: both stay."""
    real, once = Storage.delete, []

    def delete(self: Storage, path: str) -> None:
        if not once:
            once.append(path)
            put_release(four, "five", 5, next(each for each in four.manifests() if each.kind == "segment"))
            old = next(each for each in four.manifests() if each.fingerprint == "histories-two")
            four.storage.write(f"{old.folder}/used", b"now")
        real(self, path)

    monkeypatch.setattr(Storage, "delete", delete)
    collect(four, Terms(2, timedelta(seconds=0)), datetime.now(UTC))
    check_whole(four)
    assert find_release(four, "five").artifact("dataset")
    assert [each for each in four.manifests() if each.fingerprint == "histories-two"]


def test_a_recipe_whose_artifact_went_is_made_again(four: Store) -> None:
    """A pointer that names what is gone is no obstacle: the next attempt takes its place."""
    manifest = put(four, "pairs", "p", {"p.parquet": pa.table({"x": [1]})})
    four.storage.delete(f"{manifest.folder}/manifest.json")
    assert four.find("pairs", "p") is None
    again = put(four, "pairs", "p", {"p.parquet": pa.table({"x": [2]})}, publish=False)
    assert four.publish(again) == again
    assert four.is_published(again)


def test_grace() -> None:
    """A number and a unit; zero is allowed."""
    assert parse_grace("0h") == timedelta(0)
    assert parse_grace("90min") == timedelta(minutes=90)
    with pytest.raises(ConfigError, match="--grace soon: not a period; allowed"):
        parse_grace("soon")


def test_what_a_killed_writer_left_in_the_log_costs_nothing(four: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its temporary file is no new release, so the store is not listed anew for every artifact that goes."""
    lists: list[str] = []
    real = Storage.files

    def listed(self: Storage, path: str) -> Any:
        lists.append(path)
        return real(self, path)

    four.storage.write(f"{LOG}/.00000005.json.0a1b", b"{")
    monkeypatch.setattr(Storage, "files", listed)
    done = collect(four, Terms(keep=1, grace=timedelta(0)), LATER)
    assert len(done.going) == 8
    retired = 2
    assert lists.count("artifacts") == 2 + retired + 1  # two plans, one look a release, one before files are deleted
