"""Two releases compared: real ones, and ones whose tables were changed by hand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sidflow.artifacts import Store
from sidflow.inspection.alignment import compare_alignment
from sidflow.inspection.contents import Contents
from sidflow.inspection.difference import compare_releases
from sidflow.inspection.settings import Change, changed_settings
from sidflow.release import Release, live_release
from sidflow.semantic_ids.table import SidTable
from tests.inspection.changing import with_artifacts, write_artifact
from tests.inspection.conftest import Two
from tests.released import release


def test_real_releases(two: Two) -> None:
    """Counts, churn and metrics agree with what the stages noted."""
    found = compare_releases(two.store, two.first, two.second)
    facts = two.store.manifest(two.second.artifact("semantic_ids")).metrics
    assert (found.added, found.removed) == (facts["new_items"], facts["removed_items"])
    assert found.moved == round(facts["churn"] * facts["common_items"])
    for name in ("churn", "churn_by_level", "churn_traffic", "churn_traffic_by_level"):
        assert found.churn[name] == pytest.approx(facts[name])
    ours = {each.metric: each for each in found.measures if each.model == "sidflow"}
    assert ours["ndcg@10"].before == two.first.metrics["test"]["ndcg@10"]
    assert ours["ndcg@10"].after == two.second.metrics["test"]["ndcg@10"]
    assert ours["ndcg@10"].difference == pytest.approx(ours["ndcg@10"].after - ours["ndcg@10"].before)
    assert {each.model for each in found.measures} > {"sidflow", "popularity", "last_item_transitions"}
    assert Change("decision", "force", "auto", "full") in found.settings
    assert "metrics" not in found.shared


def test_a_release_and_itself(two: Two) -> None:
    """Nothing differs and everything is shared."""
    found = compare_releases(two.store, two.second, two.second)
    assert (found.added, found.removed, found.moved, found.settings) == (0, 0, 0, ())
    assert set(found.shared) == set(two.second.artifacts)
    assert all(each.difference == 0 for each in found.measures)


def test_moved_items_come_by_level_then_popularity(own: Two) -> None:
    """Old and new SIDs and topics; the lowest changed level first, then the most seen."""
    contents = Contents(own.store, own.second)
    table, seen = contents.sids, contents.popularity
    codes = table.codes.copy()
    codes[[4, 9], 2] = 7 - codes[[4, 9], 2]
    codes[[1, 6], 0] = 7 - codes[[1, 6], 0]
    codes[3, 1] = 7 - codes[3, 1]
    topics = tuple(tuple(f"new {name}" for name in names) for names in table.topics or ())
    changed = with_artifacts(
        own, semantic_ids=write_artifact(own, "semantic_ids", {"": replace(table, codes=codes, topics=topics)})
    )
    found = compare_releases(own.store, own.second, changed, 4)
    first, last = (sorted(pair, key=lambda item: (-seen[item], item)) for pair in ((1, 6), (4, 9)))
    order = [*first, 3, last[0]]
    assert found.moved == 5
    assert [int(each.item_id[1:]) for each in found.moved_items] == order
    assert [each.level for each in found.moved_items] == [1, 1, 2, 3]
    for item, each in zip(order, found.moved_items, strict=True):
        assert each.old_sid == "-".join(map(str, table.codes[item]))
        assert each.new_sid == "-".join(map(str, codes[item]))
        assert each.new_topics == tuple(f"new {name}" for name in each.old_topics)
        assert each.popularity == seen[item]
    assert found.churn["churn"] == 5 / 40
    assert found.churn["churn_by_level"] == [2 / 40, 3 / 40, 5 / 40]
    traffic = seen[[1, 3, 4, 6, 9]].sum() / seen.sum()
    assert found.churn["churn_traffic"] == pytest.approx(traffic)


def test_added_and_removed_items_come_by_popularity(own_releases: Path) -> None:
    """A catalogue that loses and gains items: both lists with titles and SIDs."""
    store = Store(str(own_releases / "store"))
    lines = (own_releases / "items.csv").read_text().splitlines()
    kept = [line for line in lines if '"i00007"' not in line]
    new = ['"n1","brand new [thing]","",""', '"n2","another","",""']
    (own_releases / "items.csv").write_text("\n".join([*kept, *new]) + "\n")
    before = Contents(store, live_release(store))
    after = release(
        own_releases, ["interactions.gate.max_reject_share=1.0", "histories.gate.max_unknown_item_share=1.0"]
    )
    found = compare_releases(store, before.release, after)
    assert (found.added, found.removed) == (2, 1)
    assert [each.item_id for each in found.added_items] == ["n1", "n2"]
    assert found.added_items[0].title == "brand new [thing]"
    assert found.removed_items[0].item_id == "i00007"
    assert found.removed_items[0].popularity == before.popularity[7]
    assert found.before.items, found.after.items == (40, 41)


def test_settings_are_compared_field_by_field(own: Two) -> None:
    """Nested fields have dotted names; fields that only one side has are there too."""
    changed = with_artifacts(
        own,
        pairs=write_artifact(own, "pairs", {}, {"window": 99, "brand_new": {"deep": True}}),
        decoder=write_artifact(own, "decoder", {}, {"lr": 0.5}),
    )
    old = own.store.manifest(own.second.artifact("decoder")).identity["lr"]
    assert changed_settings(own.store, own.second, changed) == (
        Change("pairs", "window", 3, 99),
        Change("pairs", "brand_new.deep", None, True),
        Change("decoder", "lr", old, 0.5),
    )


def decided(two: Two, action: str, warm: bool) -> Release:
    """The second release as if refitted by this decision, published after it."""
    text = json.dumps({"action": action, "reason": "by hand", "warm_start": warm, "monitors": None})
    quantizer = {name: path.read_bytes() for name, path in two.store.files(two.second.artifact("quantizer")).items()}
    plain = {name: content for name, content in quantizer.items() if "/" not in name}
    return with_artifacts(
        two,
        decision=write_artifact(two, "decision", {"decision.json": text.encode()}),
        quantizer=write_artifact(two, "quantizer", plain),
    )


@pytest.mark.parametrize(
    ("action", "warm", "aligned", "reason"),
    [
        ("full", True, True, "every refit between the two was aligned"),
        ("full", False, False, "release changed was fitted from scratch (full)"),
        ("re_encode", False, False, "release changed was fitted from scratch (re_encode)"),
    ],
)
def test_codes_keep_their_meaning_unless_fitted_from_scratch(
    own: Two, action: str, warm: bool, aligned: bool, reason: str
) -> None:
    """A warm refit is aligned; whichever of the two is named first."""
    changed = decided(own, action, warm)
    for found in (
        compare_alignment(own.store, own.second, changed),
        compare_alignment(own.store, changed, own.second),
    ):
        assert found.aligned is aligned
        assert reason in found.reason


def test_the_same_quantiser_is_always_comparable(two: Two) -> None:
    """Whatever lies between."""
    assert compare_alignment(two.store, two.second, with_artifacts(two)).aligned is True


def test_releases_of_other_lines_cannot_be_told(own: Two) -> None:
    """Neither was built on the other: no claim is made."""
    stranger = decided(own, "full", True).model_copy(update={"previous": None})
    found = compare_alignment(own.store, own.second, stranger)
    assert (found.aligned, found.reason) == (None, "neither was built on the other")


def test_other_numbers_of_codes_are_not_comparable(own: Two) -> None:
    """Other sizes of codebooks end it."""
    other = write_artifact(own, "quantizer", {}, {"codebooks": [4, 4, 4]})
    found = compare_alignment(own.store, own.second, with_artifacts(own, quantizer=other))
    assert (found.aligned, "other numbers of levels or codes" in found.reason) == (False, True)


def test_more_levels_move_every_item(own: Two) -> None:
    """A SID with another number of levels counts as moved, at the first level beyond the common ones."""
    table = Contents(own.store, own.second).sids
    codes = np.hstack([table.codes, np.zeros((40, 1), np.int16)])
    longer = SidTable(table.item_ids, codes, (*table.sizes, 2))
    changed = with_artifacts(own, semantic_ids=write_artifact(own, "semantic_ids", {"": longer}))
    found = compare_releases(own.store, own.second, changed)
    assert found.moved == 40
    assert {each.level for each in found.moved_items} == {4}
    assert found.churn["churn"] == 1.0
