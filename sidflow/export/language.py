"""The hand-off to language models: added tokens, behaviour and metadata corpora, and the SIDs that exist.

Source: He et al. 2025, PLUM, arXiv 2510.07784: continued pre-training, table 1.
"""

import json
import logging
import string
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.artifacts import Store
from sidflow.availability import availability_files, live_availability
from sidflow.catalogue.availability import mask_items, read_availability
from sidflow.config import CatalogueConfig
from sidflow.errors import ConfigError, did_you_mean
from sidflow.export import language_behaviour, language_metadata
from sidflow.export.folder import whole_folder
from sidflow.export.handoff import Exported, history_shards, origin, read_items, read_sids
from sidflow.export.language_behaviour import HOURS, SPLITS, Events, Feature, behaviour_lines
from sidflow.export.language_events import LOGGED, check_logged, logged_texts
from sidflow.export.language_metadata import metadata_lines
from sidflow.export.language_tokens import TOKENS, neutral_text, sid_texts, write_tokens
from sidflow.export.language_trie import FILE as TRIE
from sidflow.export.language_trie import build_sid_trie, write_trie
from sidflow.export.ranker_ngrams import ngram_texts
from sidflow.interactions.tombstones import read_forgotten
from sidflow.release import Release
from sidflow.semantic_ids.table import SidTable

logger = logging.getLogger(__name__)

FORMAT = 1
FILES = (TOKENS, *(f"behaviour-{split}.jsonl" for split in SPLITS), "metadata.jsonl", "items.parquet", TRIE,
         "language.json")  # fmt: skip


def export_language(
    store: Store,
    release: Release,
    out: str,
    columns: Sequence[str] | None = None,
    features: Sequence[str] = (HOURS,),
    force: bool = False,
    catalogue: CatalogueConfig | None = None,
) -> Exported:
    """Write a folder with added tokens, corpora, the trie of SIDs and language.json.

    behaviour-train.jsonl holds training events alone; behaviour-validation.jsonl and behaviour-test.jsonl have the
    measured events as targets and must not be trained on. metadata.jsonl describes every item of the catalogue.

    Args:
        store: Where the release is.
        release: Whose SIDs and histories.
        out: A local folder that does not exist or is empty.
        columns: Catalogue columns that describe an item, beside its title; None takes those of embedding.template.
        features: What follows each event's SID, in this order: `hours` (whole hours before the last event of the
            context), `event` and `weight` of the log (read once more for every shard of users), catalogue columns.
        force: Replace an older export.
        catalogue: Ask the item files what may be recommended now; None takes the release's word.

    Raises:
        ConfigError: If the folder cannot be written, or a column is neither in the log nor in the catalogue.
        ShapeError: If there are more than 26 levels, or no item may be recommended.
    """
    with whole_folder(out, FILES, force) as folder:
        sids = read_sids(store, release)
        items = read_items(store, release, sids.item_ids)
        described = _template_columns(store, release, items) if columns is None else tuple(columns)
        names = [name for name in features if name not in (HOURS, *LOGGED)]
        texts = {name: _texts(items, name) for name in ("title", *described, *names)}
        words = sid_texts(sids.codes)
        files = {"added_tokens.json": write_tokens(sids.sizes, folder)}
        files |= _write_behaviour(store, release, words, {name: texts.get(name, []) for name in features}, folder)
        about = {name: texts[name] for name in described}
        described_items = metadata_lines(sids.item_ids.to_pylist(), words, texts["title"], _topics(sids), about)
        with (folder / "metadata.jsonl").open("w", encoding="utf-8") as file:
            files["metadata.jsonl"] = _write_lines(described_items, file)
        files |= _write_items(sids, words, _available(store, release, catalogue, sids), folder)
        facts = {**origin(release, sids), **_facts(files, described, features)}
        (folder / "language.json").write_text(json.dumps({"format": FORMAT, **facts}, indent=1) + "\n")
    logger.info("language: %(behaviour-train.jsonl)d training lines, %(metadata.jsonl)d metadata lines", files)
    return Exported(str(Path(out).absolute()), {**files, "language.json": 1}, facts)


