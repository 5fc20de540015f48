"""Segments: one cleaned file each."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.config import InteractionsConfig
from sidflow.interactions import clip_segment, first_interactions, interaction_paths, merge_facts, write_segment
from sidflow.sources import list_sources
from tests.factories import make_world, write_csv, write_parquet

S = 1_000_000


def segment(folder: Path, name: str, content: str, **config: Any) -> tuple[Path, dict[str, Any]]:
    """A source file's segment folder and facts."""
    (folder / name).write_text(content)
    target = folder / f"{name}.segment"
    target.mkdir()
    return target, write_segment(list_sources(str(folder / name))[0], InteractionsConfig(**config), target)


def test_facts_and_files(tmp_path: Path) -> None:
    """Everything in the file is accounted for."""
    content = "user_id,item_id,timestamp\n007,i1,20\n,i1,11\n8,i2,10\n9\n9,i3,soon\n"
    folder, facts = segment(tmp_path, "a.csv", content)
    assert facts == {
        "source": "a.csv",
        "source_rows": 5,
        "rows": 2,
        "rejects": {"timestamp unparseable": 1, "too few fields": 1, "user id missing": 1},
        "not_kept": {},
        "min_timestamp_us": 10 * S,
        "max_timestamp_us": 20 * S,
        "timestamp_unit": "s",
        "order_types": [],
    }
    json.dumps(facts)
    assert sorted(each.name for each in folder.iterdir()) == ["rejects.parquet", "rows.parquet"]
    assert pq.read_table(folder / "rows.parquet")["row"].to_pylist() == [1, 3]
    assert sorted(pq.read_table(folder / "rejects.parquet")["row"].to_pylist()) == [2, 4, 5]


def test_file_without_a_row_is_a_segment(tmp_path: Path) -> None:
    """A header alone gives no rows and no times."""
    folder, facts = segment(tmp_path, "a.csv", "user_id,item_id,timestamp\n")
    assert (facts["rows"], facts["source_rows"], facts["max_timestamp_us"]) == (0, 0, None)
    assert pq.read_table(folder / "rows.parquet").num_rows == 0


def test_every_format_gives_the_same_rows(tmp_path: Path) -> None:
    """CSV, Parquet and JSON Lines of one world differ only in the source's name."""
    table = make_world().interactions
    write_csv(table, tmp_path / "a.csv")
    write_parquet(table, tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    config = InteractionsConfig(columns={"event": "event", "weight": "weight", "order_by": ("weight",)})
    found = []
    for source in list_sources(str(tmp_path)):
        (tmp_path / source.format).mkdir()
        write_segment(source, config, tmp_path / source.format)
        found.append(pq.read_table(tmp_path / source.format / "rows.parquet").drop_columns(["source"]))
    assert found[0].num_rows == table.num_rows
    assert found[1].equals(found[0]) and found[2].equals(found[0])


@pytest.mark.parametrize("batch_rows", [1, 3, 1000])
def test_batch_size_changes_nothing(tmp_path: Path, batch_rows: int) -> None:
    """The unit is decided on the file's first rows, however few rows are read at a time."""
    times = [5, *range(1_577_836_800_000, 1_577_836_800_020)]
    content = "user_id,item_id,timestamp\n" + "".join(f"u,i,{time}\n" for time in times)
    folder, facts = segment(tmp_path, "a.csv", content, batch_rows=batch_rows)
    assert facts["timestamp_unit"] == "ms" and facts["rejects"] == {"timestamp in another unit": 1}
    assert pq.read_table(folder / "rows.parquet").num_rows == 20


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["10", "9", ""], "int64", [10, 9, None]),
        (["1.5", "2"], "double", [1.5, 2.0]),
        (["10", "b"], "string", ["10", "b"]),
        (["", ""], "int64", [None, None]),
        (["9" * 19], "double", [1e19]),
    ],
)
def test_order_column_takes_the_narrowest_type(
    tmp_path: Path, values: list[str], kind: str, expected: list[Any]
) -> None:
    """Integers, else numbers, else text, over the whole file."""
    content = "user_id,item_id,timestamp,pos\n" + "".join(f"u,i,5,{value}\n" for value in values)
    folder, facts = segment(tmp_path, "a.csv", content, columns={"order_by": ("pos",)}, batch_rows=1)
    column = pq.read_table(folder / "rows.parquet")["order_0"]
    assert facts["order_types"] == [kind] and str(column.type) == kind and column.to_pylist() == expected


