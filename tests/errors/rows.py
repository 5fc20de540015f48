"""Rows of the log that cannot count, and ids of every kind."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from tests.errors.case import Case
from tests.errors.spoil import ITEMS, LOG, add, both, change, column, nothing, parquet, replace, write

PARQUET = ("interactions.path=FOLDER/log.parquet",)


def european_dates(folder: Path) -> None:
    """All times as 31/12/2014."""
    lines = (folder / LOG).read_text().splitlines()
    rows = [",".join([*line.split(",")[:2], "31/12/2014", *line.split(",")[3:]]) for line in lines[1:]]
    (folder / LOG).write_text("\n".join([lines[0], *rows]) + "\n")


def numbered(folder: Path) -> None:
    """Item ids as numbers: in the log whole floats, as pandas writes a column with gaps; integers in the catalogue."""
    number = lambda ids: [int(each[1:]) for each in ids]  # noqa: E731
    parquet(LOG, "log.parquet", column("item_id", lambda ids: [float(each) for each in number(ids)]))(folder)
    parquet(ITEMS, "items.parquet", column("item_id", number))(folder)


def floats_as_text(folder: Path) -> None:
    """Item ids as `1.0` in the log and as `1` in the catalogue, both text."""
    table = pa.csv.read_csv(folder / LOG)
    pa.csv.write_csv(column("item_id", lambda ids: [f"{int(each[1:])}.0" for each in ids])(table), folder / LOG)
    table = pa.csv.read_csv(folder / ITEMS)
    pa.csv.write_csv(column("item_id", lambda ids: [str(int(each[1:])) for each in ids])(table), folder / ITEMS)


TIMES = (
    Case(
        "unparseable timestamps",
        "A few times are no times: those rows are rejected and counted.",
        add(LOG, "u00001,i00001,yesterday,view,1", "u00001,i00001,,view,1"),
        0,
        until="interactions",
    ),
    Case("dates as 31/12/2014", "All times are in a format that is not read.", european_dates, 2),
    Case("negative timestamp", "A time before 1970.", add(LOG, "u00001,i00001,-86400,view,1"), 0, until="interactions"),
    Case(
        "far-future timestamp",
        "A time in 2100 or later, such as a placeholder of 9999.",
        add(LOG, "u00001,i00001,5000000000,view,1"),
        0,
        until="interactions",
    ),
    Case(
        "timestamp in the future",
        "A time after now and before 2100 counts, with a warning.",
        add(LOG, "u00001,i00001,4000000000,view,1"),
        0,
        until="interactions",
    ),
    Case(
        "mixed units",
        "Some rows count milliseconds in a file of seconds.",
        add(LOG, "u00001,i00001,1600000000000,view,1", "u00001,i00002,1600000060000,view,1"),
        0,
        until="interactions",
    ),
    Case(
        "wrong unit of time",
        "`interactions.timestamp_unit` says milliseconds for seconds: all is of January 1970, with a warning.",
        nothing,
        0,
        settings=("interactions.timestamp_unit=ms",),
        until="interactions",
    ),
    Case(
        "holdout of the whole log",
        "With `histories.split: time`, no event is left to learn from.",
        nothing,
        2,
        settings=("histories.split=time", "histories.holdout=4w"),
    ),
    Case("no interaction before as_of", "The logical time is before the whole log.", nothing, 2, as_of="2014-07-01"),
)

ROWS = (
    Case(
        "ragged rows",
        "Rows with too few or too many fields.",
        add(LOG, "u00001,i00001", "u00001,i00001,1600000000,view,1,what,else"),
        0,
        until="interactions",
    ),
    Case(
        "null ids",
        "Rows without a user or without an item.",
        add(LOG, ",i00001,1600000000,view,1", "u00001,  ,1600000000,view,1"),
        0,
        until="interactions",
    ),
    Case(
        "weight that is no number",
        "A mapped weight must be a finite number.",
        add(LOG, "u00001,i00001,1600000000,view,five"),
        0,
        settings=("interactions.columns.weight=weight",),
        until="interactions",
    ),
    Case(
        "broken JSON lines",
        "Lines that are no JSON object.",
        write(
            "log.jsonl",
            "".join(
                f'{{"user_id": "u{k % 7}", "item_id": "i0000{k % 5}", "timestamp": {1600000000 + k}}}\n'
                for k in range(60)
            )
            + '{"user_id": "u1", "item\n',
        ),
        0,
        settings=("interactions.path=FOLDER/log.jsonl",),
        until="interactions",
    ),
    Case(
        "too many rejects",
        "More rows are broken than the gate allows: nothing is published.",
        change(LOG, lambda raw: raw.replace(b',"view",', b",", 100)),
        3,
    ),
    Case(
        "header with one name too many",
        "A comma at the end of the header alone.",
        change(LOG, lambda raw: raw.replace(b'"weight"\n', b'"weight",\n')),
        2,
    ),
    Case(
        "keep rule that keeps nothing",
        "No row is of a kept event type.",
        nothing,
        2,
        settings=("interactions.columns.event=event", "interactions.keep.events=[purchase]"),
    ),
    Case(
        "duplicate events",
        "The same user, item and time again counts once.",
        change(LOG, lambda raw: raw + b"".join(raw.splitlines(keepends=True)[1:4])),
        0,
    ),
    Case(
        "user with one event",
        "A user below `histories.min_user_events` is dropped and counted.",
        add(LOG, "newcomer,i00001,1600000000,view,1"),
        0,
    ),
    Case(
        "all users dropped by k-core",
        "The k-core asks for more than anybody has.",
        nothing,
        2,
        settings=("histories.min_user_events=500",),
    ),
    Case(
        "item not in the catalogue",
        "A few interactions with items that the catalogue lacks are dropped and counted.",
        add(LOG, "u00001,discontinued,1600000000,view,1"),
        0,
    ),
    Case(
        "many items not in the catalogue",
        "More of them than the gate allows.",
        change(ITEMS, lambda raw: b"".join(raw.splitlines(keepends=True)[:21])),
        3,
    ),
    Case("too few users", "The gate asks for more users.", nothing, 3, settings=("histories.gate.min_users=1000",)),
)

IDS = (
    Case(
        "ids with leading zeros",
        "Ids are text: `007` stays `007`, here in log and catalogue.",
        both(replace(LOG, '"i000', '"000'), replace(ITEMS, '"i000', '"000')),
        0,
    ),
    Case(
        "ids that are integers or whole floats",
        "Whole floats become integers, so `7.0` in a log that had gaps is the catalogue's `7`.",
        numbered,
        0,
        settings=(*PARQUET, "catalogue.path=FOLDER/items.parquet"),
    ),
    Case(
        "ids that are fractions",
        "An id cannot be a fraction; a wrong column was mapped.",
        parquet(LOG, "log.parquet", column("user_id", lambda ids: [k + 0.5 for k in range(len(ids))])),
        2,
        settings=PARQUET,
    ),
    Case("ids written as 1.0 in text", "In CSV an id is what is written: `1.0` is not `1`.", floats_as_text, 2),
    Case(
        "ids of a wrong type",
        "The column of ids holds lists.",
        parquet(LOG, "log.parquet", column("user_id", lambda ids: [[each] for each in ids])),
        2,
        settings=PARQUET,
    ),
    Case(
        "times of a wrong type",
        "The column of times holds words: every row is rejected.",
        nothing,
        2,
        settings=("interactions.columns.timestamp=event",),
    ),
)
