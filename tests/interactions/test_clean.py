"""One batch of interactions: sound rows, rejects and rows that are not kept."""

from typing import Any

import pyarrow as pa
import pytest

from sidflow.config import InteractionsConfig
from sidflow.errors import DataContractError
from sidflow.interactions import Cleaned, clean_batch
from sidflow.sources import BadRow, Batch, Source, TimestampUnit

SOURCE = Source("/in/log.csv", "log.csv", "0" * 64, 1)


def clean(
    rows: list[dict[str, Any]], unit: TimestampUnit = "s", bad: tuple[BadRow, ...] = (), **config: Any
) -> Cleaned:
    """Clean rows numbered from 1."""
    batch = Batch(pa.array(range(1, len(rows) + 1), pa.int64()), pa.Table.from_pylist(rows), bad, ",")
    return clean_batch(batch, SOURCE, InteractionsConfig(**config), unit)


def row(user: Any = "u", item: Any = "i", timestamp: Any = "5", **more: Any) -> dict[str, Any]:
    """A sound row, but for what is given."""
    return {"user_id": user, "item_id": item, "timestamp": timestamp, **more}


def test_sound_row() -> None:
    """Ids as text, time in UTC microseconds, and where it came from."""
    [kept] = clean([row("007", "i1", "1577836800.5")]).rows.to_pylist()
    assert kept.pop("timestamp").isoformat() == "2020-01-01T00:00:00.500000+00:00"
    assert kept == {"user_id": "007", "item_id": "i1", "row": 1, "source": "log.csv"}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(user=""), "user id missing"),
        (row(user=None), "user id missing"),
        (row(user="  "), "user id missing"),
        (row(item=""), "item id missing"),
        (row(timestamp=None), "timestamp missing"),
        (row(timestamp="soon"), "timestamp unparseable"),
        (row(timestamp="-1"), "timestamp before 1970"),
        (row(timestamp="99999999999"), "timestamp out of range"),
        (row(timestamp="1577836800000"), "timestamp in another unit"),
        (row(user="", item="", timestamp=""), "user id missing"),
    ],
)
def test_bad_row_is_rejected_with_its_reason(bad: dict[str, Any], reason: str) -> None:
    """The first reason counts; rows around it stay, and the raw text is kept."""
    cleaned = clean([row(), bad, row()])
    assert cleaned.rows["row"].to_pylist() == [1, 3]
    [rejected] = cleaned.rejects.to_pylist()
    assert (rejected["file"], rejected["row"], rejected["reason"]) == ("log.csv", 2, reason)


def test_raw_text_is_kept() -> None:
    """A reject shows its row as it was; rows that could not be read come along."""
    cleaned = clean([row(user="", item="é")], bad=(BadRow(2, "too few fields", "x,y"),))
    assert [(each["row"], each["raw"]) for each in cleaned.rejects.to_pylist()] == [(1, ",é,5"), (2, "x,y")]


@pytest.mark.parametrize("weight", ["", None, "heavy", "nan", "1e999"])
def test_bad_weight_is_rejected(weight: str | None) -> None:
    """A mapped weight must be a finite number."""
    cleaned = clean([row(w="2.5"), row(w=weight)], columns={"weight": "w"})
    assert cleaned.rows["weight"].to_pylist() == [2.5]
    assert cleaned.rejects["reason"].to_pylist() == ["weight is not a number"]


def test_keep_rules_count_what_they_pass_over() -> None:
    """A row counts against its first rule; broken rows are rejects, not passed over."""
    rows = [
        row(e="buy", w="1"),
        row(e="view", w="1"),
        row(e="buy", w="0.5"),
        row(e=None, w="0.1"),
        row("", e="view", w="1"),
    ]
    cleaned = clean(rows, columns={"event": "e", "weight": "w"}, keep={"events": ("buy",), "min_weight": 1})
    assert cleaned.rows["row"].to_pylist() == [1]
    assert cleaned.not_kept == {"event": 2, "min_weight": 1}
    assert cleaned.rejects.num_rows == 1


def test_order_columns_are_text_for_now() -> None:
    """Tie-breakers keep what was written; one column may play two roles."""
    cleaned = clean([row(pos="7", timestamp="5")], columns={"order_by": ("pos", "timestamp")})
    assert cleaned.rows.select(["order_0", "order_1"]).to_pylist() == [{"order_0": "7", "order_1": "5"}]


def test_explicit_unit_takes_small_numbers() -> None:
    """Without auto the stated unit is believed."""
    assert clean([row(timestamp="5")], unit="ms", timestamp_unit="ms").rows["timestamp"].cast(
        pa.int64()
    ).to_pylist() == [5000]


def test_no_rows() -> None:
    """An empty batch gives empty tables."""
    batch = Batch(pa.array([], pa.int64()), pa.table({n: pa.array([], pa.string()) for n in row()}), delimiter=",")
    cleaned = clean_batch(batch, SOURCE, InteractionsConfig(), "s")
    assert cleaned.rows.num_rows == 0 and cleaned.rejects.num_rows == 0


def test_float_ids_stop_at_once() -> None:
    """Ids that are fractions are a broken column, not bad rows."""
    with pytest.raises(
        DataContractError, match=r"/in/log.csv: column 'user_id': ids are floating-point numbers such as 1.5"
    ):
        clean([row(user=1.5)])
