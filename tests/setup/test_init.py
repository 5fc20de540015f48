"""`sidflow init`: what is written, and what is refused."""

import gzip
import json
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pytest
import yaml
from typer.testing import CliRunner

from flows.cli import app
from sidflow.config import load_config
from sidflow.errors import ConfigError
from sidflow.setup.init import initialise
from tests.factories import World
from tests.setup.conftest import Shop


def init(*arguments: str) -> Any:
    """`sidflow init ARGUMENTS` in this process."""
    return CliRunner().invoke(app, ["init", *arguments], env={"COLUMNS": "120"})


def test_from_files_to_a_configuration(shop: Shop) -> None:
    """The file loads, says why, and the next command is printed."""
    log, items = shop()
    done = init("--interactions", log, "--catalogue", items, "--out", "my shop.yaml")
    assert done.exit_code == 0, done.exception
    assert "sidflow validate --config 'my shop.yaml'" in done.stdout
    config = load_config("my shop.yaml")
    assert (config.interactions.path, config.catalogue.path, config.store.root) == (log, items, ".sidflow/my shop")
    assert config.interactions.columns.model_dump(exclude_defaults=True) == {"event": "event", "weight": "weight"}
    assert config.embedding.template == "{title}. {brand}. {category}"
    assert config.quantizer.codebooks == (8, 8, 8)
    text = Path("my shop.yaml").read_text()
    assert "user: user_id  # the name fits; 60 ids with" in text
    assert "100% of its ids are in the catalogue's column 'item_id'" in text
    assert max(map(len, text.splitlines())) <= 160


def test_suggestions_load_when_they_are_uncommented(shop: Shop) -> None:
    """The rules on events and weights."""
    initialise(*shop(), "a.yaml")
    lines = Path("a.yaml").read_text().splitlines()
    start = lines.index("  # keep:")
    for k in range(start, start + 3):
        lines[k] = lines[k].replace("  # ", "  ", 1).replace("#   ", "  ", 1)
    Path("b.yaml").write_text("\n".join(lines))
    keep = load_config("b.yaml").interactions.keep
    assert (keep.events, keep.min_weight) == (("buy",), 3)


def test_a_file_that_is_there_stays(shop: Shop) -> None:
    """Unless forced; and a refusal comes before anything is read."""
    Path("pipeline.yaml").write_text("mine")
    with pytest.raises(ConfigError, match=r"pipeline\.yaml: is there already and stays as it is.*--force"):
        initialise("no such file", None, "pipeline.yaml")
    assert Path("pipeline.yaml").read_text() == "mine"
    initialise(*shop(), "pipeline.yaml", force=True)
    assert load_config("pipeline.yaml").store.root == ".sidflow/store"
    assert sorted(each.name for each in Path().iterdir()) == ["items.csv", "log.csv", "pipeline.yaml"]


def test_no_folder_to_write_into(shop: Shop) -> None:
    """The folder is named."""
    with pytest.raises(ConfigError, match="there is no folder not/here"):
        initialise(*shop(), "not/here/a.yaml")


def test_names_and_values_that_yaml_could_trip_over(shop: Shop, shop_world: World) -> None:
    """Colons, quotes, hashes, line breaks, yes and no: the file says what the columns are called."""
    names = ["yes", "a: b", "x # y", "'q\"", "line\nbreak"]
    log = shop_world.interactions.rename_columns(names)
    values = [f"{each}\n\x1b[31m# {{x}}" for each in shop_world.items["title"].to_pylist()]
    items = shop_world.items.set_column(1, "{t}", pa.array(values)).rename_columns(["no", "{t}", "available", "null"])
    initialise(*shop(log, items, "parquet"), "a.yaml")
    config = load_config("a.yaml")
    assert config.interactions.columns.model_dump(exclude={"order_by"}) == {
        "user": "yes",
        "item": "a: b",
        "timestamp": "x # y",
        "event": "'q\"",
        "weight": "line\nbreak",
    }
    assert (config.catalogue.columns.item, config.catalogue.columns.title) == ("no", "{t}")
    assert config.embedding.template == "{title}. {source_available}. {null}"
    assert "\x1b" not in Path("a.yaml").read_text()


def test_a_log_that_is_its_own_catalogue(shop: Shop, shop_world: World) -> None:
    """Its gate must let the repeated items pass."""
    joined = shop_world.interactions.join(shop_world.items, "item_id")
    done = init("--interactions", shop(joined)[0], "--out", "a.yaml")
    assert "the items are taken from the log" in done.stdout
    content = yaml.safe_load(Path("a.yaml").read_text())
    assert content["catalogue"]["path"] == "log.csv"
    assert content["catalogue"]["gate"] == {"max_reject_share": 1.0}


def test_a_step_back_is_no_suggestion(shop: Shop, shop_world: World) -> None:
    """The rarest event counts only if it may say that an item was wanted."""
    events = ["remove_from_cart" if k < 3 else "purchase" if k < 20 else "view" for k in range(400)]
    log = shop_world.interactions.drop_columns("event").append_column("event", pa.array(events))
    initialise(*shop(log), "a.yaml")
    assert "events: [purchase]" in Path("a.yaml").read_text()


def test_square_brackets_are_no_markup(shop: Shop, shop_world: World) -> None:
    """Column names and values are shown as they are."""
    log = shop_world.interactions.rename_columns(["[red]u", "item_id", "timestamp", "event", "weight"])
    assert "[red]u" in init("--interactions", shop(log)[0], "--catalogue", "items.csv", "--out", "a.yaml").stdout


def test_files_anywhere_and_packed(shop: Shop, shop_world: World) -> None:
    """JSON Lines, gzipped, on a filesystem that is not local."""
    files = fsspec.filesystem("memory")
    for name, table in (("log", shop_world.interactions), ("items", shop_world.items)):
        text = "".join(f"{json.dumps(row)}\n" for row in table.to_pylist())
        files.pipe_file(f"/init/{name}.jsonl.gz", gzip.compress(text.encode()))
    initialise("memory://init/log.jsonl.gz", "memory://init/it*.jsonl.gz", "a.yaml")
    config = load_config("a.yaml")
    assert (config.interactions.path, config.catalogue.path) == (
        "memory://init/log.jsonl.gz",
        "memory://init/it*.jsonl.gz",
    )
    assert config.interactions.columns.weight == "weight"
