"""The hand-off to rankers, as a ranker meets it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

from sidflow.artifacts import Store
from sidflow.dataset.build import read_dataset
from sidflow.errors import ConfigError, CorruptArtifact
from sidflow.export.handoff import Exported
from sidflow.export.pieces import decode_pieces
from sidflow.export.ranker import FILES, export_ranker, load_ranker
from sidflow.release import Release, live_release


@pytest.fixture(scope="module")
def released(two_releases: Path) -> tuple[Store, Release]:
    """A store and its live release."""
    store = Store(str(two_releases / "store"))
    return store, live_release(store)


@pytest.fixture(scope="module")
def exported(released: tuple[Store, Release], tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The ranker's folder of the live release."""
    return export_ranker(*released, out=str(tmp_path_factory.mktemp("handoff") / "ranker"))


def test_the_files_are_all_there(exported: Exported) -> None:
    """What is reported is what lies in the folder."""
    folder = Path(exported.folder)
    assert sorted(each.name for each in folder.iterdir()) == sorted(exported.files) == sorted(FILES)
    assert exported.files["items.parquet"] == len(pq.read_table(folder / "items.parquet")) == 40
    assert json.loads((folder / "ranker.json").read_text()) == exported.facts


def test_it_says_where_it_is_from(exported: Exported, released: tuple[Store, Release]) -> None:
    """Release, logical time and the digest of the SID table, which a ranker can compare with what it was trained on."""
    store, release = released
    sids = read_dataset(store.files(release.artifact("dataset"))).sids
    assert exported.facts["release"] == release.id
    assert exported.facts["sids_sha256"] == sids.digest()
    assert exported.facts["codes_per_level"] == [8, 8, 8]


def test_pandas_reads_what_pyarrow_reads(exported: Exported) -> None:
    """One row an item, integer columns within their tables, and a list of pieces."""
    path = Path(exported.folder) / "items.parquet"
    table, frame = pq.read_table(path), pd.read_parquet(path)
    assert list(frame.columns) == table.column_names
    assert frame["item_id"].is_unique
    for name, each in exported.facts["tables"].items():
        values = np.concatenate(frame["pieces"].to_numpy()) if name == "pieces" else frame[name].to_numpy()
        assert values.dtype == np.int32
        assert 0 <= values.min() <= values.max() < each["rows"]


def test_tables_follow_one_another_in_one_table(exported: Exported) -> None:
    """Offsets leave no gap and no overlap, so that one table of total_rows rows may hold all."""
    spans = sorted((each["offset"], each["rows"]) for each in exported.facts["tables"].values())
    ends = np.cumsum([rows for _, rows in spans])
    assert [offset for offset, _ in spans] == [0, *ends[:-1].tolist()]
    assert ends[-1] == exported.facts["total_rows"]


def test_pieces_give_back_every_sid(exported: Exported) -> None:
    """The shipped model decodes the shipped pieces to the shipped SID."""
    table, features = pq.read_table(Path(exported.folder) / "items.parquet"), load_ranker(Path(exported.folder))
    for sid, pieces in zip(table["sid"].to_pylist(), table["pieces"].to_pylist(), strict=True):
        assert "-".join(map(str, decode_pieces(pieces, features.pieces))) == sid


def test_only_training_interactions_count(exported: Exported, released: tuple[Store, Release]) -> None:
    """Counts are those of a double loop over training prefixes: no validation and no test event is among them."""
    store, release = released
    histories = read_dataset(store.files(release.artifact("dataset"))).histories
    naive = [0] * 40
    for user in range(len(histories.user_ids)):
        for event in range(histories.n_train[user]):
            naive[histories.items[histories.offsets[user] + event]] += 1
    table = pq.read_table(Path(exported.folder) / "items.parquet")
    assert table["train_events"].to_pylist() == naive
    assert sum(naive) < len(histories.items)


def test_popular_items_take_fewer_pieces(exported: Exported) -> None:
    """Fewer look-ups where the traffic is, as the paper's figure 4 has it."""
    means = exported.facts["pieces_per_item"]
    assert 1 <= means["popular_tenth"] < means["rare_half"] <= 3
    assert means["by_interaction"] < means["all"]


def test_new_items_are_encoded_with_what_was_shipped(exported: Exported) -> None:
    """The loaded features repeat the file for its own SIDs, and take a SID that no item has."""
    folder = Path(exported.folder)
    table, features = pq.read_table(folder / "items.parquet"), load_ranker(folder)
    codes = np.array([[int(code) for code in sid.split("-")] for sid in table["sid"].to_pylist()])
    assert features.encode(codes).equals(table.select(features.encode(codes).column_names))
    taken = set(table["sid"].to_pylist())
    new = next([a, b, c] for a in range(8) for b in range(8) for c in range(8) if f"{a}-{b}-{c}" not in taken)
    row = features.encode(np.array([new])).to_pylist()[0]
    assert row["prefix_3"] == 0
    assert decode_pieces(row["pieces"], features.pieces).tolist() == new