def _write_behaviour(
    store: Store, release: Release, words: Sequence[str], features: Mapping[str, Sequence[str]], folder: Path
) -> dict[str, int]:
    """Write the behaviour of every split, shard by shard; returns the lines by file."""
    shards = history_shards(store.files(release.artifact("dataset")), read_forgotten(store))
    max_items = int(store.manifest(release.artifact("dataset")).identity["max_items"])
    log, logged = store.files(release.artifact("interactions")), [name for name in features if name in LOGGED]
    check_logged(log, logged)
    counts = {f"behaviour-{split}.jsonl": 0 for split in SPLITS}
    with ExitStack() as stack:
        opened = {name: stack.enter_context((folder / name).open("w", encoding="utf-8")) for name in counts}
        for shard in shards:
            told = logged_texts(log, shard, logged)
            events = Events(words, [_feature(name, texts, told) for name, texts in features.items()])
            for split, name in zip(SPLITS, counts, strict=True):
                counts[name] += _write_lines(behaviour_lines(shard, split, events, max_items), opened[name])
    return counts


def _feature(name: str, texts: Sequence[str], told: Mapping[str, Sequence[str]]) -> Feature:
    if name == HOURS:
        return Feature("hours")
    return Feature("event", told[name]) if name in told else Feature("item", texts)


def _template_columns(store: Store, release: Release, items: pa.Table) -> tuple[str, ...]:
    """The columns that the items' vectors were made from, without the title."""
    template = store.manifest(release.artifact("embeddings")).identity["template"]
    fields = [field for _, field, _, _ in string.Formatter().parse(template) if field]
    return tuple(name for name in dict.fromkeys(fields) if name != "title" and name in items.column_names)


def _texts(items: pa.Table, name: str) -> list[str]:
    """A column as neutral texts, "" where there is none.

    Raises:
        ConfigError: If there is no such column, or it holds no text.
    """
    known = [each.name for each in items.schema if not pa.types.is_nested(each.type)]
    if name not in known:
        allowed = ", ".join((HOURS, *LOGGED, *known))
        hint = did_you_mean(name, [HOURS, *LOGGED, *known])
        raise ConfigError(f"export language-model: no column '{name}' with text; allowed: {allowed}.{hint}")
    return [neutral_text(each or "") for each in pc.cast(items[name], pa.string()).to_pylist()]


def _topics(sids: SidTable) -> list[list[str]] | None:
    if sids.topics is None:
        return None
    neutral = {name: neutral_text(name) for row in sids.topics for name in row}
    return [[neutral[name] for name in row] for row in sids.topics]


def _write_lines(lines: Iterable[Mapping[str, Any]], file: TextIO) -> int:
    """Write JSON Lines as they come; returns how many."""
    count = 0
    for count, line in enumerate(lines, start=1):  # noqa: B007
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return count


def _available(
    store: Store, release: Release, catalogue: CatalogueConfig | None, sids: SidTable
) -> npt.NDArray[np.bool_]:
    """Which items may be recommended, (N,)."""
    if catalogue is not None:
        return live_availability(store, release, catalogue, sids.item_ids)
    released = read_availability(availability_files(store, release))
    return mask_items(sids.item_ids, released, released)


def _write_items(
    sids: SidTable, words: Sequence[str], available: npt.NDArray[np.bool_], folder: Path
) -> dict[str, int]:
    """Write items.parquet (item_id, sid, tokens, available, in catalogue order) and the trie of available items."""
    trie = build_sid_trie(sids.codes, sids.sizes, available)
    write_trie(trie, folder)
    columns = {"item_id": sids.item_ids, "sid": ngram_texts(sids.codes), "tokens": pa.array(words, pa.string())}
    pq.write_table(pa.table({**columns, "available": pa.array(available)}), folder / "items.parquet")
    return {"items.parquet": len(words), "trie.npz": len(trie.codes[-1])}


def _facts(files: Mapping[str, int], columns: Sequence[str], features: Sequence[str]) -> dict[str, Any]:
    """What `language.json` says beside its origin."""
    return {
        "files": dict(files),
        "schemas": {"behaviour": language_behaviour.SCHEMA, **language_metadata.SCHEMAS},
        "text": "prompt + completion",
        "columns": list(columns),
        "features": list(features),
        "mixture": {"behaviour-train.jsonl": 0.5, "metadata.jsonl": 0.5},
        "never_train_on": ["behaviour-validation.jsonl", "behaviour-test.jsonl"],
    }
