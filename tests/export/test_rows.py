"""SIDs and tokens as rows."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.artifacts import Store
from sidflow.dataset.build import Dataset, read_dataset
from sidflow.dataset.tokens import token_codes
from sidflow.export import rows
from sidflow.export.rows import sid_rows, token_rows
from sidflow.export.tables import Stream
from sidflow.lifecycle.forget import forget_users
from sidflow.release import Release, live_release


@pytest.fixture
def live(two_releases: Path) -> tuple[Store, Release]:
    """A store and its live release."""
    store = Store(str(two_releases / "store"))
    return store, live_release(store)


def table(stream: Stream) -> pa.Table:
    """All rows."""
    return pa.Table.from_batches(stream.batches, stream.schema)


def dataset(live: tuple[Store, Release]) -> Dataset:
    """The release's data set."""
    return read_dataset(live[0].files(live[1].artifact("dataset")))


def test_sids(live: tuple[Store, Release]) -> None:
    """One row an item in catalogue order: codes and topics level by level."""
    found, sids = table(sid_rows(*live)), dataset(live).sids
    levels = ["1", "2", "3"]
    assert found.column_names == [
        *("item_id", "title", "sid"), *(f"code_{each}" for each in levels), *(f"topic_{each}" for each in levels)
    ]  # fmt: skip
    assert found["item_id"].to_pylist() == sids.item_ids.to_pylist()
    assert np.stack([found[f"code_{each}"] for each in levels], 1).tolist() == sids.codes.tolist()
    assert found["sid"].to_pylist() == ["-".join(map(str, row)) for row in sids.codes]
    assert tuple(zip(*(found[f"topic_{each}"].to_pylist() for each in levels), strict=True)) == sids.topics
    catalogue = pq.read_table(live[0].files(live[1].artifact("catalogue"))["catalogue.parquet"])
    assert found["title"].to_pylist() == catalogue["title"].to_pylist()


def test_tokens_come_back_as_histories(live: tuple[Store, Release]) -> None:
    """Without the level offsets the tokens are the codes of each user's items; the split adds up."""
    stream, data = token_rows(*live), dataset(live)
    found = table(stream)
    assert found["user_id"].to_pylist() == data.histories.user_ids.to_pylist()
    for user, row in enumerate(found.to_pylist()):
        start, stop = data.histories.offsets[user : user + 2]
        codes = token_codes(np.array(row["tokens"]).reshape(-1, 3), data.sids.sizes)
        assert codes.tolist() == data.sids.codes[data.histories.items[start:stop]].tolist()
        assert row["n_train"] + row["n_validation"] + row["n_test"] == stop - start
        assert (row["n_train"], row["n_validation"]) == (
            data.histories.n_train[user], data.histories.n_validation[user]
        )  # fmt: skip
    assert stream.sidecar
    assert json.loads(json.dumps(stream.about)) == {
        "release": live[1].id,
        "as_of": live[1].as_of.isoformat(),
        "codes_per_level": [8, 8, 8],
        "token_offsets": [0, 8, 16],
        "vocabulary": 24,
        "tokens_per_item": 3,
    }


@pytest.mark.parametrize("size", [1, 7, 50])
def test_batches_of_any_size_give_the_same_rows(
    live: tuple[Store, Release], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A history longer than a batch is not cut."""
    expected = [table(each(*live)) for each in (sid_rows, token_rows)]
    monkeypatch.setattr(rows, "ROWS", size)
    streams = [each(*live) for each in (sid_rows, token_rows)]
    batches = [list(stream.batches) for stream in streams]
    assert all(len(each) > 1 for each in batches) or size == 50
    for stream, parts, whole in zip(streams, batches, expected, strict=True):
        assert pa.Table.from_batches(parts, stream.schema).equals(whole)


def test_forgotten_users_have_no_tokens(own_releases: Path) -> None:
    """From the moment they are forgotten, whatever the release still holds; the others are as they were."""
    store = Store(str(own_releases / "store"))
    before = table(token_rows(store, live_release(store))).to_pylist()
    forget_users(store, ["u00003"])
    after = table(token_rows(store, live_release(store))).to_pylist()
    assert after == [each for each in before if each["user_id"] != "u00003"]
    assert len(after) == len(before) - 1