def test_segments_read_as_one_table(tmp_path: Path) -> None:
    """A folder of segments under any names is one table."""
    data = tmp_path / "data"
    data.mkdir()
    for name in ("a.csv", "b.csv"):
        folder, _ = segment(tmp_path, name, "user_id,item_id,timestamp\nu,i,5\n")
        (folder / "rows.parquet").rename(data / f"part.{name}.parquet")
    table = pq.read_table(data)
    assert table.num_rows == 2 and sorted(table["source"].to_pylist()) == ["a.csv", "b.csv"]


@pytest.mark.parametrize(("as_of", "rows"), [(0, []), (11, [1]), (20, [1, 3]), (21, [1, 2, 3])])
def test_clip_is_exclusive(tmp_path: Path, as_of: int, rows: list[int]) -> None:
    """Only rows before the logical time are written, in their order and schema."""
    folder, _ = segment(tmp_path, "a.csv", "user_id,item_id,timestamp\nu,i,10\nu,i,20\nu,i,11\n")
    assert clip_segment(folder / "rows.parquet", as_of * S, tmp_path / "clipped.parquet") == len(rows)
    clipped = pq.read_table(tmp_path / "clipped.parquet")
    assert clipped["row"].to_pylist() == rows
    assert clipped.schema.equals(pq.read_schema(folder / "rows.parquet"))


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    """The last report is of the whole file."""
    path = write_csv(make_world().interactions, tmp_path / "a.csv")
    (tmp_path / "out").mkdir()
    seen: list[tuple[int, int]] = []
    write_segment(
        list_sources(str(path))[0], InteractionsConfig(batch_rows=50), tmp_path / "out", lambda *at: seen.append(at)
    )
    assert seen[-1] == (path.stat().st_size,) * 2 and len(seen) > 2


def test_facts_add_up() -> None:
    """Counts add, times span; a segment without rows has no time."""
    one = {"source": "a", "source_rows": 3, "rows": 2, "rejects": {"x": 1}, "not_kept": {"event": 2}}
    one |= {"min_timestamp_us": 5, "max_timestamp_us": 9}
    none = {"source": "b", "source_rows": 1, "rows": 0, "rejects": {"x": 1, "a": 1}, "not_kept": {}}
    none |= {"min_timestamp_us": None, "max_timestamp_us": None}
    assert merge_facts([one, none]) == {
        "sources": ["a", "b"],
        "source_rows": 4,
        "rows": 2,
        "rejects": {"a": 1, "x": 2},
        "not_kept": {"event": 2},
        "min_timestamp_us": 5,
        "max_timestamp_us": 9,
    }


def test_first_interactions(tmp_path: Path) -> None:
    """The earliest time of each item over all files, sorted by item; rejects are no interactions."""
    files = {}
    for name, rows in (("b.csv", "u,z,5\nu,a,9\n"), ("a.csv", "u,a,7\n,a,1\n")):
        folder, _ = segment(tmp_path, name, f"user_id,item_id,timestamp\n{rows}")
        files[f"part-{name}.parquet"] = folder / "rows.parquet"
        files[f"rejects/part-{name}.parquet"] = folder / "rejects.parquet"
    first = first_interactions(files)
    assert first["item_id"].to_pylist() == ["a", "z"]
    assert first["first_timestamp"].cast(pa.int64()).to_pylist() == [7 * S, 5 * S]
    assert len(interaction_paths(files)) == 2


def test_first_interactions_of_nothing() -> None:
    """No files, no items."""
    assert first_interactions([]).num_rows == 0
