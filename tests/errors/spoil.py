"""Ways to spoil a file of a small world."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

Spoil = Callable[[Path], object]
LOG, ITEMS, SETTINGS = "interactions.csv", "items.csv", "pipeline.yaml"


def nothing(folder: Path) -> None:
    """Leave all as it is: the command line alone is wrong."""


def write(name: str, content: bytes | str) -> Spoil:
    """Put other content in a file."""
    raw = content.encode() if isinstance(content, str) else content

    def spoil(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(raw)

    return spoil


def add(name: str, *lines: str) -> Spoil:
    """Append lines to a text file."""
    return lambda folder: (folder / name).write_text(
        (folder / name).read_text() + "".join(f"{each}\n" for each in lines)
    )


def change(name: str, edit: Callable[[bytes], bytes]) -> Spoil:
    """Change the bytes of a file."""
    return lambda folder: (folder / name).write_bytes(edit((folder / name).read_bytes()))


def replace(name: str, old: str, new: str) -> Spoil:
    """Put other text in the place of what is there, wherever it is there."""

    def edit(content: bytes) -> bytes:
        assert old.encode() in content, f"{name} does not hold {old}"
        return content.replace(old.encode(), new.encode())

    return change(name, edit)


def remove(name: str) -> Spoil:
    """Delete a file."""
    return lambda folder: (folder / name).unlink()


def parquet(name: str, target: str, edit: Callable[[pa.Table], pa.Table]) -> Spoil:
    """Write a CSV file as Parquet, its table changed."""
    return lambda folder: pq.write_table(edit(pa.csv.read_csv(folder / name)), folder / target)


def column(name: str, values: Callable[[list[Any]], Any]) -> Callable[[pa.Table], pa.Table]:
    """An edit that puts other values into a column."""

    def edit(table: pa.Table) -> pa.Table:
        return table.set_column(table.column_names.index(name), name, pa.array(values(table[name].to_pylist())))

    return edit


def both(*spoils: Spoil) -> Spoil:
    """Several changes, in order."""

    def spoil(folder: Path) -> None:
        for each in spoils:
            each(folder)

    return spoil
