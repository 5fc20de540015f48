"""What `explain` finds, against what the artifacts say."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from sidflow.errors import DataContractError
from sidflow.inspection.contents import Contents
from sidflow.inspection.explanation import Explanation, explain
from sidflow.inspection.quantised import quantisation_of
from sidflow.pairs.table import Pairs, write_pairs
from sidflow.semantic_ids.table import read_semantic_ids
from sidflow.semantic_ids.terms import plain_text
from sidflow.semantic_ids.topics import MIN_NODE
from tests.inspection.changing import with_artifacts, write_artifact
from tests.inspection.conftest import Two


def explained(two: Two, item: int, count: int = 40) -> Explanation:
    """The second release's explanation of an item by index."""
    return explain(two.store, two.second, f"i{item:05d}", count)


def test_the_item_itself(two: Two) -> None:
    """Id, title, the embedding's text, SID, and that JSON can hold it."""
    found = explained(two, 3)
    catalogue = pq.read_table(two.store.files(two.second.artifact("catalogue"))["catalogue.parquet"])
    row = catalogue.slice(3, 1).to_pylist()[0]
    assert (found.item_id, found.title, found.release) == ("i00003", row["title"], two.second.id)
    filled = [row[name] for name in ("title", "brand", "category") if row[name]]
    assert found.text == ". ".join(filled)
    sids = read_semantic_ids(two.store.files(two.second.artifact("semantic_ids")))
    assert found.sid == "-".join(map(str, sids.codes[3]))
    assert found.available
    assert json.loads(json.dumps(asdict(found)))["sid"] == found.sid


def test_prefixes_count_their_items(two: Two) -> None:
    """Each prefix, its topic, and how many items share it."""
    sids = read_semantic_ids(two.store.files(two.second.artifact("semantic_ids")))
    assert sids.topics is not None
    for level, prefix in enumerate(explained(two, 5).prefixes, start=1):
        assert prefix.prefix == "-".join(map(str, sids.codes[5, :level]))
        assert prefix.topic == sids.topics[5][level - 1]
        assert prefix.items == (sids.codes[:, :level] == sids.codes[5, :level]).all(1).sum()


def test_prefixes_have_typical_titles(two: Two) -> None:
    """A named prefix shows titles of its own items, as they were stored with the SIDs; a single item has none."""
    contents, shown = Contents(two.store, two.second), 0
    titles = np.array([plain_text(title) for title in contents.titles.to_pylist()])
    for item in range(40):
        for level, prefix in enumerate(explained(two, item).prefixes, start=1):
            own = (contents.sids.codes[:, :level] == contents.sids.codes[item, :level]).all(1)
            assert set(prefix.titles) <= set(titles[own])
            assert prefix.items >= MIN_NODE or not prefix.titles
            shown += len(prefix.titles)
    assert shown


def test_a_release_of_before_typical_titles(own: Two) -> None:
    """Its SID table is read as ever, and its prefixes show none."""
    sids = Contents(own.store, own.second).sids
    older = with_artifacts(own, semantic_ids=write_artifact(own, "semantic_ids", {"": sids}))
    found = explain(own.store, older, "i00005")
    assert all(each.topic and each.titles == () for each in found.prefixes)


def test_siblings_share_the_longest_prefix_first(two: Two) -> None:
    """All items with the first code, by shared levels and then by latent distance, and never the item itself."""
    contents = Contents(two.store, two.second)
    crowded = int(np.bincount(contents.sids.codes[:, 0]).argmax())
    item = int(np.flatnonzero(contents.sids.codes[:, 0] == crowded)[0])
    found = explained(two, item).siblings
    assert len(found) == (contents.sids.codes[:, 0] == crowded).sum() - 1 > 1
    assert [(-each.shared, each.distance) for each in found] == sorted((-e.shared, e.distance) for e in found)
    vectors, latents = contents.embeddings.vectors, contents.quantizer.encode(contents.embeddings.vectors)
    for each in found:
        other = int(each.item_id[1:])
        assert each.cosine == pytest.approx(float(vectors[item] @ vectors[other]), abs=1e-5)
        assert each.distance == pytest.approx(float(np.linalg.norm(latents[item] - latents[other])), abs=1e-4)


def test_partners_are_all_mined_pairs_of_the_item(two: Two) -> None:
    """Both sides of a pair find each other; the significant come first."""
    table = pq.read_table(two.store.files(two.second.artifact("pairs"))["pairs.parquet"]).to_pylist()
    item = table[0]["item_a"]
    found = explain(two.store, two.second, item, 40).partners
    expected = {
        (row["item_b"] if row["item_a"] == item else row["item_a"], row["support"], row["tier"], row["heldout"])
        for row in table
        if item in (row["item_a"], row["item_b"])
    }
    assert {(each.item_id, each.support, each.tier, each.heldout) for each in found} == expected
    assert [each.tier for each in found] == sorted(each.tier for each in found)
    for each in found:
        assert each.pmi == pytest.approx(np.log(each.support / each.expected))
    assert item in {each.item_id for each in explain(two.store, two.second, found[0].item_id, 40).partners}


