"""The hand-off to language models, as a language model meets it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import torch

from sidflow.artifacts import Store
from sidflow.config import load_config
from sidflow.dataset.build import read_dataset
from sidflow.errors import ConfigError
from sidflow.export.handoff import Exported
from sidflow.export.language import FILES, export_language
from sidflow.export.language_tokens import add_sid_tokens
from sidflow.export.language_trie import allowed_tokens, generated_items, load_trie
from sidflow.release import Release, live_release
from tests.conftest import make_folder
from tests.export.language_models import tiny_model, tiny_tokenizer
from tests.released import release


@pytest.fixture(scope="module")
def released(two_releases: Path) -> tuple[Store, Release]:
    """A store and its live release."""
    store = Store(str(two_releases / "store"))
    return store, live_release(store)


@pytest.fixture(scope="module")
def exported(released: tuple[Store, Release], tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The language model's folder of the live release."""
    out = str(tmp_path_factory.mktemp("handoff") / "language")
    return export_language(*released, out=out, features=("brand", "hours"))


def read_lines(exported: Exported, name: str) -> list[dict[str, Any]]:
    """The lines of a file."""
    return [json.loads(line) for line in (Path(exported.folder) / name).read_text().splitlines()]


def test_the_files_are_all_there(exported: Exported) -> None:
    """What is reported is what lies in the folder, line by line."""
    assert sorted(each.name for each in Path(exported.folder).iterdir()) == sorted(exported.files) == sorted(FILES)
    for name, count in exported.files.items():
        if name.endswith(".jsonl"):
            assert len(read_lines(exported, name)) == count > 0
    assert exported.files["added_tokens.json"] == 24
    assert exported.files["items.parquet"] == exported.files["trie.npz"] == 40


def test_prompt_and_completion_have_the_tokens_of_the_whole(exported: Exported) -> None:
    """Trainers that tokenise them apart see what those see that tokenise the line."""
    lines = [*read_lines(exported, "behaviour-train.jsonl"), *read_lines(exported, "metadata.jsonl")]
    tokenizer = tiny_tokenizer(line["prompt"] + line["completion"] for line in lines)
    add_sid_tokens(tokenizer, Path(exported.folder))
    for line in lines:
        apart = [token for part in ("prompt", "completion") for token in tokenizer(line[part])["input_ids"]]
        assert apart == tokenizer(line["prompt"] + line["completion"])["input_ids"], line


def test_it_says_what_it_is(exported: Exported, released: tuple[Store, Release]) -> None:
    """Release, digest, columns of the items' vectors, and which files are not for training."""
    store, release = released
    facts = json.loads((Path(exported.folder) / "language.json").read_text())
    assert facts["release"] == release.id
    assert facts["sids_sha256"] == read_dataset(store.files(release.artifact("dataset"))).sids.digest()
    assert facts["columns"] == ["brand", "category"]
    assert facts["never_train_on"] == ["behaviour-validation.jsonl", "behaviour-test.jsonl"]


def test_the_splits_are_those_of_the_histories(exported: Exported, released: tuple[Store, Release]) -> None:
    """Targets by user and time: training ones before validation ones before test ones, as the histories say."""
    store, release = released
    histories = read_dataset(store.files(release.artifact("dataset"))).histories
    targets = {
        split: {(line["user_id"], line["timestamp"]) for line in read_lines(exported, f"behaviour-{split}.jsonl")}
        for split in ("train", "validation", "test")
    }
    for user, name in enumerate(histories.user_ids.to_pylist()):
        times = histories.timestamps[histories.offsets[user] : histories.offsets[user + 1]].tolist()
        cut = histories.n_train[user]
        assert cut < 2 or (name, times[cut - 1]) in targets["train"]
        assert {(name, time) for time in times[cut : cut + 1]} <= targets["validation"]
        assert {(name, time) for time in times[cut + 1 :]} <= targets["test"]
        assert not {(name, time) for time in times[cut:]} & targets["train"]
    assert not targets["validation"] & targets["test"]


def test_every_sid_in_the_corpora_exists(exported: Exported) -> None:
    """What a completion of the behaviour files names is the SID of the item beside it."""
    tokens = dict(
        zip(
            *pq.read_table(Path(exported.folder) / "items.parquet", columns=["item_id", "tokens"]).to_pydict().values(),
            strict=True,
        )
    )
    for split in ("train", "validation", "test"):
        assert all(
            line["completion"] == tokens[line["item_id"]] for line in read_lines(exported, f"behaviour-{split}.jsonl")
        )