def test_a_second_export_is_the_same(released: tuple[Store, Release], exported: Exported, tmp_path: Path) -> None:
    """Byte for byte."""
    again = export_ranker(*released, out=str(tmp_path / "ranker"))
    for name in exported.files:
        assert (Path(again.folder) / name).read_bytes() == (Path(exported.folder) / name).read_bytes()


def test_hashed_tables_report_their_collisions(released: tuple[Store, Release], tmp_path: Path) -> None:
    """Seven rows for forty SIDs: nearly all share one, and the file says so."""
    exported = export_ranker(*released, out=str(tmp_path / "ranker"), hash_rows=7)
    prefix = exported.facts["tables"]["prefix_3"]
    assert (prefix["kind"], prefix["rows"]) == ("hashed", 7)
    assert prefix["collision_share"] > 0.9
    assert exported.files["ngrams.parquet"] == 0
    load_ranker(tmp_path / "ranker").encode(np.zeros((1, 3), int))


def test_a_failure_leaves_no_folder(released: tuple[Store, Release], tmp_path: Path) -> None:
    """Too small a piece table is refused, and nothing is left behind."""
    with pytest.raises(ConfigError, match=r"pieces: 3 rows for 24 codes; allowed is 25 or more"):
        export_ranker(*released, out=str(tmp_path / "ranker"), rows=3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["ranker.json", "ngrams.parquet", "pieces.model"])
def test_a_broken_file_is_refused(released: tuple[Store, Release], tmp_path: Path, name: str) -> None:
    """A file of which half is there is an error of ours, too."""
    export_ranker(*released, out=str(tmp_path / "ranker"))
    path = tmp_path / "ranker" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CorruptArtifact, match=r"ranker"):
        load_ranker(tmp_path / "ranker")


@pytest.mark.parametrize("name", ["ranker.json", "ngrams.parquet", "pieces.model"])
def test_a_folder_with_a_gap_is_refused(released: tuple[Store, Release], tmp_path: Path, name: str) -> None:
    """Whichever file is gone, the error names the folder and the command."""
    export_ranker(*released, out=str(tmp_path / "ranker"))
    (tmp_path / "ranker" / name).unlink()
    with pytest.raises(CorruptArtifact, match=r"ranker: is no ranker export of format 1 .*sidflow export ranker"):
        load_ranker(tmp_path / "ranker")


class TinyRanker(nn.Module):
    """Scores a (user, item) by embeddings of the item's pieces and prefixes."""

    def __init__(self, users: int, tables: dict[str, dict[str, int]], names: list[str], dim: int = 16):
        super().__init__()
        self.users = nn.Embedding(users, dim)
        self.pieces = nn.EmbeddingBag(tables["pieces"]["rows"], dim, mode="sum")
        self.ngrams = nn.ModuleDict({name: nn.Embedding(tables[name]["rows"], dim) for name in names})

    def forward(
        self, user: torch.Tensor, ngrams: torch.Tensor, pieces: torch.Tensor, starts: torch.Tensor
    ) -> torch.Tensor:
        """Logits, (n,)."""
        item = self.pieces(pieces, starts)
        for column, table in enumerate(self.ngrams.values()):
            item = item + table(ngrams[:, column])
        return (self.users(user) * item).sum(dim=1)


def test_a_ranker_learns_from_the_columns(exported: Exported, released: tuple[Store, Release]) -> None:
    """Trained on training events against random items, a small torch ranker's loss halves in a hundred steps."""
    store, release = released
    histories = read_dataset(store.files(release.artifact("dataset"))).histories
    table = pq.read_table(Path(exported.folder) / "items.parquet")
    names = ["prefix_1", "prefix_2", "prefix_3"]
    ngrams = torch.tensor(np.stack([table[name].to_numpy() for name in names], axis=1))
    bags = [torch.tensor(each) for each in table["pieces"].to_pylist()]
    user = np.repeat(np.arange(len(histories.user_ids)), histories.n_train)
    positives = np.concatenate(
        [histories.items[start : start + n] for start, n in zip(histories.offsets, histories.n_train, strict=False)]
    )
    generator = np.random.default_rng(0)
    users = torch.tensor(np.concatenate([user, user]))
    items = np.concatenate([positives, generator.integers(0, 40, len(positives))])
    labels = torch.tensor(np.repeat([1.0, 0.0], len(positives)), dtype=torch.float32)
    chosen = [bags[item] for item in items]
    starts = torch.tensor(np.cumsum([0, *(len(each) for each in chosen[:-1])]))
    torch.manual_seed(0)
    model = TinyRanker(len(histories.user_ids), exported.facts["tables"], names)
    optimiser, losses = torch.optim.Adam(model.parameters(), lr=0.02), []
    for _ in range(100):
        loss = nn.functional.binary_cross_entropy_with_logits(
            model(users, ngrams[items], torch.cat(chosen), starts), labels
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
