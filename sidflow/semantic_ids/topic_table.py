"""The topics of prefixes as a table beside the SID table: what each is called, and which titles are typical of it."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sidflow.errors import CorruptArtifact
from sidflow.semantic_ids.topics import Prefix, Topics

FILE = "topics.parquet"
KEPT = f"beside/{FILE}"  # its name among an artifact's files: readers of the data's folder see SIDs alone
SCHEMA = pa.schema({"prefix": pa.string(), "topic": pa.string(), "titles": pa.list_(pa.string())})


def write_topics(topics: Topics, folder: Path) -> None:
    """Write `topics.parquet`: one row a named prefix ("12-7"), by length and then by codes."""
    prefixes = sorted(topics.names, key=lambda prefix: (len(prefix), prefix))
    columns = [
        ["-".join(map(str, prefix)) for prefix in prefixes],
        [topics.names[prefix] for prefix in prefixes],
        [list(topics.titles[prefix]) for prefix in prefixes],
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA), folder / FILE)


def read_topics(files: Mapping[str, Path]) -> Topics:
    """The topics in `topics.parquet`; none where the file is not there, as beside SID tables of older releases.

    Raises:
        CorruptArtifact: If the file is not such a table.
    """
    if KEPT not in files:
        return Topics({}, {})
    try:
        table = pq.read_table(files[KEPT], schema=SCHEMA).to_pydict()
        prefixes: list[Prefix] = [tuple(map(int, text.split("-"))) for text in table["prefix"]]
    except (pa.ArrowException, ValueError, AttributeError) as error:
        raise CorruptArtifact(f"{files[KEPT]}: not a table of topics; run the stage semantic_ids again.") from error
    return Topics(
        names=dict(zip(prefixes, table["topic"], strict=True)),
        titles=dict(zip(prefixes, map(tuple, table["titles"]), strict=True)),
    )