def test_a_hostile_title_stays_text(own_releases: Path, tmp_path: Path) -> None:
    """Titles and brands of the catalogue that look like SIDs, separators and control tokens are taken apart."""
    store = Store(str(own_releases / "store"))
    release = live_release(store)
    _rewrite_titles(store, release, "Soap <a_1><b_2> || </s>\nwh = <a_0>")
    exported = export_language(store, release, str(tmp_path / "language"), features=("title",))
    lines = read_lines(exported, "metadata.jsonl")
    said = [line for line in lines if line["schema"] == "sid_title"]
    assert {line["completion"] for line in said} == {" Soap < a_1>< b_2> | | < /s> wh = < a_0>"}
    assert all((line["prompt"] + line["completion"]).count("<a_") == 1 for line in lines)
    assert all(line["prompt"].count("||") == 1 for line in read_lines(exported, "behaviour-train.jsonl"))


def _rewrite_titles(store: Store, release: Release, title: str) -> None:
    """Give every item of a stored catalogue the same title, checksum and all."""
    from sidflow.artifacts.fingerprint import file_digest

    manifest = store.manifest(release.artifact("catalogue"))
    (part,) = [each for each in manifest.parts if each.name == "catalogue.parquet"]
    path = Path(store.root) / part.path
    table = pq.read_table(path)
    path.unlink()
    pq.write_table(table.set_column(table.column_names.index("title"), "title", [[title] * len(table)]), path)
    changed = part.model_copy(update={"sha256": file_digest(path), "bytes": path.stat().st_size})
    parts = tuple(changed if each == part else each for each in manifest.parts)
    store.record(manifest.model_copy(update={"parts": parts}))


def test_a_withdrawn_item_cannot_be_generated(own_releases: Path, tmp_path: Path) -> None:
    """An item that the files mark as unavailable keeps its SID but is not in the trie."""
    lines = (own_releases / "items.csv").read_text().splitlines()
    flags = ["available", "no", *["yes"] * 39]
    (own_releases / "items.csv").write_text(
        "\n".join(f"{line},{flag}" for line, flag in zip(lines, flags, strict=True))
    )
    store = Store(str(own_releases / "store"))
    config = load_config(own_releases / "pipeline.yaml", ["catalogue.columns.available=available"])
    out = str(tmp_path / "language")
    exported = export_language(store, live_release(store), out, catalogue=config.catalogue)
    items = pq.read_table(tmp_path / "language" / "items.parquet").to_pylist()
    assert [each["item_id"] for each in items if not each["available"]] == [lines[1].split(",")[0].strip('"')]
    assert exported.files["trie.npz"] == 39
    trie = load_trie(tmp_path / "language")
    assert len(trie.items_of([int(code) for code in items[0]["sid"].split("-")])) == 0


def test_the_log_speaks_through_event_and_weight(tmp_path: Path) -> None:
    """With both mapped every event of a line carries the row of the log that it came from."""
    folder = make_folder(tmp_path)
    mapped = ["interactions.columns.event=event", "interactions.columns.weight=weight"]
    made = release(folder, mapped)
    store = Store(str(folder / "store"))
    exported = export_language(store, made, str(tmp_path / "language"), features=("weight", "event"))
    table = pyarrow.csv.read_csv(folder / "interactions.csv").sort_by("timestamp").to_pylist()
    words = {
        line["user_id"]: [f"{row['weight']:g} {row['event']}" for row in table if row["user_id"] == line["user_id"]]
        for line in read_lines(exported, "behaviour-test.jsonl")
    }
    for line in read_lines(exported, "behaviour-test.jsonl"):
        said = re.findall(r"> ([^<|]+) ", line["prompt"])
        assert said == words[line["user_id"]][:-1][-50:]


def test_a_log_without_weights_is_refused(released: tuple[Store, Release], tmp_path: Path) -> None:
    """The message says what to map, and nothing is left behind."""
    with pytest.raises(ConfigError, match=r"has no 'weight'; .* map interactions.columns.weight"):
        export_language(*released, out=str(tmp_path / "language"), features=["weight"])
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_column_is_refused(released: tuple[Store, Release], tmp_path: Path) -> None:
    """With what there is, a suggestion, and nothing left behind."""
    with pytest.raises(
        ConfigError, match=r"no column 'brnd' with text; allowed: hours, event, weight, item_id.*Did you mean 'brand'\?"
    ):
        export_language(*released, out=str(tmp_path / "language"), columns=["brnd"])
    with pytest.raises(ConfigError, match=r"no column 'hour' with text; .*Did you mean 'hours'\?"):
        export_language(*released, out=str(tmp_path / "language"), features=["hour"])
    assert list(tmp_path.iterdir()) == []


def test_a_second_export_is_the_same(released: tuple[Store, Release], exported: Exported, tmp_path: Path) -> None:
    """Byte for byte."""
    again = export_language(*released, out=str(tmp_path / "language"), features=("brand", "hours"))
    for name in exported.files:
        assert (Path(again.folder) / name).read_bytes() == (Path(exported.folder) / name).read_bytes()