def test_partners_in_order(own: Two, tmp_path: Path) -> None:
    """Significant ones before the top-up, by PMI; held-out ones are marked; lists are cut but counted."""
    columns = {
        "support": np.array([4, 5, 6, 7, 8], np.int32),
        "expected": np.ones(5),
        "pmi": np.array([0.5, 2.0, 1.0, 3.0, 9.0]),
        "p_value": np.zeros(5),
        "significant": np.array([True, False, True, False, True]),
        "weight": np.ones(5, np.float32),
        "heldout": np.array([False, False, True, False, False]),
    }
    pairs = Pairs(a=np.array([0, 2, 2, 2, 5], np.int32), b=np.array([2, 3, 4, 7, 6], np.int32), **columns)
    write_pairs(pairs, Contents(own.store, own.second).item_ids, tmp_path)
    made = write_artifact(own, "pairs", {"pairs.parquet": (tmp_path / "pairs.parquet").read_bytes()})
    found = explain(own.store, with_artifacts(own, pairs=made), "i00002", 3)
    assert found.partners_found == 4
    assert [(each.item_id, each.tier, each.heldout) for each in found.partners] == [
        ("i00004", "significant", True),
        ("i00000", "significant", False),
        ("i00007", "top-up", False),
    ]


def test_no_lists(two: Two) -> None:
    """`-n 0` asks for none."""
    found = explained(two, 3, 0)
    assert (found.partners, found.siblings) == ((), ())


def test_popularity_counts_training_and_all(two: Two) -> None:
    """Training is a part of all; the most seen item has rank 1."""
    seen = [explained(two, item).popularity for item in range(40)]
    assert all(0 <= each.training <= each.all for each in seen)
    assert max(seen, key=lambda each: each.training).rank == 1
    assert sum(each.all for each in seen) == len(Contents(two.store, two.second).histories.items)


def test_quantisation_leaves_less_with_every_level_of_a_nearest_path(two: Two) -> None:
    """Residual shares fall along the greedy path, and typical ones lie between 0 and 1."""
    contents = Contents(two.store, two.second)
    latents = contents.quantizer.encode(contents.embeddings.vectors)
    for item in range(40):
        found = quantisation_of(contents, item)
        error = np.square(latents[item] - contents.quantizer.quantise(contents.sids.codes[item : item + 1])[0]).sum()
        assert found.residual_shares[-1] == pytest.approx(error / np.square(latents[item]).sum(), rel=1e-4, abs=1e-6)
        assert all(0 <= each <= 1 for each in found.typical_shares)


def test_placement_of_a_first_release(two: Two) -> None:
    """Without a release before, an item is on its nearest path or was moved, and then the path has a holder."""
    contents = Contents(two.store, two.first)
    nearest = contents.quantizer.assign(contents.quantizer.encode(contents.embeddings.vectors))
    for item, path in enumerate(nearest):
        found = quantisation_of(contents, item)
        assert found.nearest == "-".join(map(str, path))
        if (contents.sids.codes[item] == path).all():
            assert (found.placement, found.kept, found.holder) == ("nearest", None, None)
        else:
            assert (found.placement, found.kept) == ("moved", None)
            assert found.holder is not None
            assert (contents.sids.codes[int(found.holder[1:])] == path).all()


@pytest.mark.parametrize(
    ("old", "new", "placement", "kept"),
    [
        ((1, 1, 1), (0, 0, 0), "nearest", None),
        ((1, 1, 1), (1, 1, 1), "kept", "1-1-1"),
        ((1, 1, 1), (1, 1, 2), "kept", "1-1"),
        ((0, 1, 1), (0, 1, 2), "kept", "0-1"),
        ((1, 1, 1), (0, 0, 2), "moved", None),
        ((0, 0, 1), (0, 0, 2), "moved", None),
    ],
)
def test_what_was_kept_of_an_old_sid(
    own: Two, old: tuple[int, ...], new: tuple[int, ...], placement: str, kept: str | None
) -> None:
    """Codes are differences to the nearest path: kept is what is shared with the old SID beyond the nearest path."""
    contents = Contents(own.store, own.second)
    nearest = contents.quantizer.assign(contents.quantizer.encode(contents.embeddings.vectors))[3]
    tables = []
    for codes in (old, new):
        table = contents.sids.codes.copy()
        table[3] = (nearest + codes) % 8
        tables.append(write_artifact(own, "semantic_ids", {"": replace(contents.sids, codes=table)}))
    manifest = own.store.manifest(tables[1]).model_copy(update={"inputs": {"previous": tables[0]}})
    own.store.record(manifest)
    found = quantisation_of(Contents(own.store, with_artifacts(own, semantic_ids=tables[1])), 3)
    held = None if kept is None else "-".join(map(str, ((nearest + old) % 8)[: len(kept.split("-"))]))
    assert (found.placement, found.kept) == (placement, held)


def test_a_lost_table_is_told(own: Two) -> None:
    """The previous SIDs were collected: it cannot be said why an item is off its path."""
    contents = Contents(own.store, own.second)
    nearest = contents.quantizer.assign(contents.quantizer.encode(contents.embeddings.vectors))[3]
    table = contents.sids.codes.copy()
    table[3] = (nearest + 1) % 8
    changed = with_artifacts(
        own, semantic_ids=write_artifact(own, "semantic_ids", {"": replace(contents.sids, codes=table)})
    )
    shutil.rmtree(Path(own.store.root) / own.first.artifact("semantic_ids").path.split("/attempts")[0])
    assert quantisation_of(Contents(own.store, changed), 3).placement == "unknown"


def test_an_unknown_item_is_refused(two: Two) -> None:
    """The error of the lookup reaches the caller."""
    with pytest.raises(DataContractError, match="Did you mean i00003"):
        explain(two.store, two.second, "i0000300")