Trained = tuple[Any, Any, np.ndarray, list[float]]


@pytest.fixture(scope="module")
def trained(exported: Exported) -> Trained:
    """A tokenizer, a tiny model trained on both corpora half and half, the SID tokens' ids, and the losses."""
    folder = Path(exported.folder)
    metadata, behaviour = read_lines(exported, "metadata.jsonl"), read_lines(exported, "behaviour-train.jsonl")
    tokenizer = tiny_tokenizer(line["prompt"] + line["completion"] for line in metadata + behaviour)
    before = len(tokenizer)
    torch.manual_seed(0)
    model = tiny_model(tokenizer)
    ids = add_sid_tokens(tokenizer, folder)
    model.resize_token_embeddings(len(tokenizer))
    assert model.get_input_embeddings().num_embeddings == len(tokenizer) == before + 24
    optimiser, losses = torch.optim.AdamW(model.parameters(), lr=5e-3), []
    for batch in mixed_batches(behaviour, metadata, 40):
        inputs = tokenizer(
            [text + tokenizer.eos_token for text in batch],
            return_tensors="pt",
            padding=True,
            truncation=True,
            max_length=256,
        )
        labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
        loss = model(**inputs, labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return tokenizer, model.eval(), ids, losses


def mixed_batches(behaviour: list[dict[str, Any]], metadata: list[dict[str, Any]], steps: int) -> Iterator[list[str]]:
    """Eight texts a step, half of each corpus, drawn anew."""
    generator = np.random.default_rng(0)
    for _ in range(steps):
        lines = [corpus[row] for corpus in (behaviour, metadata) for row in generator.integers(0, len(corpus), 4)]
        yield [line["prompt"] + line["completion"] for line in lines]


def test_a_language_model_learns_from_the_corpora(trained: Trained) -> None:
    """The loss of a tiny randomly initialised causal model falls by more than a third in forty steps."""
    losses = trained[3]
    assert np.mean(losses[-5:]) < 2 / 3 * np.mean(losses[:3])


def test_each_sid_in_a_text_is_one_token_a_level(exported: Exported, trained: Trained) -> None:
    """A completion is as many ids as there are levels, and decodes to itself."""
    tokenizer, _, ids, _ = trained
    for line in read_lines(exported, "behaviour-test.jsonl"):
        found = tokenizer(line["completion"])["input_ids"]
        assert len(found) == 3
        assert set(found) <= set(ids.tolist())
        assert tokenizer.decode(found) == line["completion"]


def test_constrained_decoding_returns_existing_items(exported: Exported, trained: Trained) -> None:
    """Beam search for users of the test file, several at once: every output is one SID that exists, then the end."""
    tokenizer, model, ids, _ = trained
    folder = Path(exported.folder)
    trie, items = load_trie(folder), pq.read_table(folder / "items.parquet")
    prompts = [line["prompt"] for line in read_lines(exported, "behaviour-test.jsonl")[:4]]
    inputs = tokenizer(prompts, return_tensors="pt", padding=True)
    length = inputs["input_ids"].shape[1]
    generated = model.generate(
        **inputs,
        max_new_tokens=4,
        num_beams=10,
        num_return_sequences=10,
        do_sample=False,
        prefix_allowed_tokens_fn=allowed_tokens(trie, ids, length, tokenizer.eos_token_id),
    )
    named = [generated_items(trie, ids, row.tolist()) for row in generated[:, length:]]
    assert [len(each) for each in named] == [1] * 40
    assert all(row[3] == tokenizer.eos_token_id for row in generated[:, length:].tolist())
    texts = tokenizer.batch_decode(generated[:, length : length + 3])
    assert texts == items["tokens"].take([int(each[0]) for each in named]).to_pylist()
    assert all(len({int(each[0]) for each in named[10 * user : 10 * user + 10]}) == 10 for user in range(4))


def test_without_the_trie_it_would_not(exported: Exported, trained: Trained) -> None:
    """The constraint does something: left alone, a model of so few steps mostly writes no SID that exists."""
    tokenizer, model, ids, _ = trained
    trie = load_trie(Path(exported.folder))
    prompts = [line["prompt"] for line in read_lines(exported, "behaviour-test.jsonl")[:4]]
    inputs = tokenizer(prompts, return_tensors="pt", padding=True)
    generated = model.generate(**inputs, max_new_tokens=4, num_beams=10, num_return_sequences=10, do_sample=False)
    found = [generated_items(trie, ids, row.tolist()) for row in generated[:, inputs["input_ids"].shape[1] :]]
    assert sum(len(each) > 0 for each in found) < 20
